"""The stream of a kind of synthetic text: one row per text, in the order of the documents.

[assumed] Passages of one document (`<document>#0`, `#1` ...; see corpus/passages.py) are rejoined in order with a blank
line between them, each generation number for itself. A text that was written from keywords, or from a whole document,
is a row of its own. A passage whose generation was left out is missing from its row.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import pyarrow.parquet as pq

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import read_record, require_free_disk
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Generation
from workflow_scripts.corpus.tokenizer import StudentTokenizer, groups_by_characters
from workflow_scripts.generation.shards import read_generations, record_path, verify_shard
from workflow_scripts.megadocs.build import BYTES_PER_GENERATION, token_batches
from workflow_scripts.megadocs.compose import Piece
from workflow_scripts.megadocs.tokens import write_batches

SEPARATOR = "\n\n"
ALL = 2**31 - 1  # generations


def document_of(doc_id: str) -> str:
    """The document that a passage is of; any other text is its own."""
    return doc_id.partition("#")[0]


def rejoined(generations: Iterable[tuple[str, dict[int, str]]], kind: str) -> Iterator[tuple[str, Piece]]:
    """(document, row before tokenising) of every text: generation 0 of a document, then 1 ..., then the next document.

    generations: (id of a passage or text, its texts by generation number), passages of one document side by side.
    """
    for doc_id, passages in groupby(generations, key=lambda found: document_of(found[0])):
        own = [texts for _, texts in passages]
        for number in sorted(set().union(*own)):
            written = [texts[number] for texts in own if number in texts]
            yield doc_id, Piece(kind, number, SEPARATOR.join(written))


def counts_of(shards: Iterable[str | Path], dropped: Iterable[str]) -> dict:
    """How many generations some shards hold, how many have each flag, how many are left out for a dropped one.

    Raises UserError, with the shard set aside, when one is damaged.
    """
    flags, dropped, generated, left_out = Counter(), set(dropped), 0, 0
    for shard in shards:
        verify_shard(shard)
        for own in pq.read_table(shard, columns=["flags"])["flags"].to_pylist():
            generated += 1
            flags.update(own)
            left_out += bool(dropped.intersection(own))
    return {"generated": generated, "flags": dict(sorted(flags.items())), "left_out": left_out}


def main(arguments: argparse.Namespace) -> None:
    """Write the stream's three files. Raises UserError when a shard is damaged, which is then set aside."""
    settings, tokenizer = parse_settings(Generation, arguments.settings), StudentTokenizer(arguments.tokenizer)
    shards = list(map(Path, arguments.shards))
    needed = BYTES_PER_GENERATION * sum(read_record(record_path(path), [path])["rows"] for path in shards)
    require_free_disk(arguments.output, needed, f"building {arguments.kind}")
    rows = rejoined(read_generations(shards, ALL, settings), arguments.kind)
    batches = token_batches(groups_by_characters(rows, lambda row: len(row[1].text)), tokenizer)
    metadata = {
        "stream": arguments.kind,
        "generations": 0,
        "tokenizer": tokenizer.name,
        "tokenizer_sha256": tokenizer.sha256,
        "dropped_flags": settings.drop_flags,
        **counts_of(shards, settings.drop_flags),
    }
    written = write_batches(arguments.output, batches, tokenizer.vocabulary_size, metadata)
    print(
        f"{arguments.kind}: {written['rows']:,} texts, {written['tokens']:,} tokens, {written['left_out']:,} left out"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", required=True, help="name of the kind, such as hq")
    parser.add_argument("--shards", nargs="+", required=True, help="its generation shards in document order (Parquet)")
    parser.add_argument("--settings", required=True, help="JSON of the `generation` section of the config")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json")
    parser.add_argument("--output", required=True, help="prefix of the stream's files")
    run_command(main, parser)
