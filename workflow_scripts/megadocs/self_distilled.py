"""A stream of a student's own texts, one row each, until they are as many tokens as another stream."""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import require_free_disk
from workflow_scripts.corpus.tokenizer import StudentTokenizer, groups_by_characters
from workflow_scripts.generation.samples import METHOD, tokens_of
from workflow_scripts.generation.shards import verify_shard
from workflow_scripts.megadocs.build import token_batches
from workflow_scripts.megadocs.compose import Piece
from workflow_scripts.megadocs.tokens import TokenBatch, write_batches

BYTES_PER_TOKEN = 8  # a token, and its share of the index


def texts_of(shards: Iterable[str]) -> Iterator[tuple[str, Piece]]:
    """(id, row before tokenising) of every text that is not empty, in the order of the shards."""
    for path in shards:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=4096, columns=["doc_id", "text", "flags"]):
            yield from (
                (row["doc_id"], Piece("sample", 0, row["text"]))
                for row in batch.to_pylist()
                if "empty" not in row["flags"]
            )


def first_tokens(batches: Iterable[TokenBatch], tokens: int) -> Iterator[TokenBatch]:
    """The first rows that have `tokens` tokens together, the last row whole. Raises UserError when all have fewer."""
    left = tokens
    for batch in batches:
        ends = np.cumsum(batch.lengths)
        if ends[-1] >= left:
            yield _head(batch, int(np.searchsorted(ends, left)) + 1)
            return
        left -= int(ends[-1])
        yield batch
    raise UserError(f"the shards have {tokens - left:,} tokens, of {tokens:,}: sample again with --tokens {tokens}")


def _head(batch: TokenBatch, rows: int) -> TokenBatch:
    columns = {name: getattr(batch, name)[:rows] for name in ("doc_ids", "kinds", "generations", "lengths")}
    return replace(batch, **columns, ids=batch.ids[: columns["lengths"].sum()])


def sampled(shards: Iterable[str]) -> dict[str, int]:
    """Counts of all texts that were sampled: how many, how many empty, how many not the tokens they were sampled as.

    Raises UserError when a shard is damaged.
    """
    records = [verify_shard(path) for path in shards]
    return {
        "texts": sum(record["rows"] for record in records),
        "empty": sum(record["flags"].get("empty", 0) for record in records),
        "retokenised": sum(record["retokenised"] for record in records),
    }


def main(arguments: argparse.Namespace) -> None:
    """Write the stream's three files."""
    require_free_disk(arguments.output, BYTES_PER_TOKEN * arguments.tokens, f"building {arguments.name}")
    tokenizer = StudentTokenizer(arguments.tokenizer)
    metadata = {
        "stream": arguments.name,
        "generations": 0,
        "tokenizer": tokenizer.name,
        "tokenizer_sha256": tokenizer.sha256,
        "dropped_flags": ["empty"],
        "sampled": sampled(arguments.shards),
    }
    groups = groups_by_characters(texts_of(arguments.shards), lambda found: len(found[1].text))
    rows = first_tokens(token_batches(groups, tokenizer), arguments.tokens)
    write_batches(arguments.output, rows, tokenizer.vocabulary_size, metadata)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", nargs="+", required=True, help="shards of samples (Parquet)")
    parser.add_argument("--name", default=METHOD, help="of the stream (default: %(default)s)")
    parser.add_argument("--tokens", type=tokens_of, required=True, help="of the stream; or another stream's JSON")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json")
    parser.add_argument("--output", required=True, help="prefix of the stream's files")
    run_command(main, parser)
