"""Planted losses of SynPro's students by part of the validation documents (arXiv 2605.17849).

A part's loss is E and its hardness, its share of the student's distance from E, and noise: of the seed in all students,
of the seed in this one, of the student on this part, of the evaluation.
"""

import numpy as np
import pandas as pd

from workflow_scripts.common.seeds import named_seed
from workflow_scripts.evaluation.synpro_tables import VALIDATION
from workflow_scripts.planted.synpro_truth import STEP_TOKENS, SynProTruth


def parts_table(truth: SynProTruth, seed: int, name: str) -> pd.DataFrame:
    """A row per seed of the student, evaluation and part of one pretraining."""
    tokens = truth.evaluated(name)
    hardness, slope, predicted = _parts_of_text(truth, seed)
    excess = truth.loss(truth.effective(name, tokens)) - truth.floor
    on_part = _chance(seed, name, "parts").normal(0, truth.part_sd, truth.parts)
    expected = truth.floor + hardness + np.outer(excess, slope) + on_part  # [evaluations, parts]
    tables = []
    for student in truth.seeds:
        offset = _chance(seed, student).normal(0, truth.shared_seed_sd)
        offset += _chance(seed, name, student).normal(0, truth.own_seed_sd)
        jitter = _chance(seed, name, student, "jitter").normal(0, truth.jitter_sd, len(tokens))
        sums = (expected + offset + jitter[:, None]) * predicted
        tables.append(_long(name, student, tokens, sums, predicted))
    return pd.concat(tables)


def _long(name: str, student: int, tokens: np.ndarray, sums: np.ndarray, predicted: np.ndarray) -> pd.DataFrame:
    count = len(predicted)
    columns = {
        "pretraining": name, "seed": student, "step": np.repeat(tokens // STEP_TOKENS, count),
        "tokens": np.repeat(tokens, count), "set": VALIDATION, "part": np.tile(np.arange(count), len(tokens)),
        "loss_sum_nats": sums.ravel(), "predicted_tokens": np.tile(predicted, len(tokens)),
    }  # fmt: skip
    return pd.DataFrame(columns)


def _parts_of_text(truth: SynProTruth, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """[parts] hardness in nats, relative slopes, predicted tokens; means weighted by tokens are 0 and 1."""
    chance = _chance(seed, "text")
    predicted = chance.integers(truth.part_tokens // 2, truth.part_tokens * 3 // 2, truth.parts)
    hardness = chance.normal(0, truth.hardness_sd, truth.parts)
    slope = chance.normal(1, truth.slope_sd, truth.parts)
    weights = predicted / predicted.sum()
    return hardness - weights @ hardness, slope / (weights @ slope), predicted


def _chance(*parts: object) -> np.random.Generator:
    return np.random.default_rng(named_seed("planted synpro", *parts))
