"""Print a megadoc readably: every row of one document in a stream, in stream order."""

import argparse

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.megadocs.tokens import TokenStream


def megadoc(stream: TokenStream, tokenizer: StudentTokenizer, doc_id: str) -> list[str]:
    """One block of text per row of the document. Raises UserError when the stream lacks it."""
    return [_block(row) for row in rows_of(stream, tokenizer, doc_id)]


def rows_of(stream: TokenStream, tokenizer: StudentTokenizer, doc_id: str) -> list[dict]:
    """The document's rows in stream order: kind, generation, start, end, text. Raises UserError as `megadoc` does."""
    if tokenizer.sha256 != stream.metadata["tokenizer_sha256"]:
        raise UserError(f"{stream.paths.metadata}: the stream was made with {stream.metadata['tokenizer']}")
    rows = stream.index(filters=[("doc_id", "==", doc_id)]).to_pylist()
    if not rows:
        known = stream.index(["doc_id"]).column("doc_id").unique().to_pylist()[:3]
        raise UserError(f"{stream.paths.index}: no document {doc_id}; the first ones are {', '.join(known)}")
    return [row | {"text": tokenizer.decode(stream.tokens[row["start"] : row["end"]])} for row in rows]


def _block(row: dict) -> str:
    number = f" {row['generation']}" if row["generation"] >= 0 else ""
    head = f"── {row['kind']}{number} · tokens {row['start']:,} to {row['end']:,} "
    return f"{head:─<100}\n{row['text']}"


def main(arguments: argparse.Namespace) -> None:
    """Print the megadoc."""
    prefix = arguments.stream.removesuffix(".json").removesuffix(".tokens.bin").removesuffix(".rows.parquet")
    tokenizer = arguments.tokenizer or f"{prefix.rpartition('/streams/')[0]}/corpus/tokenizer.json"
    print("\n\n".join(megadoc(TokenStream(prefix), StudentTokenizer(tokenizer), arguments.doc_id)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stream", help="a stream, e.g. results/laptop/streams/stitched-G8")
    parser.add_argument("doc_id", help="id of a document")
    parser.add_argument("--tokenizer", help="default: the tokenizer of the stream's scale")
    run_command(main, parser)
