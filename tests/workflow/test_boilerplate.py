"""Phrases that answers to different sources share, and no source has."""

import numpy as np

from workflow_scripts.rewards.boilerplate import boilerplate_phrases, boilerplate_shares
from workflow_scripts.rewards.written import REFORMATTED, REPHRASED, Written, parse

PHRASE = "it is important to note"


def rephrases(texts: list[str], sources: list[str]) -> list[Written]:
    return [parse("rephrase", source, f"{REPHRASED} {text}", True) for text, source in zip(texts, sources, strict=True)]


def test_a_phrase_of_three_sources_answers_by_hand():
    """5 of 7 words, none, 5 of 5, 5 of 10; case and punctuation don't count, nor does the heading all answers have."""
    texts = [f"{PHRASE} that cats", "a b c d e f", "It is important: to NOTE", f"p q r {PHRASE} s t"]
    found = boilerplate_shares(rephrases(texts, ["one", "two", "three", "four"]))
    np.testing.assert_allclose(found, [5 / 7, 0, 1, 0.5])


def test_what_is_no_boilerplate():
    """Answers to two sources alone, however many there are; and what any source says."""
    texts = [f"{PHRASE} that cats"] * 4
    assert not boilerplate_shares(rephrases(texts, ["one", "two", "one", "two"])).any()
    assert not boilerplate_shares(rephrases(texts, ["one", "two", "three", f"where {PHRASE} that cats."])).any()
    assert boilerplate_phrases(rephrases(texts[:3], ["one", "two", "three"])) > {tuple(PHRASE.split())}


def test_overlapping_phrases_count_each_word_once():
    """Both 5-word sequences of `a b c d e f` are shared: 6 of 6 words, not 10."""
    np.testing.assert_allclose(boilerplate_shares(rephrases(["a b c d e f"] * 3, list("xyz"))), 1)


def test_entries_are_without_their_labels_and_no_phrase_spans_two():
    """Topics `a b` beside contents `c d e` make no phrase of 5 words; a whole shared content does."""
    answers = [f"{REFORMATTED}\n- Topic: a b Content: c d e {own} {own}1 {own}2 {own}3" for own in "pqr"]
    written = [parse("reformat", own, answer, True) for own, answer in zip("xyz", answers, strict=True)]
    assert all(len(one.entries) == 1 for one in written) and not boilerplate_shares(written).any()
    answers = [f"{REFORMATTED}\n- Topic: {own} Content: {PHRASE}" for own in "pqr"]
    written = [parse("reformat", own, answer, True) for own, answer in zip("xyz", answers, strict=True)]
    np.testing.assert_allclose(boilerplate_shares(written), 5 / 6)


def test_answers_without_a_text_have_no_share():
    found = boilerplate_shares([parse("rephrase", "x", "", True), parse("rephrase", "x", "no heading", True)])
    assert found.dtype == np.float64 and np.isnan(found).all() and boilerplate_shares([]).shape == (0,)
