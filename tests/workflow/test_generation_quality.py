"""Quality of generations: planted copies, refusals, preambles, invented numbers and names, counted by hand."""

import json

import pytest

from tests.workflow.conftest import generation_row, run_main, write_shard
from workflow_scripts.common.errors import UserError
from workflow_scripts.corpus.documents import document, write_documents
from workflow_scripts.generation import quality
from workflow_scripts.generation.quality_measures import (
    PREAMBLE,
    is_near_copy,
    missing_facts,
    names,
    numbers,
    own_repeats,
    sibling_measures,
)

SOURCE = (
    "The old bridge over the river Aare was closed on 14 March after the flood. Mayor Anna Keller said that repairs "
    "cost 1,250 francs and take 3 weeks."
)
OTHER = "A short report about quite another matter, which shares hardly a word with what was written before it."


@pytest.mark.parametrize(
    "text",
    [
        "Here is a rewritten version of the article:\n\nThe bridge",
        "Here's the text rewritten for clarity. The bridge",
        "Sure, I can help with that.",
        "Rephrased article:\nThe bridge",
        "This is a summary of the two parts.",
    ],
)
def test_preambles(text):
    assert PREAMBLE.match(text)


@pytest.mark.parametrize("text", ["This is the end of the bridge.", "Surely the bridge is closed.", SOURCE])
def test_ordinary_openings_are_no_preambles(text):
    assert not PREAMBLE.match(text)


def test_numbers_as_digits():
    assert numbers("1. It cost 1,250.5 francs\n2) in 3 weeks, or 30,5 percent; (1,000,000) in 2021.") == {
        "1250.5", "3", "30,5", "1000000", "2021"
    }  # fmt: skip


def test_names_begin_no_sentence():
    assert names(SOURCE) == {"aare", "march", "anna", "keller"}
    assert names('He said: "Never." I\'m told Zoë\'s and Jean-Luc met him.\n- Bern won\n* Basel lost') == {
        "zoë", "jean-luc"
    }  # fmt: skip


def test_invented_and_lost_facts():
    """Of three numbers one is invented, of three names Peter; of the source's, 14, March and Aare are lost."""
    text = "The bridge needs 1250 francs and 3 weeks, or 99, as Mayor Keller told Peter in anger. anna agreed."
    assert missing_facts(text, SOURCE) == {"numbers": (1, 3), "names": (1, 3)}
    assert missing_facts(SOURCE, text) == {"numbers": (1, 3), "names": (2, 4)}


def test_near_copies_of_the_source():
    assert is_near_copy(SOURCE.upper().replace(".", "!"), SOURCE)
    assert is_near_copy(SOURCE[:75], SOURCE)  # 12 words, all of them taken from it
    assert is_near_copy(SOURCE.replace("weeks", "months"), SOURCE)  # 21 of 23 sequences of five words are shared
    assert not is_near_copy(OTHER, SOURCE)
    assert not is_near_copy("", SOURCE)


def test_texts_of_one_document_among_themselves():
    """The third repeats the first; of 3 x 5 three-word sequences 10 differ."""
    found = sibling_measures(
        ["one two three four five six seven", "a b c d e f g", "One, two three four five six seven."]
    )
    assert found == {"near_copies": 1, "distinct_3": pytest.approx(10 / 15)}
    assert sibling_measures([""]) == {"near_copies": 0, "distinct_3": 0.0}


def test_a_text_that_goes_round_in_circles():
    """Ten words of a circle of two: two different sequences of eight."""
    assert own_repeats("so it " * 5) == 0.75
    assert own_repeats(SOURCE) == own_repeats("so it") == 0


@pytest.fixture
def planted(tmp_path):
    """Two documents with four rephrases each, every kind of fault once, in two shards."""
    documents = [document(SOURCE, "train"), document(OTHER + " | <b>", "train")]
    write_documents(tmp_path / "train.parquet", documents)
    texts = [
        [SOURCE, "I'm sorry, but I can't help with that.", "", "Here is a rewritten version:\n\nIt cost 77 francs."],
        [
            f"A text {word} of its own kind with nothing else that would be found."
            for word in ("one", "two", "six", "ten")
        ],
    ]
    for part, (row, own) in enumerate(zip(documents, texts, strict=True)):
        rows = [generation_row(row["doc_id"], "rephrase", place, text) for place, text in enumerate(own)]
        rows[3]["finish_reason"] = "length"
        write_shard(tmp_path / f"rephrase-0.{part}.parquet", "rephrase", [row["doc_id"]], rows)
    return tmp_path


def report(folder, **changes) -> dict:
    """The report of the planted shards, as its command writes it."""
    options = {
        "shards": [str(path) for path in sorted(folder.glob("rephrase-*.parquet"))],
        "sources": folder / "train.parquet", "documents": 1000, "output": folder / "q.md", "json": folder / "q.json",
    }  # fmt: skip
    run_main(quality.main, **(options | changes))
    return json.loads((folder / "q.json").read_text())


def test_report_counts_what_was_planted(planted):
    found = report(planted)["methods"]["rephrase"]
    assert (found["documents"], found["texts"]) == (2, 8)
    one_of_eight = ("empty", "refusal", "preamble", "near_copy_of_source", "speaks_of_task")
    assert [found[name] for name in one_of_eight] == [0.125] * 5
    assert found["cut_at_limit"] == 0.25
    assert found["invented_numbers"] == {"facts": 4, "share": 0.25, "texts_with_one": 0.125}  # 77; the copy has three
    assert found["tokens_mean"] == 3 and found["tokens_quantiles"] == [3] * 7


def test_card_shows_texts_as_they_are(planted):
    """A text's own marks of Markdown and HTML, and its line ends, don't break the table."""
    report(planted)
    card = (planted / "q.md").read_text()
    assert "| near copy of source | 12.5% | 12.5% |" in card
    assert "\\| &lt;b&gt; |" in card
    for line in card.splitlines():
        assert not line.startswith("|") or line.endswith("|")


def test_a_sample_of_documents_is_always_the_same(planted):
    first, again = (report(planted, documents=1) for _ in range(2))
    assert first == again and first["all"]["documents"] == 1 and len(first["samples"]) == 1


def test_documents_of_another_corpus_are_refused(planted, tmp_path):
    write_documents(tmp_path / "other.parquet", [document("another corpus", "train")])
    with pytest.raises(UserError, match="has generations and is not among these documents"):
        report(planted, sources=tmp_path / "other.parquet")
