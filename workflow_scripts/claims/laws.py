"""Quantities of laws: rectified (arXiv 2503.19551), of repetition (2605.12715), of retraining (2412.14689, 2310.00429).

Those of retraining are of simulations, which need no student: their values are the same in every column.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from workflow_scripts.claims.evidence import Evidence, NotMeasured, Value
from workflow_scripts.claims.losses import NATS
from workflow_scripts.claims.synpro import study_of
from workflow_scripts.evaluation.results import Results
from workflow_scripts.scaling.bootstrap import band
from workflow_scripts.scaling.drawn_laws import ends
from workflow_scripts.scaling.gaussian_retraining import Gaussian
from workflow_scripts.scaling.law import NotIdentified
from workflow_scripts.scaling.loss_curves import loss_curve
from workflow_scripts.scaling.onset import onsets
from workflow_scripts.scaling.rectified import HELD_OUT, compare
from workflow_scripts.scaling.recursive_regression import Regression
from workflow_scripts.scaling.repetition_runs import repetition_runs
from workflow_scripts.scaling.retraining_theory import growth, simulated

ROLES = ("oracle", "repetition")
DRAWS = 100  # of a curve whose two laws are fitted anew in each: more take a minute and move no verdict
NORMAL_90 = 1.6449  # standard errors on either side of a mean that hold 90%
SIMULATED = "simulated, no student"


def rectified_gain(evidence: Evidence, role: str = "oracle") -> Value:
    """Held-out error of the power law minus that of the rectified law, on the curve of unique text or of repetition."""
    if role not in ROLES:
        raise NotMeasured(f"'{role}' has no curve of its own; these have: {', '.join(ROLES)}")
    study = study_of(evidence)
    curve = loss_curve(study, study.oracle if role == "oracle" else study.baseline)
    found = compare(replace(curve, losses=curve.losses[: 1 + DRAWS]))
    low, high = band(found.gain[1:], evidence.analysis.band)
    note = f"{curve.name}, last {HELD_OUT} of {len(curve.tokens)} points"
    return Value(
        float(found.gain[0]), low, high, NATS, 0, curve.seeds, f"{note}; {found.learnt(evidence.analysis.band)}"
    )


def onset_moved(evidence: Evidence, by: str, stream: str = "") -> Value:
    """Slope of ln r at which the loss rises again by ln U (`real_tokens`) or ln h (`share`), of a stream's curves."""
    runs = repetition_runs(*_passes(evidence))
    if runs.table.empty:
        raise NotMeasured("no student passes over real text")
    found = onsets(runs, evidence.analysis.bootstrap_draws, stream)
    if by not in found.moved:
        raise NotIdentified(f"all curves with several passes have the same {by}")
    spread = ends(found.moved[by][1:], evidence.analysis.band)
    if spread is None:
        raise NotIdentified("in too many draws losses do not rise again")
    note = (
        f"{len(found.curves)} curves, onset r = {found.shared[0]:.1f}, one onset leaves {found.ratio:.2f} times as much"
    )
    return Value(float(found.moved[by][0]), *spread, f"ln r by ln {by}", 0, int(found.table["seeds"].min()), note)


def _passes(evidence: Evidence) -> tuple[Results, list[pd.DataFrame]]:
    """What has values of r: studies with their candidates; where there is none of them, the comparison of methods."""
    if evidence.results.students.empty and evidence.methods is not None:
        return evidence.methods.results, []
    return evidence.results, [] if evidence.candidates is None else [evidence.candidates]


def retraining_growth(evidence: Evidence, model: str, chain: str) -> Value:  # noqa: ARG001
    """Error gained per round over the second half of all rounds, in errors of the first round."""
    try:
        found, error = growth(simulated(Regression(), Gaussian()), model, chain)
    except KeyError:
        raise NotMeasured(f"no chain {chain} of {model} is simulated") from None
    return Value(found, found - NORMAL_90 * error, found + NORMAL_90 * error, "first errors per round", note=SIMULATED)


def retraining_at_most(evidence: Evidence, chain: str) -> Value:  # noqa: ARG001
    """The highest error of all rounds of recursive regression, in errors of one round on natural labels."""
    settings = Regression()
    table = simulated(settings, Gaussian())
    own = table[(table["model"] == "regression") & (table["chain"] == chain)]
    if own.empty:
        raise NotMeasured(f"no chain {chain} of regression is simulated")
    row = own.loc[own["error"].idxmax()]
    found, low, high = (row["error"] + NORMAL_90 * row["standard_error"] * np.array([0, -1, 1])) / settings.one_round
    return Value(float(found), float(low), float(high), "first errors", note=SIMULATED)
