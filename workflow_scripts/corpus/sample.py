"""Nested training documents: the train pool in stable-hash order, cut where the largest D is reached."""

import argparse
from collections.abc import Iterable, Iterator

from workflow_scripts.common.batches import batched
from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.seeds import named_hash
from workflow_scripts.corpus.documents import read_documents, write_documents
from workflow_scripts.corpus.tokenizer import StudentTokenizer


def with_tokens(rows: Iterable[dict], tokenizer: StudentTokenizer) -> Iterator[dict]:
    """Documents with their row length in tokens, BOS and EOS included."""
    for group in batched(rows, 1024):
        encoded = tokenizer.rows([row["text"] for row in group])
        yield from ({**row, "tokens": len(ids)} for row, ids in zip(group, encoded, strict=True))


def in_nested_order(rows: Iterable[dict]) -> list[dict]:
    """Documents by stable hash: any prefix is a random sample that smaller prefixes are part of."""
    return sorted(rows, key=lambda row: named_hash("nested", row["doc_id"]))


def prefix(rows: Iterable[dict], tokens: int) -> Iterator[dict]:
    """Shortest prefix of the documents that holds `tokens` tokens; the last may reach over the end."""
    total = 0
    for row in rows:
        if total >= tokens:
            return
        total += row["tokens"]
        yield row


def main(arguments: argparse.Namespace) -> None:
    """Write the nested documents (D/2 within D within 2D ...), or all of them when no size is asked."""
    tokenizer = StudentTokenizer(arguments.tokenizer)
    rows = [row for path in arguments.documents for row in in_nested_order(read_documents(path))]
    rows = list(with_tokens(rows, tokenizer))
    have = sum(row["tokens"] for row in rows)
    if have < arguments.tokens:
        raise UserError(
            f"{', '.join(arguments.documents)}: the train pool holds {have:,} tokens and the config asks for "
            f"{arguments.tokens:,} (the largest of corpus.baseline_tokens): ask for less or bring more documents"
        )
    write_documents(arguments.output, prefix(rows, arguments.tokens) if arguments.tokens else rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", nargs="+", required=True, help="documents (Parquet); later files after earlier")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json")
    parser.add_argument("--tokens", type=int, default=0, help="tokens that are needed; 0 keeps all documents")
    parser.add_argument("--output", required=True, help="documents in nested order with token counts (Parquet)")
    run_command(main, parser)
