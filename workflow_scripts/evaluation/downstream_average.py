"""The average of the downstream tasks, under a versioned name.

`downstream_average_v1` is the unweighted mean of the accuracies on ARC-Easy, PIQA and SciQ; its standard error takes
those of the tasks as independent. Another definition gets another name.
"""

import numpy as np
import pandas as pd

from workflow_scripts.common.errors import UserError

AVERAGE = "downstream_average_v1"
TASKS = ["arc_easy", "piqa", "sciq"]


def downstream_average(table: pd.DataFrame) -> pd.DataFrame:
    """A row per student: the average's accuracy and standard error, and the number of questions.

    Raises UserError when a student lacks one of the three tasks.
    """
    wanted = table[(table["metric"] == "acc") & table["task"].isin(TASKS)]
    groups = wanted.groupby("run_id", sort=False)
    for run_id, tasks in groups["task"]:
        if sorted(tasks) != TASKS:
            raise UserError(f"{AVERAGE} of {run_id} needs one result of each of {TASKS}; it has {sorted(tasks)}")
    found = groups.agg(accuracy=("accuracy", "mean"), stderr=("stderr", _of_mean), questions=("questions", "sum"))
    return found.reset_index().assign(task=AVERAGE, metric="acc")


def _of_mean(errors: pd.Series) -> float:
    """Standard error of a mean of independent estimates."""
    return float(np.sqrt((errors**2).sum()) / len(errors))
