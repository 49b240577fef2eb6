"""Quantities of downstream accuracy."""

import numpy as np
import pandas as pd

from workflow_scripts.claims.evidence import MAIN, Evidence, NotMeasured, Value
from workflow_scripts.claims.pick import generations_of
from workflow_scripts.evaluation.downstream_average import AVERAGE, downstream_average


def downstream_gain(evidence: Evidence, streams: list[str]) -> Value:
    """Best mean accuracy of some streams at their largest G minus real-only's, in points; tasks are averaged.

    The band is 1.645 standard errors of questions, which both students share: it is wide on the safe side.
    """
    real, found = _accuracy(evidence, "real", 0), None
    for stream in streams:
        counts = generations_of(evidence, MAIN, stream)
        own = _accuracy(evidence, stream, counts[-1])
        found = own if found is None or own["accuracy"] > found["accuracy"] else found
    error = float(np.hypot(real["stderr"], found["stderr"]))
    gain = found["accuracy"] - real["accuracy"]
    band = (100 * (gain - 1.645 * error), 100 * (gain + 1.645 * error))
    return Value(100 * gain, *band, "points", int(real["questions"]), 1, AVERAGE)


def _accuracy(evidence: Evidence, stream: str, generations: int) -> pd.Series:
    """Average accuracy of the first tuned student that was asked, its standard error and number of questions."""
    students = evidence.results.of_study(MAIN).students
    own = students[(students["stream"] == stream) & (students["generations"] == generations)]
    rows = evidence.results.downstream
    rows = rows[rows["run_id"].isin(own["run_id"])]
    if rows.empty:
        raise NotMeasured(f"no {stream} student has answered downstream tasks")
    return downstream_average(rows).sort_values("run_id").iloc[0]
