"""Flat token files: `tokens.bin`, an index of rows, and metadata; written streaming, read by memory map."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import atomic_path, read_json, sha256, write_json

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
    """One row of a stream: BOS, content, EOS. `kind`: real, rephrase, thought or megadoc; generation -1: none."""

    doc_id: str
    kind: str
    generation: int
    ids: list[int] | np.ndarray


@dataclass(frozen=True)
class StreamPaths:
    """The three files of a stream, which share a prefix."""

    tokens: Path
    index: Path
    metadata: Path

    @classmethod
    def of(cls, prefix: str | Path) -> "StreamPaths":
        """Paths for `results/.../streams/simple-G8`."""
        return cls(*(Path(f"{prefix}{suffix}") for suffix in (".tokens.bin", ".rows.parquet", ".json")))


def token_dtype(vocabulary_size: int) -> np.dtype:
    """uint16 where every id fits, else uint32; little-endian on every machine."""
    return np.dtype("<u2" if vocabulary_size <= 2**16 else "<u4")


def write_stream(prefix: str | Path, rows: Iterable[TokenRow], vocabulary_size: int, metadata: dict) -> dict:
    """Write rows as they come; memory does not grow with the stream. Metadata is written last."""
    paths, dtype = StreamPaths.of(prefix), token_dtype(vocabulary_size)
    totals: dict[str, int] = {}
    with atomic_path(paths.tokens) as tokens, atomic_path(paths.index) as index:
        with open(tokens, "wb") as handle, pq.ParquetWriter(index, INDEX_SCHEMA) as writer:
            end = _write_rows(rows, handle, writer, dtype, totals)
    row_counts = {kind[5:]: n for kind, n in totals.items() if kind.startswith("rows_")}
    token_counts = {kind: n for kind, n in totals.items() if not kind.startswith("rows_")}
    content = {
        **metadata,
        "tokens": end,
        "rows": sum(row_counts.values()),
        "tokens_by_kind": token_counts,
        "rows_by_kind": row_counts,
        "dtype": dtype.str,
        "vocabulary_size": vocabulary_size,
        "tokens_sha256": sha256(paths.tokens),
    }
    write_json(paths.metadata, content)
    return content


def _write_rows(rows: Iterable[TokenRow], handle, writer: pq.ParquetWriter, dtype: np.dtype, totals: dict) -> int:
    end, pending = 0, []
    for row in rows:
        ids = np.asarray(row.ids)
        handle.write(ids.astype(dtype).tobytes())
        start, end = end, end + len(ids)
        pending.append(
            {"doc_id": row.doc_id, "kind": row.kind, "generation": row.generation, "start": start, "end": end}
        )
        totals[row.kind] = totals.get(row.kind, 0) + len(ids)
        totals["rows_" + row.kind] = totals.get("rows_" + row.kind, 0) + 1
        if len(pending) == 8192:
            writer.write_table(pa.Table.from_pylist(pending, schema=INDEX_SCHEMA))
            pending.clear()
    writer.write_table(pa.Table.from_pylist(pending, schema=INDEX_SCHEMA))
    return end


class TokenStream:
    """A stream opened for reading; tokens stay on disk until they are used."""

    def __init__(self, prefix: str | Path) -> None:
        self.paths = StreamPaths.of(prefix)
        for path in (self.paths.tokens, self.paths.index, self.paths.metadata):
            if not path.exists():
                raise UserError(
                    f"{path}: no such file; a stream is named by its prefix, e.g. results/laptop/streams/real"
                )
        self.metadata = read_json(self.paths.metadata)
        dtype = np.dtype(self.metadata["dtype"])
        found, expected = self.paths.tokens.stat().st_size, self.metadata["tokens"] * dtype.itemsize
        if found != expected:
            raise UserError(
                f"{self.paths.tokens}: holds {found:,} bytes, its {self.metadata['tokens']:,} tokens need "
                f"{expected:,}: the file is truncated; delete it and run again"
            )
        if not found:
            raise UserError(f"{self.paths.tokens}: the stream holds no tokens; all its rows were left out")
        self.tokens = np.memmap(self.paths.tokens, dtype=dtype, mode="r")

    def index(self, columns: list[str] | None = None) -> pa.Table:
        """Rows: doc_id, kind, generation, start, end."""
        return pq.read_table(self.paths.index, columns=columns)

    def row_ends(self) -> np.ndarray:
        """int64 [rows]: end of each row, in tokens."""
        return self.index(["end"]).column("end").to_numpy()

    def windows(self, context: int, tokens: int | None = None) -> int:
        """Number of whole windows of `context` tokens among the first `tokens`."""
        return (len(self.tokens) if tokens is None else tokens) // context


def read_rows(stream: TokenStream, order: np.ndarray) -> Iterator[TokenRow]:
    """Rows of a stream in a given order."""
    index = stream.index()
    columns = {name: index.column(name) for name in index.column_names}
    for position in order:
        values = {name: column[int(position)].as_py() for name, column in columns.items()}
        ids = stream.tokens[values["start"] : values["end"]]
        yield TokenRow(values["doc_id"], values["kind"], values["generation"], ids)
