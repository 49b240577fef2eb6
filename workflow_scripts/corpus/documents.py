"""The one form in which documents are stored: Parquet with a fixed schema."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.common.batches import batched
from workflow_scripts.common.files import atomic_path

SCHEMA = pa.schema(
    [
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("characters", pa.int64(), nullable=False),
        pa.field("tokens", pa.int64()),
    ]
)
ROWS_PER_GROUP = 1024


def document(text: str, source: str) -> dict:
    """Row for one text. The id depends on the text alone, so it is the same on every machine."""
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=8).hexdigest()
    return {"doc_id": f"{source}-{digest}", "text": text, "source": source, "characters": len(text), "tokens": None}


def write_documents(path: str | Path, rows: Iterable[dict]) -> int:
    """Write rows streaming and atomically; return how many."""
    count = 0
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, SCHEMA, compression="zstd") as writer:
        for group in batched(rows, ROWS_PER_GROUP):
            writer.write_table(pa.Table.from_pylist(list(group), schema=SCHEMA))
            count += len(group)
    return count


def read_documents(path: str | Path) -> Iterator[dict]:
    """Rows in stored order, a group at a time."""
    for batch in pq.ParquetFile(path).iter_batches(batch_size=ROWS_PER_GROUP):
        yield from batch.to_pylist()


def document_ids(path: str | Path) -> Iterator[str]:
    """Ids in stored order, without reading the texts."""
    for batch in pq.ParquetFile(path).iter_batches(columns=["doc_id"]):
        yield from batch.column(0).to_pylist()
