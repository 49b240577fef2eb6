"""Quantities of arXiv 2509.14786: limits of size and members, and data efficiency over its epoched standard recipe.

Arrays are [1 + draws]: the estimate first.
"""

from collections.abc import Callable

import numpy as np

from workflow_scripts.claims.ensembles import limit, members_of
from workflow_scripts.claims.evidence import Evidence, NotMeasured, Value
from workflow_scripts.claims.losses import NATS
from workflow_scripts.claims.pick import matching, pick
from workflow_scripts.claims.powers import PARAMETERS, USABLE, power_laws
from workflow_scripts.scaling.bootstrap import Setting
from workflow_scripts.scaling.law import BILLION, NotIdentified

STANDARD, REGULARISED, ENSEMBLES = "standard_recipe", "regularised_recipe", "baseline_ensembles"
Limit = tuple[np.ndarray, list[Setting]]


def standard_efficiency(evidence: Evidence, of: str) -> Value:
    """Data efficiency of a limit over the standard recipe, whose law takes the best size at every D."""
    real = standard_sets(evidence)
    losses = np.stack([_stacked(setting) for setting in real], axis=1)
    a, b, c = power_laws(np.array([s.real_tokens for s in real]) / BILLION, losses).T
    found, used = LIMITS[of](evidence)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = ((losses[:, 0] - c) / (found - c)) ** (1 / b)
    return _value(evidence, ratios, "times real tokens", [*real, *used], of)


def size_law_parameter(evidence: Evidence, study: str, parameter: str) -> Value:
    """A, B or C of A / N^B + C over real-only students at the study's smallest D, N in billions of parameters."""
    used = sizes_of(evidence, study)
    unit = {"B": "exponent"}.get(parameter, NATS)
    return _value(evidence, _size_law(evidence, used)[:, PARAMETERS[parameter]], unit, used)


def joint_asymptote(evidence: Evidence) -> Value:
    """Members to infinity for every size of student, then parameters to infinity."""
    found, used = _joint_limit(evidence)
    return _value(evidence, found, NATS, used)


def standard_sets(evidence: Evidence) -> list[Setting]:
    """The best student of the standard recipe at every D, ascending. Raises NotMeasured."""
    sizes = sorted({s.real_tokens for s in evidence.settings(STANDARD)})
    return [pick(evidence, STANDARD, real_tokens=size) for size in sizes]


def sizes_of(evidence: Evidence, study: str) -> list[Setting]:
    """The real-only student of every size at the smallest D of a study, ascending. Raises NotMeasured."""
    real = matching(evidence.settings(study), stream="real")
    if not real:
        raise NotMeasured(f"study {study} has no real-only students")
    tokens = min(s.real_tokens for s in real)
    names = {s.student for s in real if s.real_tokens == tokens}
    used = [pick(evidence, study, stream="real", student=name, real_tokens=tokens) for name in names]
    return sorted(used, key=lambda s: parameters(evidence)[s.student])


def parameters(evidence: Evidence) -> dict[str, int]:
    """Parameters of every student's shape, by its name."""
    return evidence.results.students.groupby("student")["parameters"].first().to_dict()


def _size_law(evidence: Evidence, used: list[Setting]) -> np.ndarray:
    sizes = np.array([parameters(evidence)[s.student] for s in used]) / BILLION
    return power_laws(sizes, np.stack([_stacked(s) for s in used], axis=1))


def _largest_model(evidence: Evidence) -> Limit:
    largest = sizes_of(evidence, REGULARISED)[-1]
    return _stacked(largest), [largest]


def _regularised_limit(evidence: Evidence) -> Limit:
    used = sizes_of(evidence, REGULARISED)
    return _size_law(evidence, used)[:, PARAMETERS["C"]], used


def _ensemble_limit(evidence: Evidence) -> Limit:
    members = members_of(evidence, "real")
    estimate, draws = limit(members)
    return np.concatenate([[estimate], draws]), members


def _largest_ensemble(evidence: Evidence) -> Limit:
    rows = _ensembles(evidence)
    every = members_of(evidence, "real", rows[-1])[-1]
    return _stacked(every), [every]


def _joint_limit(evidence: Evidence) -> Limit:
    names = _ensembles(evidence)
    members = [members_of(evidence, "real", name) for name in names]
    limits = [np.concatenate([[estimate], draws]) for estimate, draws in map(limit, members)]
    sizes = np.array([parameters(evidence)[name] for name in names]) / BILLION
    laws = power_laws(sizes, np.stack(limits, axis=1))
    return laws[:, PARAMETERS["C"]], [setting for own in members for setting in own]


LIMITS: dict[str, Callable[[Evidence], Limit]] = {
    "largest_model": _largest_model,
    "regularised_limit": _regularised_limit,
    "ensemble_limit": _ensemble_limit,
    "largest_ensemble": _largest_ensemble,
    "joint_limit": _joint_limit,
}


def _ensembles(evidence: Evidence) -> list[str]:
    """Students that have real-only ensembles, ascending in size. Raises NotMeasured without any."""
    rows = evidence.results.of_study(ENSEMBLES).ensemble_rows()
    if rows.empty:
        raise NotMeasured(f"study {ENSEMBLES} has no ensembles")
    return sorted(set(rows["student"]), key=lambda name: parameters(evidence)[name])


def _stacked(setting: Setting) -> np.ndarray:
    return np.concatenate([[setting.loss], setting.draws])


def _value(evidence: Evidence, found: np.ndarray, unit: str, used: list[Setting], note: str = "") -> Value:
    if np.isnan(found[0]) or np.isfinite(found[1:]).mean() < USABLE:
        raise NotIdentified(f"no law, or a loss below its asymptote, in {np.isnan(found[1:]).mean():.0%} of draws")
    return evidence.value(found[0], found[1:][np.isfinite(found[1:])], unit, *used, note=note)
