"""The power law by Huber's loss of log loss, from the optimum of least squares: a check of that on the same points."""

import numpy as np

from workflow_scripts.scaling.fit import Fit, Problem, refit
from workflow_scripts.scaling.forms import FORMS
from workflow_scripts.scaling.limits import FLOOR_NATS, Limit

DELTA = 1e-3  # as Hoffmann et al. (2022)


def huber_law(law: Limit, sizes: np.ndarray, losses: np.ndarray) -> tuple[float, float, float]:
    """A, B and C of A / x^B + C; law: the same points by least squares; sizes, losses: [points], in the law's unit."""
    problem = Problem(FORMS["power_law"], {"x": np.log(sizes)}, np.asarray(losses), DELTA)
    start = np.log([law.A, max(law.C, FLOOR_NATS), law.B])
    a, c, b = np.exp(refit(problem, Fit(start, 0.0, 1, 1, [])).theta)
    return float(a), float(b), float(c)
