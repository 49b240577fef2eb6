"""Nested training documents: the train pool in stable-hash order, cut where the largest D is reached.

Memory holds one bucket of the order at a time: a larger pool is first dealt into buckets by hash, on disk.
"""

import argparse
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.seeds import named_hash
from workflow_scripts.corpus.documents import SCHEMA, read_documents, write_documents
from workflow_scripts.corpus.tokenizer import StudentTokenizer, groups_by_characters

BUCKET_CHARACTERS = 2**28


def with_tokens(rows: Iterable[dict], tokenizer: StudentTokenizer) -> Iterator[dict]:
    """Documents with their row length in tokens, BOS and EOS included."""
    groups = groups_by_characters(rows, lambda row: row["characters"])
    for group, encodings in tokenizer.encode_ahead(groups, lambda group: [row["text"] for row in group]):
        lengths = tokenizer.row_lengths(encodings).tolist()
        yield from ({**row, "tokens": length} for row, length in zip(group, lengths, strict=True))


def in_nested_order(path: str | Path, bucket_characters: int = BUCKET_CHARACTERS) -> Iterator[dict]:
    """Documents by stable hash: any prefix is a random sample that smaller prefixes are part of."""
    characters = pq.read_table(path, columns=["characters"]).column(0).to_numpy().sum()
    buckets = 1 + int(characters) // bucket_characters
    if buckets == 1:
        yield from sorted(read_documents(path), key=_place)
        return
    with tempfile.TemporaryDirectory(dir=Path(path).parent, prefix=".nested.") as folder:
        paths = [Path(folder) / f"{bucket}.parquet" for bucket in range(buckets)]
        _deal(path, paths)
        for bucket in paths:
            yield from sorted(read_documents(bucket), key=_place)


def _place(row: dict) -> int:
    return named_hash("nested", row["doc_id"])


def _deal(path: str | Path, buckets: list[Path]) -> None:
    """Documents into one file per equal range of hashes, in the order in which they come."""
    with ExitStack() as stack:
        writers = [stack.enter_context(pq.ParquetWriter(bucket, SCHEMA, compression="zstd")) for bucket in buckets]
        for group in groups_by_characters(read_documents(path), lambda row: row["characters"]):
            dealt: dict[int, list[dict]] = {}
            for row in group:
                dealt.setdefault(_place(row) * len(buckets) >> 64, []).append(row)
            for bucket, rows in dealt.items():
                writers[bucket].write_table(pa.Table.from_pylist(rows, schema=SCHEMA))


def prefix(rows: Iterable[dict], tokens: int) -> Iterator[dict]:
    """Shortest prefix of the documents that holds `tokens` tokens; the last may reach over the end."""
    total = 0
    for row in rows:
        if total >= tokens:
            return
        total += row["tokens"]
        yield row


def nested_documents(paths: list[str], tokenizer: StudentTokenizer, tokens: int) -> Iterator[dict]:
    """Documents of the files, later files after earlier, as far as `tokens`; 0 is all of them.

    Raises UserError at their end when they hold fewer.
    """
    rows = with_tokens((row for path in paths for row in in_nested_order(path)), tokenizer)
    have = 0
    for row in prefix(rows, tokens) if tokens else rows:
        have += row["tokens"]
        yield row
    if have < tokens:
        raise UserError(
            f"{', '.join(paths)}: the train pool holds {have:,} tokens and the config asks for {tokens:,} "
            "(the largest of corpus.baseline_tokens): ask for less or bring more documents"
        )


def main(arguments: argparse.Namespace) -> None:
    """Write the nested documents (D/2 within D within 2D ...), or all of them when no size is asked."""
    rows = nested_documents(arguments.documents, StudentTokenizer(arguments.tokenizer), arguments.tokens)
    write_documents(arguments.output, rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", nargs="+", required=True, help="documents (Parquet); later files after earlier")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json")
    parser.add_argument("--tokens", type=int, default=0, help="tokens that are needed; 0 keeps all documents")
    parser.add_argument("--output", required=True, help="documents in nested order with token counts (Parquet)")
    run_command(main, parser)
