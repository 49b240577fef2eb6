"""Quantities of downstream accuracy."""

import numpy as np
import pandas as pd

from workflow_scripts.audit.quantities_evidence import MAIN, Evidence, NotMeasured, Value
from workflow_scripts.audit.quantities_pick import generations_of


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
    return Value(100 * gain, *band, "points", int(real["questions"]), 1, f"{int(real['tasks'])} tasks")


def _accuracy(evidence: Evidence, stream: str, generations: int) -> pd.Series:
    """Mean accuracy over tasks of the first tuned student, its standard error, questions and tasks."""
    students = evidence.results.of_study(MAIN).students
    own = students[(students["stream"] == stream) & (students["generations"] == generations)]
    rows = evidence.results.downstream
    rows = rows[rows["run_id"].isin(own["run_id"]) & (rows["metric"] == "acc")]
    if rows.empty:
        raise NotMeasured(f"no {stream} student has answered downstream tasks")
    rows = rows[rows["run_id"] == sorted(rows["run_id"])[0]]
    error = float(np.sqrt((rows["stderr"] ** 2).sum()) / len(rows))
    return pd.Series({"accuracy": rows["accuracy"].mean(), "stderr": error, "questions": rows["questions"].sum(),
                      "tasks": len(rows)})  # fmt: skip
