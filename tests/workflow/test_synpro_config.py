"""The config of SynPro: what refers to what, what it costs, and what a scale plans."""

import pytest
from pydantic import ValidationError

from workflow_scripts.config.load import load_config
from workflow_scripts.config.synpro import SynPro
from workflow_scripts.planning.synpro import generator_tokens, pretraining_device_hours, pretraining_need, slices

OPERATIONS = {"rephrase": {"prompt": "synpro_rephrase.v1"}}
SETS = {
    "plain": {"title": "plain", "operation": "rephrase"},
    "first": {"title": "first", "operation": "rephrase", "student": "base", "rewards": {"influence": 1}},
    "joined": {"title": "joined", "stitches": "plain"},
}
PRETRAININGS = {
    "base": {"title": "base", "role": "repetition", "steps": 10},
    "round": {"title": "round", "role": "round", "steps": 5, "start": "base", "sets": ["first", "joined"]},
}


def synpro(**changes) -> SynPro:
    """A small section."""
    values = {"student": "tiny", "organic_tokens": 100, "unique_tokens": 200, "operations": OPERATIONS, "sets": SETS}
    return SynPro(**values | {"pretrainings": PRETRAININGS} | changes)


def test_rounds_need_what_their_sets_are_made_with():
    found = synpro()
    assert found.before("round") == ["base", "round"]
    assert list(found.used_sets()) == ["plain", "first", "joined"], "a stitched set needs the texts of another"


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"sets": SETS | {"wrong": {"title": "x"}}}, "either an `operation` or another set"),
        (
            {"sets": SETS | {"wrong": {"title": "x", "operation": "translate"}}},
            "'translate', which is not among rephrase",
        ),
        (
            {"sets": SETS | {"wrong": {"title": "x", "operation": "rephrase", "rewards": {"influence": 1}}}},
            "`influence` needs a `student`",
        ),
        (
            {"sets": SETS | {"wrong": {"title": "x", "operation": "rephrase", "reinforcement": {"step": 1}}}},
            "wrong.reinforcement.step: no such setting",
        ),
        (
            {"pretrainings": PRETRAININGS | {"base": PRETRAININGS["base"] | {"start": "round"}}},
            "pretrainings need each other: base <- round <- base",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(changes, message):
    with pytest.raises(ValidationError, match=message):
        synpro(**changes)


def test_generators_have_settings_of_their_own():
    own = SETS["first"] | {"reinforcement": {"steps": 7}}
    found = synpro(sets=SETS | {"first": own}, reinforcement={"steps": 9, "completions": 4})
    assert [(found.reinforcement_of(name).steps, found.reinforcement_of(name).completions) for name in SETS] == [
        (9, 4), (7, 4), (9, 4),
    ]  # fmt: skip


def test_authors_scale_by_hand(shipped):
    """21,840 steps of 512 x 2,048 tokens are 22.9 billion, 28.7 passes; 38,400 answers and nine evaluations of 128."""
    config = load_config(shipped | {"scale": "synpro_400m"})
    own = config.scales["synpro_400m"].synpro
    tokens = own.pretrainings["repetition"].steps * own.batch_sequences * own.context
    assert tokens == 22_900_899_840 == own.unique_tokens and round(tokens / own.organic_tokens, 1) == 28.7
    assert slices(own) == pytest.approx(499_124, abs=1)
    prompts, answers = generator_tokens(own, "refreshed_1")
    assert prompts == (38_400 + 9 * 128) * 1600 and answers == prompts
    hours = pretraining_device_hours(config, "repetition")
    assert hours == pytest.approx(6 * 22.9e9 * 0.42e9 / (989e12 * 0.4) / 3600, rel=0.2)
    assert pretraining_need(config, "repetition").gpus == 4
