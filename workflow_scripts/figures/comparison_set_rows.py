"""Gains over repetition of every arm on every validation set, and of its right answers where students were asked."""

from statistics import NormalDist

import numpy as np
import pandas as pd

from workflow_scripts.config.comparison_rows import COMPARISON
from workflow_scripts.evaluation.arm_table import REPETITION
from workflow_scripts.scaling.arms import IID, KEY, Study, set_rows

FIRST = (IID, "short", "long")


def gains(study: Study) -> pd.DataFrame:
    """A row per arm and set: gain in nats with its band; the i.i.d. set and its halves first, then others by name."""
    rows = pd.DataFrame(set_rows(study)).rename(columns={"gain_nats": "gain"})
    order = [name for name in FIRST if name in set(rows["set"])]
    order += sorted(set(rows["set"]) - set(order))
    return rows.sort_values("set", key=lambda names: names.map(order.index), kind="stable", ignore_index=True)


def answers(study: Study) -> pd.DataFrame:
    """A row per arm and downstream task (column `set`): gain of accuracy in percentage points; empty without answers.

    Bands take each arm's questions as drawn by themselves; they are the same for all, so that differences are surer. A
    task that repetition's students were not asked has no row.
    """
    found = _accuracies(study)
    if REPETITION not in set(found["arm"]):
        return pd.DataFrame()
    rows = found.merge(found[found["arm"] == REPETITION], on="set", suffixes=("", "_base"))
    wide = NormalDist().inv_cdf((1 + study.analysis.band) / 2) * np.hypot(rows["stderr"], rows["stderr_base"])
    gain = rows["accuracy"] - rows["accuracy_base"]
    ends = {"gain": gain, "low": gain - wide, "high": gain + wide}
    kept = rows[["arm", "title", "set", "seeds", "accuracy"]].assign(**{name: 100 * own for name, own in ends.items()})
    kept.loc[kept["arm"] == REPETITION, ["low", "high"]] = 0.0
    return kept.sort_values("set", kind="stable", ignore_index=True)


def _accuracies(study: Study) -> pd.DataFrame:
    """A row per arm and task: mean over seeds, standard error of one student's answers."""
    own = study.pack.results.of_study(COMPARISON)
    arms = study.pack.arms[["arm", "title", *KEY]].reset_index(drop=True)
    asked = own.downstream[own.downstream["metric"] == "acc"].merge(own.students[["run_id", *KEY]], on="run_id")
    groups = asked.merge(arms, on=list(KEY)).groupby(["arm", "title", "task"], sort=False)
    found = groups.agg(accuracy=("accuracy", "mean"), stderr=("stderr", "mean"), seeds=("run_id", "nunique"))
    return found.reset_index().rename(columns={"task": "set"})
