"""How well scores tell two kinds of texts apart."""

import numpy as np

from workflow_scripts.common.seeds import named_seed

RESAMPLES = 1000


def auc(better: np.ndarray, worse: np.ndarray) -> float:
    """Chance that a text that should score higher does so; ties count half. NaN where one side has no score.

    `better`: float [documents]; `worse`: float of any shape.
    """
    better, worse = better[~np.isnan(better)], worse[~np.isnan(worse)]
    if not len(better) or not len(worse):
        return float("nan")
    return float((np.greater.outer(better, worse) + 0.5 * np.equal.outer(better, worse)).mean())


def auc_band(better: np.ndarray, worse: np.ndarray, name: str) -> tuple[float, float]:
    """5th and 95th percentile of the AUC over resampled documents.

    `worse`: float [documents, copies] of the same documents, which are drawn with them, or [others] of their own.
    """
    random, draws = np.random.default_rng(named_seed("auc", name)), []
    for _ in range(RESAMPLES):
        ours = random.integers(len(better), size=len(better))
        theirs = ours if worse.ndim == 2 else random.integers(len(worse), size=len(worse))
        draws.append(auc(better[ours], worse[theirs]))
    return float(np.percentile(draws, 5)), float(np.percentile(draws, 95))


def row(name: str, value: float, n: int, note: str) -> dict:
    """A line of the validation table."""
    return {"name": name, "value": round(float(value), 4), "n": int(n), "note": note}


def auc_rows(name: str, better: np.ndarray, worse: np.ndarray, note: str) -> list[dict]:
    """The AUC and its band as lines of the validation table; `worse` as in `auc_band`."""
    low, high = auc_band(better, worse, name)
    n = len(better) if worse.ndim == 2 else len(better) + len(worse)
    return [
        row(name, auc(better, worse), n, note),
        row(f"{name}_low", low, n, "5th percentile over resampled documents"),
        row(f"{name}_high", high, n, "95th percentile over resampled documents"),
    ]
