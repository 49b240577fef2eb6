"""Generation shards: Parquet with a fixed schema, and a JSON record of digest and throughput beside each."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workflow_scripts.common.files import atomic_path, read_record, require_digest
from workflow_scripts.config.models import Generation

SCHEMA = pa.schema(
    [
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("generation", pa.int32(), nullable=False),
        pa.field("boundary", pa.string()),
        pa.field("prompt_version", pa.string(), nullable=False),
        pa.field("prompt_sha256", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("model_revision", pa.string(), nullable=False),
        pa.field("engine", pa.string(), nullable=False),
        pa.field("temperature", pa.float64(), nullable=False),
        pa.field("top_p", pa.float64(), nullable=False),
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("attempt", pa.int32(), nullable=False),
        pa.field("prompt_tokens", pa.int32(), nullable=False),
        pa.field("source_cut", pa.bool_(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("tokens", pa.int32(), nullable=False),
        pa.field("finish_reason", pa.string(), nullable=False),
        pa.field("flags", pa.list_(pa.string()), nullable=False),
    ]
)


def write_rows(path: str | Path, rows: Iterable[dict]) -> None:
    """Write generations atomically."""
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_pylist(list(rows), schema=SCHEMA), temporary, compression="zstd")


def record_path(path: str | Path) -> Path:
    """The JSON record beside a shard; it is written last."""
    return Path(path).with_suffix(".json")


def verify_shard(path: str | Path) -> dict:
    """The record of a shard. Raises UserError, with both files set aside, when the shard is not what it says.

    The job that wrote the shard then makes it again from its journal, without the LLM.
    """
    path, record = Path(path), record_path(path)
    content = read_record(record, [path])
    if expected := content.get("sha256"):  # what was written before there were digests is taken as it is
        require_digest(path, expected, [record])
    return content


def read_rows(path: str | Path) -> list[dict]:
    """All generations of a shard, checked when its record is there."""
    if record_path(path).exists():
        verify_shard(path)
    return pq.read_table(path).to_pylist()


def slice_of(documents: int, shard: int, shards: int, batch: int) -> range:
    """Positions of a shard's documents: contiguous, and whole batches, so that texts don't depend on sharding."""
    batches = -(-documents // batch)
    first, last = (batches * part // shards * batch for part in (shard, shard + 1))
    return range(min(first, documents), min(last, documents))


def read_generations(
    paths: Iterable[str | Path], count: int, settings: Generation
) -> Iterator[tuple[str, dict[int | str, str]]]:
    """(doc_id, texts by generation index or boundary) of every document, in document order.

    Raises UserError at the start, before it yields, when a shard is damaged. Generations with an index of `count` or
    more and those with a dropped flag are left out. Thoughts are all given: which boundaries a stream uses follows
    from its G.
    """
    documents = {path: verify_shard(path)["documents"] for path in paths}
    for path in documents:
        groups = groupby(_usable_rows(path, count, set(settings.drop_flags)), key=lambda row: row["doc_id"])
        waiting = next(groups, None)
        for doc_id in documents[path]:
            is_its_own = waiting is not None and waiting[0] == doc_id
            yield doc_id, dict(map(_keyed, waiting[1])) if is_its_own else {}
            waiting = next(groups, None) if is_its_own else waiting


def _usable_rows(path: str | Path, count: int, dropped: set[str]) -> Iterator[dict]:
    """What a stream needs of a shard's rows, a few thousand rows at a time."""
    columns = ["doc_id", "generation", "boundary", "text", "flags"]
    for batch in pq.ParquetFile(path).iter_batches(batch_size=4096, columns=columns):
        wanted = pc.or_(pc.is_valid(batch["boundary"]), pc.less(batch["generation"], count))
        yield from (row for row in batch.filter(wanted).to_pylist() if not dropped.intersection(row["flags"]))


def _keyed(row: dict) -> tuple[int | str, str]:
    return (row["boundary"] or row["generation"]), row["text"].strip()
