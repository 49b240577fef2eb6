"""Fit the quality rater on labelled texts, and check it on held-out ones; pure functions on texts and features."""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.seeds import named_seed
from workflow_scripts.rewards.damage import KINDS, damaged
from workflow_scripts.rewards.measures import auc_rows, row
from workflow_scripts.rewards.rater import Rater, scaled
from workflow_scripts.rewards.sentences import sentences

RIDGE = 10.0  # [assumed] weights stay small, so that no feature alone decides
FEWEST_WORDS = 8
NEWTON_STEPS, CONVERGED = 50, 1e-9


@dataclass(frozen=True)
class Labelled:
    """Features of texts, whether each is good, and how it was damaged if it was."""

    features: np.ndarray  # float64 [texts, features]
    good: np.ndarray  # bool [texts]
    kinds: list[str]


def crop(text: str) -> str:
    """One to six sentences of a text, so that good and bad ones are of like length; the same ones always.

    The whole text where they have fewer than eight words: such a fragment is no good text.
    """
    parts, random = sentences(text), np.random.default_rng(named_seed("crop", text))
    count = min(int(random.integers(1, 7)), len(parts))
    first = int(random.integers(0, len(parts) - count + 1))
    found = " ".join(parts[first : first + count])
    return found if len(found.split()) >= FEWEST_WORDS else text


def crop_words(text: str) -> str:
    """15 to 150 words of a text without sentences."""
    parts, random = text.split(), np.random.default_rng(named_seed("crop", text))
    count = int(random.integers(15, 150))
    first = int(random.integers(0, max(1, len(parts) - count)))
    return " ".join(parts[first : first + count])


def damage_all(texts: list[str], copies: int) -> tuple[list[str], list[str]]:
    """So many damaged copies of every text, each of another kind, and their kinds."""
    names = list(KINDS)
    kinds = [names[(place + 2 * copy) % len(names)] for copy in range(copies) for place in range(len(texts))]
    return [damaged(kind, text) for kind, text in zip(kinds, texts * copies, strict=True)], kinds


def fit(data: Labelled, without: str | None = None) -> dict[str, np.ndarray]:
    """Arrays of a rater (rater.py) but the word order; good and bad texts weigh the same in sum.

    `without`: a kind of damage that is left out, to see whether it is recognised nevertheless.
    """
    kept = np.array([kind != without for kind in data.kinds])
    features, good = data.features[kept], data.good[kept].astype(np.float64)
    mean, deviation = np.nanmean(features, 0), np.nanstd(features, 0) + 1e-9
    weight = np.where(good, len(good) / good.sum(), len(good) / (1 - good).sum()) / 2
    weights, bias = logistic(scaled(features, mean, deviation), good, weight)
    arrays = {"mean": mean, "deviation": deviation, "weights": weights, "bias": bias}
    rated = Rater(arrays, {}).log_odds(features)
    low, high = np.nanpercentile(rated[good == 0], 10), np.nanpercentile(rated[good == 1], 90)
    return arrays | {"low": np.array(low), "high": np.array(high)}


def logistic(values: np.ndarray, good: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights [features] and bias [] of a ridge logistic regression, by Newton's method; the bias has no ridge."""
    values = np.column_stack([values, np.ones(len(values))])
    ridge, found = np.full(values.shape[1], RIDGE), np.zeros(values.shape[1])
    ridge[-1] = 1e-6
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-values @ found))
        gradient = values.T @ (weight * (chance - good)) + ridge * found
        curvature = (values.T * (weight * chance * (1 - chance))) @ values + np.diag(ridge)
        step = np.linalg.solve(curvature, gradient)
        found -= step
        if np.abs(step).max() < CONVERGED:
            break
    return found[:-1], np.array(found[-1])


def damage_rows(where: str, rater: Rater, own: np.ndarray, copies: dict[str, np.ndarray]) -> list[dict]:
    """Lines of the validation table: originals against damaged copies of theirs; arrays are features."""
    odds, damaged_odds = rater.log_odds(own), {kind: rater.log_odds(features) for kind, features in copies.items()}
    note = f"documents against {len(copies)} damaged copies of each"
    rows = auc_rows(f"quality_auc_{where}", odds, np.column_stack(list(damaged_odds.values())), note)
    for kind, values in damaged_odds.items():
        note = "share of damaged copies that score below their own original"
        rows.append(row(f"quality_below_own_{where}_{kind}", np.mean(values < odds), len(odds), note))
    return rows


def unseen_rows(data: Labelled, own: np.ndarray, copies: dict[str, np.ndarray]) -> list[dict]:
    """The same share for each kind of damage, by a rater that was trained without it."""
    note = "by a rater that was trained without this kind of damage"
    raters = {kind: Rater(fit(data, without=kind), {}) for kind in copies}
    below = {kind: np.mean(rater.log_odds(copies[kind]) < rater.log_odds(own)) for kind, rater in raters.items()}
    return [row(f"quality_unseen_{kind}", share, len(own), note) for kind, share in below.items()]


def length_rows(odds: np.ndarray, texts: list[str], points: np.ndarray, half_points: np.ndarray) -> list[dict]:
    """Lines of the validation table: does length alone give a score? Among undamaged texts, and inside each.

    `half_points`: of the texts' first halves (sentences.py). Ranks, since a short quotation may score very low.
    """
    ranks = (np.argsort(np.argsort(values)) for values in (odds, np.array(list(map(len, texts)))))
    shift = half_points - points
    return [
        row("quality_length_correlation", np.corrcoef(*ranks)[0, 1], len(texts), "rank correlation with characters"),
        row("quality_half_shift", np.mean(shift), len(shift), "mean points of a text's first half less the whole's"),
        row("quality_half_shift_sd", np.std(shift, ddof=1), len(shift), "its deviation over texts"),
    ]
