"""The stream of an arm: rows of one or more streams up to a number of synthetic tokens, stitched to megadocs if asked.

Every source gives its share of the tokens, in proportion to how many it has, and of each document its first row before
any second one: so a limit leaves out no document before it has to. Rows stay whole: the last one may end beyond the
share. `--natural` stitches: rows of a document and, last, the document itself follow each other (the megadocs paper's
order); its natural tokens come on top.
"""

import argparse
from collections.abc import Iterator

import numpy as np

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import require_free_disk
from workflow_scripts.megadocs.tokens import TokenRow, TokenStream, write_stream

BYTES_PER_TOKEN = 8  # a token, and its share of the index


def ranks(doc_ids: list[str]) -> np.ndarray:
    """int64 [rows]: how many earlier rows are of the same document."""
    seen: dict[str, int] = {}
    found = np.zeros(len(doc_ids), np.int64)
    for place, doc_id in enumerate(doc_ids):
        found[place] = seen.get(doc_id, 0)
        seen[doc_id] = int(found[place]) + 1
    return found


def first_rows(doc_ids: list[str], lengths: np.ndarray, tokens: float) -> np.ndarray:
    """Positions of the rows that a source gives for so many tokens: all first rows of documents, then second ones."""
    order = np.argsort(ranks(doc_ids), kind="stable")
    before = np.cumsum(lengths[order]) - lengths[order]
    return order[before < tokens]


def chosen(streams: list[TokenStream], tokens: int | None) -> Iterator[TokenRow]:
    """Rows of all sources, one source after another."""
    total = sum(len(stream.tokens) for stream in streams)
    share = min(1.0, (tokens or total) / total)
    for stream in streams:
        index = stream.index()
        columns = {name: index[name].to_pylist() for name in ("doc_id", "kind", "generation")}
        starts, ends = (index[name].to_numpy() for name in ("start", "end"))
        for row in first_rows(columns["doc_id"], ends - starts, share * len(stream.tokens)):
            ids = np.asarray(stream.tokens[starts[row] : ends[row]])
            yield TokenRow(*(columns[name][row] for name in columns), ids)


def stitched(rows: Iterator[TokenRow], natural: TokenStream, tokens: int) -> Iterator[TokenRow]:
    """Rows of each document with the document last, in the order of the first `tokens` natural ones.

    Raises UserError for rows of documents that are not among them.
    """
    own: dict[str, list[TokenRow]] = {}
    for row in rows:
        own.setdefault(row.doc_id, []).append(row)
    index = natural.index()
    spans = zip(index["doc_id"].to_pylist(), index["start"].to_pylist(), index["end"].to_pylist(), strict=True)
    for doc_id, start, end in spans:
        if start >= tokens:
            break
        yield from own.pop(doc_id, [])
        yield TokenRow(doc_id, "real", -1, np.asarray(natural.tokens[start:end]))
    if own:
        raise UserError(f"{natural.paths.tokens}: no document {next(iter(own))} among its first {tokens:,} tokens")


def name_of(prefix: str) -> str:
    """A stream's name: its place in the folder `streams`."""
    return prefix.rpartition("streams/")[2]


def main(arguments: argparse.Namespace) -> None:
    """Write the stream's three files."""
    streams = [TokenStream(prefix) for prefix in arguments.sources]
    for stream in streams:
        stream.verify()
    rows, limit = chosen(streams, arguments.tokens), arguments.tokens or sum(len(stream.tokens) for stream in streams)
    require_free_disk(
        arguments.output, BYTES_PER_TOKEN * (limit + arguments.natural_tokens), f"building {arguments.name}"
    )
    if arguments.natural:
        rows = stitched(rows, TokenStream(arguments.natural), arguments.natural_tokens)
    first = streams[0].metadata
    digests = [stream.metadata["tokens_sha256"] for stream in streams]
    metadata = {
        "stream": arguments.name,
        "generations": 0,
        **{name: first[name] for name in ("tokenizer", "tokenizer_sha256")},
        "sources": dict(zip(map(name_of, arguments.sources), digests, strict=True)),
        "most_synthetic_tokens": arguments.tokens,
        "stitched": bool(arguments.natural),
    }
    written = write_stream(arguments.output, rows, first["vocabulary_size"], metadata)
    print(f"{arguments.name}: {written['rows']:,} rows, {written['tokens']:,} tokens: {written['tokens_by_kind']}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True, help="of the arm")
    parser.add_argument("--sources", nargs="+", required=True, help="prefixes of streams, in order")
    parser.add_argument("--tokens", type=int, help="synthetic tokens (default: all that the sources have)")
    parser.add_argument("--natural", help="prefix of the natural stream, to stitch")
    parser.add_argument("--natural-tokens", type=int, default=0, help="its first tokens whose documents are meant")
    parser.add_argument("--output", required=True, help="prefix of the stream's files")
    run_command(main, parser)
