"""Rewards for form by hand: one heading, the length, and the formatting of the source; and what needs no model."""

import numpy as np
import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.reinforcement import Reinforcement
from workflow_scripts.rewards.catalogue import RewardModels, rewards_of
from workflow_scripts.rewards.damage import KINDS, damaged
from workflow_scripts.rewards.dataman import overall, request, shortened
from workflow_scripts.rewards.form import Format, Length, Structure, elements, likeness
from workflow_scripts.rewards.judge import statements, verdict
from workflow_scripts.rewards.sentences import prose, sentences
from workflow_scripts.rewards.support import names, numbers, unsupported
from workflow_scripts.rewards.word_order import count_word_order
from workflow_scripts.rewards.written import REFORMATTED, REPHRASED, parse

SOURCE = "Oslo opened a library on Monday. The mayor said that 1,200 people came."
LIST = "Rules:\n\n- be kind\n- be quick\n\n1. Start.\n2. Stop.\n3. Rest."


def rephrased(text: str, source: str = SOURCE, finished: bool = True):
    return parse("rephrase", source, f"{REPHRASED} {text}", finished)


def test_format_wants_the_heading_once():
    twice = parse("rephrase", SOURCE, f"{REPHRASED} One. {REPHRASED} Two.", True)
    answers = [rephrased("A library."), twice, parse("rephrase", SOURCE, "A library.", True)]
    answers += [parse("rephrase", SOURCE, "  ", True), parse("reformat", SOURCE, f"{REFORMATTED}\nnothing", True)]
    assert Format().scores(answers).tolist() == [1, 0, 0, 0, 0]


def test_length_is_in_characters_of_the_source_and_an_empty_text_fails():
    answers = [rephrased("x" * 125, "y" * 100), rephrased("x" * 126, "y" * 100), rephrased("", "y" * 100)]
    assert Length(1.25).scores(answers).tolist() == [1, 0, 0]


def test_structure_by_hand():
    """Two of two bullets and three of three numbers are kept or lost; a text's own words do not matter."""
    expected = {
        "paragraph": 3,
        "line": 1,
        "heading": 0,
        "bullet": 2,
        "number": 3,
        "table_row": 0,
        "fence": 0,
        "json": 0,
    }
    assert elements(LIST) == expected
    assert likeness(LIST, LIST.replace("kind", "good")) == 1
    assert likeness(LIST, "Rules: be kind and quick.") == pytest.approx((1 / 3 + 1 + 0 + 0) / 4)
    assert likeness(LIST, "Rules:\n\n- be kind") == pytest.approx((2 / 3 + 1 + 1 / 2 + 0) / 4)
    code = "```\n- x = 1\n# y\n```"
    assert (elements(code)["fence"], elements(code)["line"], elements(code)["bullet"]) == (2, 2, 0)
    assert elements('```json\n{"a": [1]}\n```')["json"] == 1 and elements("| a | b |")["table_row"] == 1
    assert Structure().scores([rephrased("Fine.", "Plain."), rephrased("", "Plain.")]).tolist() == [1, 0]


def test_forms_are_made_without_a_model_and_what_lacks_is_named():
    settings = Reinforcement(longest_share=1.0)
    rewards = rewards_of({"format": 1.0, "length": 1.0}, settings, RewardModels())
    assert list(rewards) == ["format", "length"] and rewards["length"].longest_share == 1.0
    for name, words in (("beauty", "no reward is called beauty"), ("influence", "needs before and after")):
        with pytest.raises(UserError, match=words):
            rewards_of({name: 1.0}, settings, RewardModels())


def test_sentences_know_titles_initials_and_lines():
    text = 'Mr. Smith of the U.S. Senate left. "Why?" He was 3.5 hours late!\n- a point\n\nno stop'
    found = ["Mr. Smith of the U.S. Senate left.", '"Why?"', "He was 3.5 hours late!", "- a point", "no stop"]
    assert sentences(text) == found and sentences(" \n ") == []
    assert [len(part.split()) for part in sentences("word " * 130)] == [60, 60, 10]


def test_numbers_and_names_have_to_be_in_the_source():
    lower = frozenset({"the", "it", "library", "mayor", "on"})
    assert numbers("1,200 people, $3.50 and seven of twenty in 1990.") == {1200, 3.5, 7, 20, 1990}
    assert names("The mayor of Oslo, McKay's, met NATO on Monday. It rained.", lower) >= {"oslo", "mckay", "nato"}
    assert (
        unsupported("In Oslo, 1200 Americans met.", "1,200 people from Oslo, American all.", frozenset({"in"})) == set()
    )
    assert unsupported("The mayor counted 1,300 in Lima.", SOURCE, lower) == {"1300", "lima"}
    assert unsupported("The UN met.", "The United Nations met.", lower) == set()
    assert unsupported("Jean Chretien left.", "Jean Chrétien left.", frozenset({"left"})) == set()


def test_damage_is_the_same_again_and_does_what_it_says():
    text = "The quick brown fox jumps over the lazy dog. Nobody in the old town saw it, and that was good. It left."
    copies = {kind: damaged(kind, text) for kind in KINDS}
    assert copies == {kind: damaged(kind, text) for kind in KINDS} and text not in copies.values()
    assert sorted(copies["shuffled"].split()) == sorted(text.split())
    assert len(copies["cut"]) < len(text) < len(copies["repeated"]) and set(sentences(copies["repeated"])) == set(
        sentences(text)
    )
    assert copies["flattened"].startswith("the quick brown fox jumps") and "." not in copies["flattened"]


def test_word_order_is_told_from_words_drawn_from_a_hat():
    good = [f"The {noun} of the town is in the old {place}, and it was good." for noun in "abcdefgh" for place in "xyz"]
    order = count_word_order(good, frequent=12)
    ordered, drawn = order.mean_ratio(good[0]), order.mean_ratio("Town it the of old was a the is good in and the x.")
    assert ordered > 0.5 > drawn and np.isnan(order.mean_ratio("12 34."))
    assert len(order.classes) == 12 + 3 + 16 and np.isfinite(order.ratios).all()


def test_dataman_is_asked_as_it_was_trained_and_only_a_whole_answer_counts():
    asked = request("Some text.")
    assert asked.splitlines()[1:4] == ["Text: Some text.", "Domain:_", "[1]Accuracy:_/5"]
    assert asked.endswith("[14]Overall Score:_/5")
    answer = "\n".join(["F", *"54345432554514"[:13], "4"])
    assert overall(answer) == 4.0 and overall(f" {answer}\n") == 4.0
    for wrong in ("", "4", answer[:-2], answer.replace("F\n", ""), answer[:-1] + "9", answer + "\n5"):
        assert np.isnan(overall(wrong)), wrong
    words = [str(place) for place in range(2000)]
    short = shortened(" ".join(words), lambda text: list(map(int, text.split())), lambda ids: " ".join(map(str, ids)))
    assert short.split("...")[0].split() == words[:947] and short.split("...")[1].split() == words[-947:]


def test_judge_reads_a_word_and_entries_are_stated_one_by_one():
    read = [verdict(answer) for answer in ("Supported", "**unsupported**.", " SUPPORTED by it", "Perhaps", "")]
    assert read[:3] == [1, 0, 1] and np.isnan(read[3:]).all()
    answer = f"{REFORMATTED}\n- Topic: [A] Content: [First thing.]\n- Topic: B Content: Second."
    one = parse("reformat", SOURCE, answer, True)
    assert statements(one) == ["A: First thing.", "B: Second."] and prose(one) == "First thing.\nSecond."
    assert statements(rephrased("All of it.")) == ["All of it."]
