"""Texts and tokens of a synthetic set for measures: read from its shards and its stream, chosen by a slice's id.

The organic documents are dealt into two halves by hash of their id. A set is sampled from what is written of one half
and compared with the organic text of the other one, as is the organic text itself: then a generator that only copies
measures exactly as the organic text does. Slices of a document are in one half.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.seeds import named_fraction, named_hash
from workflow_scripts.corpus.documents import read_documents
from workflow_scripts.generation.shards import record_path, verify_shard
from workflow_scripts.megadocs.tokens import TokenStream, read_batches
from workflow_scripts.rewards.written import Written, parse

SHARD_COLUMNS = ["doc_id", "generation", "text", "tokens", "finish_reason"]


@dataclass(frozen=True)
class Answer:
    """What was written of a slice; `tokens` are the generator's."""

    doc_id: str
    generation: int
    tokens: int
    written: Written


def read_slices(path: str | Path) -> dict[str, str]:
    """Text of every slice of the organic documents, by its id."""
    return {row["doc_id"]: row["text"] for row in read_documents(path)}


def read_answers(shards: Iterable[str | Path], operation: str, slices: dict[str, str]) -> Iterator[Answer]:
    """All answers of a set, taken apart. Raises UserError for a damaged shard, and for one of other slices."""
    for path in shards:
        if not Path(path).exists():
            raise UserError(
                f"{path}: no such shard; shards are named like results/laptop/generations/rephrase-0.0.parquet"
            )
        if record_path(path).exists():
            verify_shard(path)
        for batch in pq.ParquetFile(path).iter_batches(columns=SHARD_COLUMNS):
            for row in batch.to_pylist():
                if row["doc_id"] not in slices:
                    raise UserError(f"{path}: was written of {row['doc_id']}, which is not among the organic slices")
                written = parse(operation, slices[row["doc_id"]], row["text"], row["finish_reason"] == "stop")
                yield Answer(row["doc_id"], row["generation"], row["tokens"], written)


def organic_answers(slices: dict[str, str]) -> Iterator[Answer]:
    """The organic text as if it were written of itself, with no token generated."""
    for doc_id, text in slices.items():
        yield Answer(doc_id, 0, 0, Written(text, text, "ok", 0, text))


def chosen(answers: Iterable[Answer], most: int) -> list[Answer]:
    """Up to `most` answers that have a text, the first one of their slice, in an order that the slices' ids decide.

    So sets of the same slices are compared on the same slices, whatever the order they are read in.
    """
    usable = (answer for answer in answers if answer.generation == 0 and answer.written.text.strip())
    return heapq.nsmallest(most, usable, key=lambda answer: named_hash("slice to measure", answer.doc_id))


def document_of(doc_id: str) -> str:
    """Id of the document that a slice `<document>#<n>` is of; other ids are of documents."""
    return doc_id.rpartition("#")[0] or doc_id


def is_reference(doc_id: str) -> bool:
    """Whether a slice, or a document, is in the half that sets are compared with."""
    return named_fraction("half of the organic text", document_of(doc_id)) < 0.5


def half_tokens(stream: TokenStream, half: Callable[[str], bool], most: int) -> np.ndarray:
    """int64 [up to `most`]: tokens of a stream's rows whose doc_id is in a half, without BOS and EOS.

    Rows are in an order that the documents' ids decide.
    """
    index = stream.index(["doc_id", "start", "end"])
    ids, lengths = index["doc_id"].to_pylist(), np.subtract(index["end"], index["start"])
    places = [place for place, doc_id in enumerate(ids) if half(doc_id)]
    places.sort(key=lambda place: named_hash("document to measure", document_of(ids[place])))
    rows = np.array(places, np.int64)
    rows = rows[: np.searchsorted(np.cumsum(lengths[rows] - 2), most) + 1]
    found = [np.empty(0, np.int64)]
    for batch in read_batches(stream, rows):
        found.append(batch.ids[(batch.ids != stream.tokens[0]) & (batch.ids != stream.tokens[-1])].astype(np.int64))
    return np.concatenate(found)[:most]


def equal_number(sizes: Iterable[int], fewest: int, most: int) -> int:
    """What the smallest of the sizes is that are at least `fewest`, but no more than `most`.

    Smaller sets are left without a value: one in which hardly an answer keeps its format shall not spoil the others.
    """
    return min([most, *(size for size in sizes if size >= fewest)])
