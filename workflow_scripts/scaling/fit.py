"""Fit of any form: a scan of its shape, then L-BFGS with analytic slopes from many places of the scan."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from workflow_scripts.scaling.forms import Columns, Form
from workflow_scripts.scaling.projection import fit_powers, scan

STARTS = 100
POLISHED = 5  # best ends of the starts that are driven to the last digits
SAME = 1e-4  # objectives that differ by less, relatively, are one optimum
FAR = 30.0  # how far, in logarithms, the search may take a coefficient from the scale of the losses
BEYOND = 25.0  # and a parameter of shape from the values that are scanned
COARSE = {"maxiter": 400, "maxcor": 30, "ftol": 1e-9, "gtol": 1e-8}
FINE = {"maxiter": 3000, "maxfun": 6000, "maxcor": 30, "ftol": 1e-15, "gtol": 1e-10}


@dataclass(frozen=True)
class Problem:
    """Losses of sizes, the form that should describe them, and how errors count.

    `columns` holds logarithms of sizes as given, `fixed` the parameters that are not fitted, in the same units.
    """

    form: Form
    columns: Columns
    losses: np.ndarray
    delta: float | None  # None: squared errors of the loss; else Huber of errors of its logarithm; inf: their squares
    fixed: dict[str, float] = field(default_factory=dict)
    weights: np.ndarray | None = None  # how often each point counts

    @cached_property
    def log_units(self) -> dict[str, float]:
        """Geometric means of the sizes: the units of the search. Unique tokens share the unit of all tokens.

        Shares have none.
        """
        means = {name: float(x.mean()) for name, x in self.columns.items()} | {"h": 0.0}
        units = means | ({"u": means["d"]} if "u" in means else {})
        return {name: units[name] for name in self.columns}

    @cached_property
    def centred(self) -> Columns:
        """Logarithms of sizes in these units."""
        return {name: x - self.log_units[name] for name, x in self.columns.items()}

    @cached_property
    def search_units(self) -> dict[str, float]:
        """These units, or those of the columns where a parameter is fixed in them."""
        return dict.fromkeys(self.log_units, 0.0) if self.fixed else self.log_units

    @cached_property
    def searched(self) -> Columns:
        """Logarithms of sizes in the units of the search."""
        return {name: x - self.search_units[name] for name, x in self.columns.items()}


@dataclass(frozen=True)
class Fit:
    """The best parameters, and where the other starts ended; theta are logarithms in the columns' own units."""

    theta: np.ndarray  # -inf where a parameter is zero
    objective: float  # sum over points
    starts: int
    reached: int  # starts that ended at this objective
    others: list[np.ndarray]  # ends of the best starts that did not


def penalty(errors: np.ndarray, delta: float | None) -> tuple[np.ndarray, np.ndarray]:
    """What every error costs, and its slope: the square, or Huber's loss as the papers write it (with its 1/2)."""
    if delta is None:
        return errors**2, 2 * errors
    clipped = np.clip(errors, -delta, delta)
    return clipped * (errors - clipped / 2), clipped


def errors_of(problem: Problem, theta: np.ndarray, columns: Columns) -> tuple[np.ndarray, np.ndarray]:
    """Fitted minus measured [points], of losses or of their logarithms, and its slopes [parameters, points]."""
    log_loss, slopes = problem.form.log_loss(theta, columns)
    if problem.delta is not None:
        return log_loss - np.log(problem.losses), slopes
    fitted = np.exp(log_loss)
    return fitted - problem.losses, fitted * slopes


def objective(problem: Problem, theta: np.ndarray, columns: Columns) -> tuple[float, np.ndarray]:
    """Sum of all penalties, and its slopes by theta."""
    errors, slopes = errors_of(problem, theta, columns)
    cost, by_error = penalty(errors, problem.delta)
    if problem.weights is not None:
        cost, by_error = cost * problem.weights, by_error * problem.weights
    return float(cost.sum()), slopes @ by_error


def is_exact(problem: Problem) -> bool:
    """Whether the search of one exponent, which can't miss the optimum, applies."""
    return problem.delta is None and not problem.fixed and problem.form.is_power


def fit(problem: Problem) -> Fit:
    """Best parameters from many starts; a law of one exponent with squared errors is searched exactly."""
    if is_exact(problem):
        return _fit_power(problem)
    return _fit_from(problem, starts_of(problem), POLISHED)


def refit(problem: Problem, found: Fit) -> Fit:
    """Parameters of a bootstrap draw, to the digits a band needs: from the optimum of all data, and from its rivals."""
    starts = [problem.form.in_units(theta, problem.search_units, -1) for theta in (found.theta, *found.others)]
    return _fit_from(problem, starts, 0)


def refit_all(problem: Problem, found: Fit, losses: np.ndarray) -> np.ndarray:
    """Logarithms of the parameters [draws, parameters] of the same sizes with other losses [draws, points]."""
    if is_exact(problem):
        with np.errstate(divide="ignore"):
            theta = np.log(fit_powers(problem.centred["x"], losses))
        return problem.form.in_units(theta, problem.log_units)
    return np.stack([refit(replace(problem, losses=row), found).theta for row in losses])


def _fit_power(problem: Problem) -> Fit:
    weights = None if problem.weights is None else problem.weights[None]
    with np.errstate(divide="ignore"):
        theta = np.log(fit_powers(problem.centred["x"], problem.losses[None], weights)[0])
    theta = problem.form.in_units(theta, problem.log_units)
    return Fit(theta, objective(problem, theta, problem.columns)[0], 1, 1, [])


def starts_of(problem: Problem) -> list[np.ndarray]:
    """Starts from the scan: many of its best, some of its worst, each with the fixed parameters put in."""
    weights = np.ones_like(problem.losses) if problem.delta is None else problem.losses**-2.0  # relative errors
    theta = scan(problem.form, problem.centred, problem.losses, weights)
    if problem.fixed:
        theta = problem.form.in_units(theta, problem.log_units)
        theta[:, [problem.form.index(name) for name in problem.fixed]] = np.log(list(problem.fixed.values()))
        theta = np.unique(theta, axis=0)
    values = [objective(problem, row, problem.searched)[0] for row in theta]
    ranks = np.unique(np.geomspace(1, len(theta), STARTS).round().astype(int)) - 1
    return list(theta[np.argsort(values)[ranks]])


def _fit_from(problem: Problem, starts: list[np.ndarray], polished: int) -> Fit:
    ends = sorted((_descend(problem, start, COARSE) for start in starts), key=lambda end: end[0])
    fine = [_descend(problem, theta, FINE) for _, theta in ends[:polished]]
    ends = sorted([*fine, *ends[polished:]], key=lambda end: end[0])
    lowest = ends[0][0]
    reached = [value <= lowest * (1 + SAME) for value, _ in ends]
    thetas = [problem.form.in_units(theta, problem.search_units) for _, theta in ends]
    return Fit(thetas[0], lowest, len(ends), sum(reached), thetas[sum(reached) :][:2])


def _descend(problem: Problem, start: np.ndarray, options: dict) -> tuple[float, np.ndarray]:
    from scipy.optimize import minimize  # not at the top: figures draw laws without scipy

    scale = max(objective(problem, start, problem.searched)[0], 1e-300)  # tolerances then mean the same for all data
    bounds = list(_bounds(problem, start))

    def scaled(theta: np.ndarray) -> tuple[float, np.ndarray]:
        value, slopes = objective(problem, theta, problem.searched)
        return value / scale, slopes / scale

    with np.errstate(over="ignore", invalid="ignore"):  # a line search may step to where a loss overflows, and back
        found = minimize(scaled, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return found.fun * scale, found.x


def _bounds(problem: Problem, start: np.ndarray) -> Iterator[tuple[float | None, float | None]]:
    for name, value in zip(problem.form.parameters, start, strict=True):
        if name in problem.fixed:
            yield value, value
        elif problem.fixed and name in problem.form.scaled:
            yield None, None
        elif name in problem.form.shape:
            scanned = np.log(problem.form.shape[name])
            yield scanned[0] - BEYOND, scanned[-1] + BEYOND
        else:
            middle = np.log(problem.losses.mean())
            yield middle - FAR, middle + FAR
