"""What a method writes: texts of documents, kept with what they are of, and why streams leave some out."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.common.files import atomic_path

OK = "ok"
SCHEMA = pa.schema(
    [
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("number", pa.int32(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True)
class Text:
    """One synthetic text.

    doc_id: the passage (`<document>#<place>`) or document that it is of; a text of none has a name of its own.
    kind: what its method calls this sort of text, such as a style. number: its place among the document's texts, which
    streams take in this order. status: `ok`, or why streams leave it out.
    """

    doc_id: str
    kind: str
    number: int
    text: str
    status: str = OK


def write_texts(path: str | Path, texts: Iterable[Text]) -> None:
    """Write texts atomically, in their order."""
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_pylist(list(map(asdict, texts)), schema=SCHEMA), temporary, compression="zstd")


def read_texts(path: str | Path) -> Iterator[Text]:
    """Texts in stored order."""
    for batch in pq.ParquetFile(path).iter_batches():
        yield from (Text(**row) for row in batch.to_pylist())
