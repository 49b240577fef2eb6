"""A stream that others have published, tokenised row by row as ours are; memory does not grow with it."""

import argparse
from collections.abc import Iterable, Iterator

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import require_free_disk
from workflow_scripts.config.corpus import Released
from workflow_scripts.config.load import parse_settings
from workflow_scripts.corpus.sources import texts
from workflow_scripts.corpus.tokenizer import StudentTokenizer, groups_by_characters
from workflow_scripts.megadocs.build import token_batches
from workflow_scripts.megadocs.compose import Piece
from workflow_scripts.megadocs.tokens import write_batches

BYTES_PER_TOKEN = 5  # a token of 4, and its share of the index
TOLERANCE = 0.01  # of the expected count


def rows_of(raw: Iterable[str | None]) -> Iterator[list[tuple[str, Piece]]]:
    """(number of the row, row before tokenising), some at a time; a row without text has BOS and EOS alone."""
    rows = ((str(number), Piece("released", -1, text or "")) for number, text in enumerate(raw))
    return groups_by_characters(rows, lambda row: len(row[1].text))


def difference(tokens: int, expected: int | None) -> str | None:
    """What to say when a count is not near the expected one; none otherwise."""
    if not expected or abs(tokens - expected) <= TOLERANCE * expected:
        return None
    return (
        f"warning: {tokens:,} tokens, {tokens / expected - 1:+.1%} from the {expected:,} that were expected: "
        "is it the right dataset, and the tokenizer of those who counted?"
    )


def main(arguments: argparse.Namespace) -> None:
    """Write the stream's three files. Raises UserError when the rows can't be read."""
    source, tokenizer = parse_settings(Released, arguments.source), StudentTokenizer(arguments.tokenizer)
    needed = BYTES_PER_TOKEN * (source.expected_tokens or 0)
    require_free_disk(arguments.output, needed, f"tokenising {arguments.stream}")
    metadata = {
        "stream": arguments.stream,
        "generations": arguments.generations,
        "tokenizer": tokenizer.name,
        "tokenizer_sha256": tokenizer.sha256,
        "dropped_flags": [],
        "released": source.model_dump(exclude_none=True),
    }
    batches = token_batches(rows_of(texts(source)), tokenizer)
    written = write_batches(arguments.output, batches, tokenizer.vocabulary_size, metadata)
    print(f"{arguments.stream}: {written['rows']:,} rows, {written['tokens']:,} tokens")
    if warning := difference(written["tokens"], source.expected_tokens):
        print(warning)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stream", required=True, help="name of the stream that it stands in for")
    parser.add_argument("--generations", type=int, default=0, help="its G")
    parser.add_argument("--source", required=True, help="JSON of an entry of generation.released")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json")
    parser.add_argument("--output", required=True, help="prefix of the stream's files")
    run_command(main, parser)
