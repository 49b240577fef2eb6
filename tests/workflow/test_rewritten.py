"""Streams of rewritten slices: what is in them, in which order, and what is left out."""

from pathlib import Path

import pytest

from tests.workflow.conftest import generation_row, run_main, write_shard
from workflow_scripts.corpus.documents import write_documents
from workflow_scripts.megadocs import rewritten
from workflow_scripts.megadocs.tokens import TokenStream

BEGUN = "Here is a paraphrased version:"
DOCUMENTS = {"a": "The first document.", "b": "The second one."}


def row(doc_id: str, text: str) -> dict:
    """A document or a slice."""
    return {"doc_id": doc_id, "text": text, "source": "test", "characters": len(text), "tokens": None}


@pytest.fixture
def build(corpus, tmp_path):
    """Write the stream of two documents in three slices, each answered twice; its rows as (document, kind, text)."""
    write_documents(tmp_path / "slices.parquet", [row("a#0", "The first"), row("a#1", "document."), row("b#0", "b")])
    write_documents(tmp_path / "documents.parquet", [row(doc_id, text) for doc_id, text in DOCUMENTS.items()])
    answers = {"a#0": [f"{BEGUN} A0 one.", f"{BEGUN} A0 two."], "a#1": [f"{BEGUN} A1 one.", "no heading"]}
    answers["b#0"] = ["", f"{BEGUN} B two. And th"]
    rows = [
        generation_row(doc_id, "plain", number, text)
        for doc_id, own in answers.items()
        for number, text in enumerate(own)
    ]
    rows[-1]["finish_reason"] = "length"
    shard = write_shard(tmp_path / "plain-0.0.parquet", "plain", list(answers), rows)

    def stream(documents: Path | None = None) -> tuple[list[tuple], TokenStream]:
        run_main(
            rewritten.main, name="plain", operation="rephrase", shards=[shard], slices=tmp_path / "slices.parquet",
            documents=documents, tokenizer=corpus.folder / "corpus/tokenizer.json", output=tmp_path / "stream",
        )  # fmt: skip
        found = TokenStream(tmp_path / "stream")
        index = found.index().to_pylist()
        texts = [corpus.tokenizer.decode(found.tokens[one["start"] : one["end"]]) for one in index]
        return [(one["doc_id"], one["kind"], text) for one, text in zip(index, texts, strict=True)], found

    return stream


def test_slices_of_a_document_are_rejoined_without_headings(build, corpus):
    rows, stream = build()
    assert rows == [("a", "plain", "A0 one.\n\nA1 one."), ("a", "plain", "A0 two."), ("b", "plain", "B two.")]
    assert (stream.tokens == corpus.tokenizer.eos_id).sum() == len(rows), "every text ends with EOS"


def test_answers_are_counted_by_status(build):
    _, stream = build()
    assert stream.metadata["statuses"] == {"empty": 1, "ok": 3, "truncated": 1, "wrong_format": 1}


def test_stitched_texts_are_followed_by_their_document(build, tmp_path):
    rows, _ = build(tmp_path / "documents.parquet")
    assert [(doc_id, kind) for doc_id, kind, _ in rows] == [
        ("a", "plain"), ("a", "plain"), ("a", "real"), ("b", "plain"), ("b", "real"),
    ]  # fmt: skip
    assert [text for _, kind, text in rows if kind == "real"] == list(DOCUMENTS.values())
