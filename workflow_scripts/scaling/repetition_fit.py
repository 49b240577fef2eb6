"""The repetition-aware law of all runs of a pack: L = E + B / D_eff^a + gamma h (arXiv 2605.12715).

D_eff = U r_eff(r), U unique real tokens, r passes over them, h share of real tokens in training. [assumed]
r_eff = 1 + r_1 (1 - exp(-(r - 1) / r_1)), as Muennighoff et al. (2023) count repeats: the paper's law is known to us
[second-hand], its exact parametrisation is uncertain. C / N^c joins where a pack has several sizes N of student; in
those reports N^delta also multiplies B. Stream and G are not in the law, as they are not in the paper's.

The law never rises with r; students who pass over their text too often do worse again. So by default only runs up to
the best r of their curve enter (`rising="leave out"`); "keep" lets all enter and shows what that costs.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.common.seeds import named_seed
from workflow_scripts.scaling.fit import Fit, Problem, fit
from workflow_scripts.scaling.forms import FORMS, Form
from workflow_scripts.scaling.law import NotIdentified
from workflow_scripts.scaling.repetition_runs import RepetitionRuns

RISING = ("leave out", "keep")
FIFTHS = 5


def entering(runs: RepetitionRuns, rising: str = RISING[0]) -> RepetitionRuns:
    """Runs that the law is fitted to."""
    if rising == "keep":
        return runs
    best = runs.table.loc[runs.table.groupby("curve")["loss_nats"].idxmin()].set_index("curve")["real_epochs"]
    return runs.of(runs.table[runs.table["real_epochs"] <= runs.table["curve"].map(best)])


def form_of(table: pd.DataFrame) -> Form:
    """The law, with a term of N where there are several. Raises NotIdentified with too few runs."""
    form = FORMS["repetition_sizes" if table["parameters"].nunique() > 1 else "repetition"]
    if len(table) <= len(form.parameters):
        raise NotIdentified(f"{len(table)} runs; {form.name} has {len(form.parameters)} parameters and needs more runs")
    return form


def problem_of(form: Form, table: pd.DataFrame) -> Problem:
    """Least squares of the law over runs."""
    u = np.log(table["real_tokens"].to_numpy(float))
    columns = {"d": u + np.log(table["real_epochs"].to_numpy(float)), "u": u, "h": np.log(table["share"].to_numpy())}
    columns["n"] = np.log(table["parameters"].to_numpy(float))
    kept = {name: columns[name] for name in form.columns}
    return Problem(form, kept, table["loss_nats"].to_numpy(), None)


def predicted(problem: Problem, found: Fit) -> np.ndarray:
    """[runs] losses of a fit in nats per token."""
    return np.exp(problem.form.log_loss(found.theta, problem.columns)[0])


@dataclass(frozen=True)
class HeldOut:
    """How well a law of other runs predicts some."""

    what: str
    runs: int
    rms: float  # nats; NaN where nothing could be held out
    r_squared: float  # of these runs around their own mean


def held_out_parts(table: pd.DataFrame) -> dict[str, list[np.ndarray]]:
    """Which runs are held out together: [runs] masks. The largest r of every curve of several, and random fifths."""
    largest = table.groupby("curve")["real_epochs"].transform("max") == table["real_epochs"]
    several = table.groupby("curve")["real_epochs"].transform("size") > 1
    order = np.random.default_rng(named_seed("repetition law fifths")).permutation(len(table))
    fifths = [np.isin(np.arange(len(table)), order[part::FIFTHS]) for part in range(FIFTHS)]
    return {"largest r of each curve": [(largest & several).to_numpy()], "random fifths": fifths}


def held_out(form: Form, table: pd.DataFrame, what: str, parts: list[np.ndarray]) -> HeldOut:
    """Errors at runs that the law was not fitted to."""
    parts = [part for part in parts if part.any()]
    if not parts or min((~part).sum() for part in parts) <= len(form.parameters):
        return HeldOut(what, 0, np.nan, np.nan)
    errors, losses = [], []
    for part in parts:
        found, own = fit(problem_of(form, table[~part])), problem_of(form, table[part])
        errors.append(predicted(own, found) - own.losses)
        losses.append(own.losses)
    joined, observed = np.concatenate(errors), np.concatenate(losses)
    return HeldOut(what, len(joined), float(np.sqrt((joined**2).mean())), r_squared(joined, observed))


def r_squared(errors: np.ndarray, losses: np.ndarray) -> float:
    """1 - squared errors over those of the mean; NaN where all losses are the same."""
    total = ((losses - losses.mean()) ** 2).sum()
    return float(1 - (errors**2).sum() / total) if total else np.nan
