"""Answers of generators taken apart: the same text for rewards and for streams."""

import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.rewards.written import Entry, parse

HEADING = "Here are the structured entries based on the provided text:"


def rephrase(answer: str, finished: bool = True):
    """A rephrase taken apart."""
    return parse("rephrase", "source", answer, finished)


def test_text_is_what_follows_the_heading():
    found = rephrase("here is a  paraphrased version:\n\nThe bridge opened in 1932. ")
    assert (found.status, found.headings, found.text) == ("ok", 1, "The bridge opened in 1932.")


@pytest.mark.parametrize(
    "answer, finished, status, text",
    [
        ("  \n", True, "empty", ""),
        ("The bridge opened.", True, "wrong_format", ""),
        ("Here is a paraphrased version:", True, "wrong_format", ""),
        ("Here is a paraphrased version: It opened. Then it was clo", False, "truncated", "It opened."),
        ("Here is a paraphrased version: It was clo", False, "truncated", ""),
    ],
)
def test_every_answer_has_a_status_and_a_cut_sentence_is_left_out(answer, finished, status, text):
    found = rephrase(answer, finished)
    assert (found.status, found.text) == (status, text)


def test_repeated_heading_is_counted():
    assert rephrase("Here is a paraphrased version: a. Here is a paraphrased version: b.").headings == 2


@pytest.mark.parametrize(
    "line",
    [
        "- Topic: Opening Content: It opened in 1932.",
        "* **Topic**: Opening. **Content**: It opened in 1932.",
        "3) topic: [Opening]\n   content: [It opened in 1932.]",
    ],
)
def test_entries_in_the_forms_that_are_met(line):
    found = parse("reformat", "source", f"{HEADING}\n{line}", True)
    assert found.text == "- Topic: Opening Content: It opened in 1932."
    assert found.entries == (Entry("Opening", "It opened in 1932."),)


def test_no_more_than_eight_entries_and_none_that_was_cut():
    lines = [f"- Topic: t{n} Content: c{n}" for n in range(10)]
    found = parse("reformat", "source", "\n".join([HEADING, *lines]), True)
    assert found.entries == tuple(Entry(f"t{n}", f"c{n}") for n in range(8)) and found.text.count("Topic") == 8
    cut = parse("reformat", "source", "\n".join([HEADING, *lines[:2]]), False)
    assert (cut.status, cut.entries) == ("truncated", (Entry("t0", "c0"),))


def test_unknown_operation_names_the_known_ones():
    with pytest.raises(UserError, match="no parser for the operation translate; there are rephrase, reformat"):
        parse("translate", "source", "x", True)
