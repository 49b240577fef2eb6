"""How far a loss scatters over seeds, which a setting that was trained once cannot tell of itself."""

import numpy as np
import pandas as pd

from workflow_scripts.evaluation.results import group_of
from workflow_scripts.evaluation.tables import COLUMNS


def seed_noise(losses: pd.DataFrame) -> pd.DataFrame:
    """Standard deviation over seeds of a student's mean loss, per set, with its degrees of freedom.

    losses: rows of a pack's table `losses`. Pooled over all students that differ in their seed alone, [assumed] to
    scatter alike. Sets of which no student has several seeds are left out.
    """
    sums = losses.groupby(["set", "run_id"], observed=True)[["loss_sum_nats", "predicted_tokens"]].sum().reset_index()
    sums["loss"] = sums["loss_sum_nats"] / sums["predicted_tokens"]
    sums["group"] = sums["run_id"].astype(object).map(group_of)
    own = sums[sums["group"] != ""].groupby(["set", "group"], observed=True)["loss"].agg(["var", "count"])
    own = own[own["count"] > 1].reset_index()
    rows = [
        {"set": name, "sd_nats": float(np.sqrt(np.average(found["var"], weights=found["count"] - 1))),
         "freedom": int((found["count"] - 1).sum())}
        for name, found in own.groupby("set", observed=True)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS["seed_noise"])
