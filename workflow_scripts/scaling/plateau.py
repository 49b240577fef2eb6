"""When a pretraining has reached its plateau (arXiv 2605.17849, where a person saw it; the rule is ours, [assumed]).

Losses are smoothed by a running mean. The plateau is the first evaluation after which the best smoothed loss of the
next ones improves on the best until then by less than a share of it.
"""

from collections.abc import Sequence

import numpy as np


def smoothed(losses: Sequence[float], over: int) -> np.ndarray:
    """[evaluations] mean of each loss and of up to `over` - 1 before it."""
    sums = np.concatenate([[0.0], np.cumsum(np.asarray(losses, dtype=float))])
    last = np.arange(1, len(sums))
    first = np.maximum(last - over, 0)
    return (sums[last] - sums[first]) / (last - first)


def plateau_at(losses: Sequence[float], patience: int, improvement: float, over: int) -> int | None:
    """Place of the plateau among evaluations, None where it is not reached; known `patience` evaluations later.

    improvement: relative; below it the losses of the next `patience` evaluations count as no better.
    """
    means = smoothed(losses, over)
    for place in range(len(means) - patience):
        before, after = means[: place + 1].min(), means[place + 1 : place + 1 + patience].min()
        if after > before * (1 - improvement):
            return place
    return None
