"""Flat token files: `tokens.bin`, an index of rows, and metadata; written streaming, read by memory map."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.common.batches import batched
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import (
    atomic_path,
    read_record,
    refuse_damaged,
    remove,
    require_digest,
    sha256,
    write_json,
)

BATCH_ROWS = 1024
ROWS_PER_GROUP = 8192

INDEX_SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()),
        ("kind", pa.string()),
        ("generation", pa.int32()),
        ("start", pa.int64()),
        ("end", pa.int64()),
    ]
)


@dataclass(frozen=True)
class TokenRow:
    """One row of a stream: BOS, content, EOS. `kind`: real, rephrase, thought, megadoc ...; generation -1: none."""

    doc_id: str
    kind: str
    generation: int
    ids: list[int] | np.ndarray


@dataclass(frozen=True)
class TokenBatch:
    """Some rows of a stream, in columns; `ids` holds the tokens of all, `lengths` how many are of each."""

    doc_ids: list[str]
    kinds: list[str]
    generations: list[int]
    lengths: np.ndarray
    ids: np.ndarray

    @classmethod
    def of(cls, rows: list[TokenRow]) -> "TokenBatch":
        """Columns of rows."""
        doc_ids, kinds, generations = map(list, zip(*((r.doc_id, r.kind, r.generation) for r in rows), strict=True))
        lengths, ids = np.array([len(row.ids) for row in rows]), np.concatenate([np.asarray(row.ids) for row in rows])
        return cls(doc_ids, kinds, generations, lengths, ids)

    def index(self, first: int) -> pa.Table:
        """The rows' part of the index, where `first` is the first row's start."""
        ends = first + np.cumsum(self.lengths, dtype=np.int64)
        columns = [self.doc_ids, self.kinds, self.generations, ends - self.lengths, ends]
        return pa.table(list(map(pa.array, columns, INDEX_SCHEMA.types)), schema=INDEX_SCHEMA)


@dataclass(frozen=True)
class StreamPaths:
    """The three files of a stream, which share a prefix; iterates over them."""

    tokens: Path
    index: Path
    metadata: Path

    @classmethod
    def of(cls, prefix: str | Path) -> "StreamPaths":
        """Paths for `results/.../streams/simple-G8`."""
        return cls(*(Path(f"{prefix}{suffix}") for suffix in (".tokens.bin", ".rows.parquet", ".json")))

    def __iter__(self) -> Iterator[Path]:
        return iter((self.tokens, self.index, self.metadata))


def token_dtype(vocabulary_size: int) -> np.dtype:
    """uint16 where every id fits, else uint32; little-endian on every machine."""
    return np.dtype("<u2" if vocabulary_size <= 2**16 else "<u4")


def write_stream(prefix: str | Path, rows: Iterable[TokenRow], vocabulary_size: int, metadata: dict) -> dict:
    """Write rows as they come; memory does not grow with the stream. Metadata is written last."""
    return write_batches(prefix, map(TokenBatch.of, batched(rows, BATCH_ROWS)), vocabulary_size, metadata)


def write_batches(prefix: str | Path, batches: Iterable[TokenBatch], vocabulary_size: int, metadata: dict) -> dict:
    """Write batches of rows as they come; memory does not grow with the stream. Metadata is written last."""
    paths, dtype = StreamPaths.of(prefix), token_dtype(vocabulary_size)
    with atomic_path(paths.tokens) as tokens, atomic_path(paths.index) as index:
        with open(tokens, "wb") as handle, pq.ParquetWriter(index, INDEX_SCHEMA) as writer:
            counts, digest = _write_batches(batches, handle, writer, dtype)
        digests = {"tokens_sha256": digest, "index_sha256": sha256(index)}
        remove(paths.metadata)  # nobody shall check new tokens against old metadata
    content = {**metadata, **counts, "dtype": dtype.str, "vocabulary_size": vocabulary_size, **digests}
    write_json(paths.metadata, content)
    return content


def _write_batches(
    batches: Iterable[TokenBatch], handle, writer: pq.ParquetWriter, dtype: np.dtype
) -> tuple[dict, str]:
    tokens, rows, digest, end = Counter(), Counter(), hashlib.sha256(), 0
    index = INDEX_SCHEMA.empty_table()
    for batch in batches:
        content = np.ascontiguousarray(batch.ids, dtype)
        handle.write(content)
        digest.update(content)
        rows.update(batch.kinds)
        for kind, length in zip(batch.kinds, batch.lengths.tolist(), strict=True):
            tokens[kind] += length
        index = _write_whole_groups(pa.concat_tables([index, batch.index(end)]), writer)
        end += len(batch.ids)
    writer.write_table(index)
    counts = {"tokens": end, "rows": rows.total(), "tokens_by_kind": tokens, "rows_by_kind": rows}
    return counts, digest.hexdigest()


def _write_whole_groups(index: pa.Table, writer: pq.ParquetWriter) -> pa.Table:
    """Writes what fills groups of rows; the rest."""
    whole = len(index) // ROWS_PER_GROUP * ROWS_PER_GROUP
    if whole:
        writer.write_table(index.slice(0, whole), row_group_size=ROWS_PER_GROUP)
    return index.slice(whole)


class TokenStream:
    """A stream opened for reading; tokens stay on disk until they are used.

    Raises UserError when a file is missing, or truncated: then the stream is set aside, to be made again.
    """

    def __init__(self, prefix: str | Path) -> None:
        self.paths = StreamPaths.of(prefix)
        for path in self.paths:
            if not path.exists():
                raise UserError(
                    f"{path}: no such file; a stream is named by its prefix, e.g. results/laptop/streams/real"
                )
        self.metadata = read_record(self.paths.metadata, self.paths)
        dtype = np.dtype(self.metadata["dtype"])
        found, expected = self.paths.tokens.stat().st_size, self.metadata["tokens"] * dtype.itemsize
        if found != expected:
            finding = f"it holds {found:,} bytes, and its {self.metadata['tokens']:,} tokens need {expected:,}"
            refuse_damaged(self.paths.tokens, finding, self.paths)
        if not found:
            raise UserError(f"{self.paths.tokens}: the stream holds no tokens; all its rows were left out")
        self.tokens = np.memmap(self.paths.tokens, dtype=dtype, mode="r")

    def verify(self) -> None:
        """Read both files once (0.6 s per GB). Raises UserError, with the stream set aside, when a byte has changed.

        What was written before there were digests of the index is taken as it is.
        """
        for path, key in ((self.paths.tokens, "tokens_sha256"), (self.paths.index, "index_sha256")):
            if expected := self.metadata.get(key):
                require_digest(path, expected, self.paths)

    def index(self, columns: list[str] | None = None, filters: list | None = None) -> pa.Table:
        """Rows: doc_id, kind, generation, start, end; `filters` as in pyarrow.parquet.read_table."""
        return pq.read_table(self.paths.index, columns=columns, filters=filters)

    def row_ends(self) -> np.ndarray:
        """int64 [rows]: end of each row, in tokens."""
        return self.index(["end"]).column("end").to_numpy()

    def windows(self, context: int, tokens: int | None = None) -> int:
        """Number of whole windows of `context` tokens among the first `tokens`."""
        return (len(self.tokens) if tokens is None else tokens) // context


def read_batches(stream: TokenStream, order: np.ndarray) -> Iterator[TokenBatch]:
    """Rows of a stream in a given order.

    Memory: about 30 bytes per row of the index; tokens are read where they lie, not mapped.
    """
    names = ["doc_id", "kind", "generation"]
    index = pq.read_table(stream.paths.index, read_dictionary=names[:2]).unify_dictionaries().combine_chunks()
    starts, lengths = index["start"].to_numpy(), np.subtract(index["end"], index["start"])
    size = stream.tokens.itemsize
    with open(stream.paths.tokens, "rb", buffering=0) as handle:
        for first in range(0, len(order), BATCH_ROWS):
            rows = order[first : first + BATCH_ROWS]
            places = zip((size * lengths[rows]).tolist(), (size * starts[rows]).tolist(), strict=True)
            content = b"".join(os.pread(handle.fileno(), *place) for place in places)
            columns = [index[name].take(pa.array(rows)).to_pylist() for name in names]
            yield TokenBatch(*columns, lengths[rows], np.frombuffer(content, stream.tokens.dtype))
