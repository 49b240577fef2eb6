"""Planted tables of SynPro's synthetic sets (arXiv 2605.17849): measures, rewards, influence, judges; all [assumed]."""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.common.seeds import named_seed
from workflow_scripts.evaluation.synpro_columns import COLUMNS
from workflow_scripts.planted.synpro_truth import STEP_TOKENS, SynProTruth

REFORMAT = {"influence": 3.0, "quality": 1.0, "faithfulness": 1.0, "format": 1.0}
REPHRASE = {"quality": 1.0, "semantic": 1.0, "structure": 1.0, "length": 1.0, "format": 1.0}
TEXTS, HELD_OUT, STEPS = 2000, 128, range(0, 241, 30)
SHARES = {"repetition": 0.0, "round1": -0.12}  # what a student's own progress takes from a set not made for it


@dataclass(frozen=True)
class PlantedSet:
    """One synthetic set; `distance` is its Fréchet distance, `positive` its share of positive influence."""

    title: str
    operation: str
    rewards: dict[str, float]
    student: str = ""
    distance: float = 0.3
    positive: float = 0.5


SETS = {
    "rephrase": PlantedSet("Rephrases, untrained", "rephrase", {}, distance=0.2, positive=0.45),
    "reformat": PlantedSet("Entries, untrained", "reformat", {}, distance=0.5, positive=0.55),
    "rephrase_repro": PlantedSet("Rephrases, RePro", "rephrase", REPHRASE, distance=0.15, positive=0.42),
    "rephrase_trained": PlantedSet("Rephrases", "rephrase", REPHRASE | {"influence": 3.0}, "repetition", 0.2, 0.52),
    "reformat_r1": PlantedSet("Entries of round 1", "reformat", REFORMAT, "repetition", 0.45, 0.64),
    "reformat_r2": PlantedSet("Entries of round 2", "reformat", REFORMAT, "round1", 0.5, 0.63),
    "reformat_unfaithful": PlantedSet(
        "Entries without faithfulness", "reformat", {k: v for k, v in REFORMAT.items() if k != "faithfulness"},
        "repetition", 1.6, 0.7,
    ),
}  # fmt: skip


def sets_table(truth: SynProTruth, seed: int) -> pd.DataFrame:
    """A row per set, and `organic`, whose Fréchet distance is that of its halves."""
    rows = [_set_row(truth, seed, name, own) for name, own in SETS.items()]
    organic = PlantedSet("Organic text", "", {}, distance=0.03)
    return pd.DataFrame([*rows, _set_row(truth, seed, "organic", organic) | {"standardise": "", "copied_share": 1.0}])


def _set_row(truth: SynProTruth, seed: int, name: str, own: PlantedSet) -> dict:
    chance = _chance(seed, "set", name)
    bad = [0, 0, 0] if name == "organic" else [int(n) for n in chance.integers(5, 60, 3)]
    tokens = truth.organic_tokens * (1 if name == "organic" else 0.8)
    return {
        "set": name, "title": own.title, "operation": own.operation, "rewards": json.dumps(own.rewards),
        "student": own.student, "standardise": "false", "texts": TEXTS, "ok": TEXTS - sum(bad), "truncated": bad[0],
        "wrong_format": bad[1], "empty": bad[2], "tokens": int(tokens), "generated_tokens": int(1.2 * tokens),
        "frechet_distance": own.distance, "ngram_novelty": 0.1 + own.distance / 4,
        "self_bleu": 0.2 + own.distance / 4, "unigram_tail_coverage": 0.9 - own.distance / 3,
        "unigram_entropy_bits": 10.2 - own.distance, "copied_share": max(0.0, 0.5 - own.distance / 3),
    }  # fmt: skip


def rewards_table(truth: SynProTruth, seed: int) -> pd.DataFrame:
    """Rewards along the training of every trained generator."""
    rows = []
    for name, own in SETS.items():
        own_measures = [*own.rewards, *_ALWAYS] if own.rewards else []
        for place, measure in enumerate(own_measures):
            start, gain = _ALWAYS.get(measure, (0.2 + 0.1 * place, 0.15))
            for split in ("training", "held_out"):
                noise = _chance(seed, "rewards", name, measure, split).normal(0, 0.01, len(STEPS))
                rows += [
                    {"set": name, "step": step, "split": split, "measure": measure, "sd": 0.2, "n": HELD_OUT,
                     "mean": start + gain * step / STEPS[-1] + error, "excluded": 2 if measure == "influence" else 0}
                    for step, error in zip(STEPS, noise, strict=True)
                ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS["rewards"]))


_ALWAYS = {  # value at the first step, and gain until the last one
    "total": (1.0, 0.9), "kl": (0.0, 0.08), "completion_tokens": (300.0, -60.0), "entropy": (1.2, -0.3),
    "copied_share": (0.4, -0.1), "ok_share": (0.8, 0.18), "boilerplate_share": (0.06, 0.02),
}  # fmt: skip


def influence_table(truth: SynProTruth, seed: int) -> pd.DataFrame:
    """Influence of every set on the students of both plateaus: that of a generator made for one holds there."""
    sets = {**SETS, "organic": PlantedSet("", "", {}, positive=0.35)}
    students = [name for name in SHARES if name in truth.pretrainings]
    return pd.DataFrame([
        _influence_row(truth, seed, (name, student, number), own)
        for student in students for name, own in sets.items() for number in truth.seeds
    ])  # fmt: skip


def _influence_row(truth: SynProTruth, seed: int, key: tuple[str, str, int], own: PlantedSet) -> dict:
    name, student, number = key
    share, tokens = own.positive + (0 if own.student == student else SHARES[student]), truth.plateau_tokens(student)
    drawn = _chance(seed, "influence", *key).binomial(TEXTS, share) / TEXTS
    paired = {"gain_nats": (share - 0.35) / 10, "gain_sd_nats": 0.1} if name != "organic" else {}
    return {
        "set": name, "pretraining": student, "seed": number, "step": tokens // STEP_TOKENS, "tokens": tokens,
        "texts": TEXTS, "positive_share": drawn if truth.shares_drawn else share, "mean_nats": (share - 0.5) / 10,
        "sd_nats": 0.08, "gain_nats": np.nan, "gain_sd_nats": np.nan, **paired,
    }  # fmt: skip


def rater_table() -> pd.DataFrame:
    """How good the planted judges are."""
    rows = [("quality_held_out_spearman", 0.62, 200, "against DataMan"), ("faithfulness_accuracy", 0.84, 300, "")]
    return pd.DataFrame(rows, columns=list(COLUMNS["rater"]))


def _chance(*parts: object) -> np.random.Generator:
    return np.random.default_rng(named_seed("planted synpro", *parts))
