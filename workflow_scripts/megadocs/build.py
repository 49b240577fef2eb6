"""Build a stream: documents and their generations, joined in document order, tokenised, written streaming."""

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from pathlib import Path

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import read_record, require_free_disk
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Generation
from workflow_scripts.corpus.documents import read_documents
from workflow_scripts.corpus.tokenizer import StudentTokenizer, groups_by_characters
from workflow_scripts.generation.shards import read_generations, record_path
from workflow_scripts.megadocs.compose import Piece, Tags, latent, latent_no_real, stitched
from workflow_scripts.megadocs.tokens import TokenBatch, write_batches

Composer = Callable[[str, dict, Sequence | None], list[Piece]]
BYTES_PER_GENERATION = 4096


def composer(stream: str, count: int, settings: Generation) -> Composer:
    """Function from (text, generations of the document, spans of its tokens) to rows, for a stream at G = `count`."""
    tags = Tags(settings.think_open, settings.think_close)
    return {
        "real": lambda text, _, __: [Piece("real", -1, text)],
        "stitched": lambda text, found, _: stitched(text, found, count),
        "stitched_real_first": lambda text, found, _: stitched(text, found, count, real="first"),
        "stitched_no_real": lambda text, found, _: stitched(text, found, count, real="none"),
        "latent": lambda text, found, spans: latent(text, found, spans, count, tags),
        "latent_no_real": lambda _, found, spans: latent_no_real(found, spans, count, tags),
    }[stream]


def joined(documents: Iterator[dict], generations: Iterator[tuple[str, dict]]) -> Iterator[tuple[dict, dict]]:
    """Each document that has generations, with them; both come in the same order.

    Raises UserError when the generations belong to other documents.
    """
    for doc_id, found in generations:
        row = next(documents, None)
        if row is None or row["doc_id"] != doc_id:
            raise UserError(
                f"the generations are of document {doc_id} where the corpus has {row and row['doc_id']}: "
                "they were made from another corpus; delete the generation shards and run again"
            )
        yield row, found


def pieces_of(
    pairs: Iterable[tuple[dict, dict]], compose: Composer, tokenizer: StudentTokenizer | None
) -> Iterator[list[tuple[str, Piece]]]:
    """(doc_id, row before tokenising) of some documents at a time; `tokenizer` where rows depend on token spans."""
    for group in groups_by_characters(pairs, _characters):
        texts = [row["text"] for row, _ in group]
        spans = tokenizer.spans(texts) if tokenizer else repeat(None)
        yield [
            (row["doc_id"], piece)
            for (row, found), own in zip(group, spans, strict=False)
            for piece in compose(row["text"], found, own)
        ]


def _characters(pair: tuple[dict, dict]) -> int:
    row, found = pair
    return len(row["text"]) + sum(map(len, found.values()))


def token_batches(groups: Iterable[list[tuple[str, Piece]]], tokenizer: StudentTokenizer) -> Iterator[TokenBatch]:
    """Tokenised rows, a group at a time."""
    for group, encodings in tokenizer.encode_ahead(groups, lambda group: [piece.text for _, piece in group]):
        yield TokenBatch(
            doc_ids=[doc_id for doc_id, _ in group],
            kinds=[piece.kind for _, piece in group],
            generations=[piece.generation for _, piece in group],
            lengths=tokenizer.row_lengths(encodings),
            ids=tokenizer.row_ids(encodings),
        )


def main(arguments: argparse.Namespace) -> None:
    """Write the stream's three files.

    Raises UserError when G is larger than what was generated, or when a shard is damaged, which is then set aside.
    """
    settings = parse_settings(Generation, arguments.settings)
    if arguments.generations > settings.generated:
        raise UserError(
            f"--generations {arguments.generations}: only {settings.generated} were generated per document; "
            "raise generation.generated in the config"
        )
    shards = list(map(Path, arguments.shards or []))
    needed = BYTES_PER_GENERATION * sum(read_record(record_path(path), [path])["rows"] for path in shards)
    require_free_disk(arguments.output, needed, f"building {arguments.stream}")
    tokenizer = StudentTokenizer(arguments.tokenizer)
    documents = read_documents(arguments.documents)
    if shards:
        pairs = joined(documents, read_generations(shards, arguments.generations, settings))
    else:
        pairs = ((row, {}) for row in documents)
    metadata = {
        "stream": arguments.stream,
        "generations": arguments.generations,
        "tokenizer": tokenizer.name,
        "tokenizer_sha256": tokenizer.sha256,
        "dropped_flags": settings.drop_flags,
    }
    compose = composer(arguments.stream, arguments.generations, settings)
    groups = pieces_of(pairs, compose, tokenizer if arguments.stream.startswith("latent") else None)
    write_batches(arguments.output, token_batches(groups, tokenizer), tokenizer.vocabulary_size, metadata)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stream", required=True, help="real, stitched, latent, or a variant")
    parser.add_argument("--generations", type=int, default=0, help="G: generations per document that are used")
    parser.add_argument("--settings", required=True, help="JSON of the `generation` section of the config")
    parser.add_argument("--documents", required=True, help="real documents in nested order (Parquet)")
    parser.add_argument("--shards", nargs="*", help="generation shards in document order (Parquet)")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json")
    parser.add_argument("--output", required=True, help="prefix of the stream's files")
    run_command(main, parser)
