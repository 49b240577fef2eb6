"""Bootstrap of a fit, and what it says about which parameters the points determine."""

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np

from workflow_scripts.common.seeds import named_seed
from workflow_scripts.scaling.fit import Fit, Problem, errors_of, is_exact, refit
from workflow_scripts.scaling.projection import fit_powers

POINTS_PER_PARAMETER = 4  # with fewer, a draw of points often lacks the sizes that determine the law
FACTOR = 5  # a parameter is not identified when the ends of its band differ by more
FLOOR_SHARE = 0.5  # nor a floor whose band is wider than this share of the lowest loss


def resampling(problem: Problem) -> str:
    """What a draw takes with replacement: points, or residuals where points are few."""
    many = len(problem.losses) >= POINTS_PER_PARAMETER * len(problem.form.parameters)
    return "points" if many else "residuals"


def draw_problems(problem: Problem, found: Fit, draws: int, seed: int) -> list[Problem]:
    """The problem with resampled points or residuals, once per draw."""
    chance = np.random.default_rng(named_seed("law bootstrap", seed))
    count = len(problem.losses)
    if resampling(problem) == "points":
        weights = chance.multinomial(count, np.full(count, 1 / count), size=draws).astype(float)
        return [replace(problem, weights=row) for row in weights]
    errors, _ = errors_of(problem, found.theta, problem.columns)
    free = len(problem.form.parameters) - len(problem.fixed)
    spread = -errors * np.sqrt(count / (count - free))  # a fit's residuals are smaller than the noise
    drawn = chance.choice(spread, size=(draws, count))
    return [replace(problem, losses=_add(problem, found, row)) for row in drawn]


def _add(problem: Problem, found: Fit, noise: np.ndarray) -> np.ndarray:
    log_loss, _ = problem.form.log_loss(found.theta, problem.columns)
    return np.exp(log_loss) + noise if problem.delta is None else np.exp(log_loss + noise)


def bootstrap(problem: Problem, found: Fit, draws: int, seed: int) -> np.ndarray:
    """Logarithms of the parameters of every draw [draws, parameters]; on all cores, in the order of the draws."""
    problems = draw_problems(problem, found, draws, seed)
    if is_exact(problem):
        weights = np.stack([np.ones_like(p.losses) if p.weights is None else p.weights for p in problems])
        with np.errstate(divide="ignore"):
            theta = np.log(fit_powers(problem.centred["x"], np.stack([p.losses for p in problems]), weights))
        return problem.form.in_units(theta, problem.log_units)
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return np.stack(list(pool.map(partial(_refitted, found), problems, chunksize=10)))


def _refitted(found: Fit, problem: Problem) -> np.ndarray:
    return refit(problem, found).theta


def bands_of(drawn: np.ndarray, share: float) -> np.ndarray:
    """Lower and upper ends [2, parameters] of central intervals that hold `share` of the draws' parameters."""
    return np.quantile(np.exp(drawn), [(1 - share) / 2, (1 + share) / 2], axis=0)


def condition(problem: Problem, found: Fit) -> float:
    """Condition number of the errors' slopes by the free parameters, each scaled to length 1, sizes centred."""
    theta = problem.form.in_units(found.theta, problem.log_units, -1)
    _, slopes = errors_of(problem, theta, problem.centred)
    free = [place for place, name in enumerate(problem.form.parameters) if name not in problem.fixed]
    lengths = np.maximum(np.linalg.norm(slopes[free], axis=1, keepdims=True), 1e-300)
    return float(min(np.linalg.cond(slopes[free] / lengths), 1e16))  # where arithmetic ends


def doubts(problem: Problem, found: Fit, drawn: np.ndarray, share: float) -> dict[str, str]:
    """Parameters that the points do not identify, each with the reason."""
    _, slopes = problem.form.log_loss(found.theta, problem.columns)
    centred = problem.form.in_units(drawn, problem.log_units, -1)  # a factor at D = 1 says little about its term
    low, high = bands_of(centred, share)
    reasons = {}
    for place, name in enumerate(problem.form.parameters):
        lowest, highest = low[place], high[place]
        if name in problem.fixed:
            continue
        if np.abs(slopes[place]).max() < 1e-6:
            reasons[name] = "at its best value the fitted losses do not depend on it"
        elif name == problem.form.floor and highest - lowest > FLOOR_SHARE * problem.losses.min():
            reasons[name] = f"its {share:.0%} band is wider than {FLOOR_SHARE:.0%} of the lowest loss"
        elif highest > FACTOR * lowest:
            reasons[name] = f"its {share:.0%} band spans more than a factor of {FACTOR} at the sizes' geometric mean"
    return reasons
