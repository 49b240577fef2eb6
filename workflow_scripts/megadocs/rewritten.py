"""The stream of a set of rewritten slices (arXiv 2605.17849): one row per document and generation, EOS after each.

[assumed] What an answer holds beside its text (the heading that it is begun with) is left out, and so are answers that
don't keep the form; all are counted by status. Texts of a document's slices are rejoined in order, as kinds.py does.
With --documents every document's texts and then the document itself follow each other, as a stitched megadoc.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow.parquet as pq

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import require_free_disk
from workflow_scripts.corpus.documents import read_documents
from workflow_scripts.corpus.tokenizer import StudentTokenizer, groups_by_characters
from workflow_scripts.generation.shards import verify_shard
from workflow_scripts.megadocs.build import BYTES_PER_GENERATION, token_batches
from workflow_scripts.megadocs.compose import Piece
from workflow_scripts.megadocs.kinds import document_of, rejoined
from workflow_scripts.megadocs.tokens import write_batches
from workflow_scripts.rewards.written import Written, parse

Texts = tuple[str, dict[int, str]]


def read_written(shards: Iterable[Path], operation: str, slices: dict[str, str]) -> dict[str, dict[int, Written]]:
    """Answers by slice and generation, in the order of the shards. Raises UserError when a shard is damaged."""
    found: dict[str, dict[int, Written]] = {}
    for shard in shards:
        verify_shard(shard)
        columns = ["doc_id", "generation", "text", "finish_reason"]
        for row in pq.read_table(shard, columns=columns).to_pylist():
            answer = parse(operation, slices[row["doc_id"]], row["text"], row["finish_reason"] == "stop")
            found.setdefault(row["doc_id"], {})[row["generation"]] = answer
    return found


def texts_of(written: dict[str, dict[int, Written]]) -> Iterator[Texts]:
    """(id of a slice, its texts by generation) of every slice, those that don't keep the form left out."""
    for doc_id, answers in written.items():
        yield doc_id, {number: answer.text for number, answer in answers.items() if answer.text}


def stitched_rows(rows: Iterable[tuple[str, Piece]], documents: Iterable[dict]) -> Iterator[tuple[str, Piece]]:
    """Rows of every document and, last, the document itself; documents without texts are alone."""
    by_document: dict[str, list[Piece]] = {}
    for doc_id, piece in rows:
        by_document.setdefault(doc_id, []).append(piece)
    for row in documents:
        own = [*by_document.get(row["doc_id"], []), Piece("real", -1, row["text"])]
        yield from ((row["doc_id"], piece) for piece in own)


def main(arguments: argparse.Namespace) -> None:
    """Write the stream's three files."""
    slices = {row["doc_id"]: row["text"] for row in read_documents(arguments.slices)}
    written = read_written(map(Path, arguments.shards), arguments.operation, slices)
    require_free_disk(arguments.output, BYTES_PER_GENERATION * len(slices), f"building {arguments.name}")
    tokenizer, rows = StudentTokenizer(arguments.tokenizer), rejoined(texts_of(written), arguments.name)
    if arguments.documents:
        sliced = {document_of(doc_id) for doc_id in slices}
        rows = stitched_rows(rows, (row for row in read_documents(arguments.documents) if row["doc_id"] in sliced))
    statuses = Counter(answer.status for answers in written.values() for answer in answers.values())
    metadata = {
        "stream": arguments.name,
        "operation": arguments.operation,
        "tokenizer": tokenizer.name,
        "tokenizer_sha256": tokenizer.sha256,
        "statuses": dict(sorted(statuses.items())),
    }
    batches = token_batches(groups_by_characters(rows, lambda row: len(row[1].text)), tokenizer)
    found = write_batches(arguments.output, batches, tokenizer.vocabulary_size, metadata)
    told = ", ".join(f"{count:,} {status}" for status, count in metadata["statuses"].items())
    print(f"{arguments.name}: {found['rows']:,} rows, {found['tokens']:,} tokens; answers: {told}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True, help="of the set")
    parser.add_argument("--operation", required=True, help="rephrase or reformat: how its answers are taken apart")
    parser.add_argument("--shards", nargs="+", required=True, help="its generation shards in document order (Parquet)")
    parser.add_argument("--slices", required=True, help="the slices that they are of (Parquet)")
    parser.add_argument("--documents", help="the documents themselves, for a stitched stream (Parquet)")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json")
    parser.add_argument("--output", required=True, help="prefix of the stream's files")
    run_command(main, parser)
