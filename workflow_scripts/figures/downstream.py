"""Error on downstream tasks against generations per document: the average, and each task."""

import pandas as pd

from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluation.downstream_average import AVERAGE, TASKS, downstream_average
from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.marks import methods_against_generations
from workflow_scripts.figures.points import KEY, MAIN, with_real_only
from workflow_scripts.figures.style import panels

TITLES = {AVERAGE: "Average of the three tasks", "arc_easy": "ARC-Easy", "piqa": "PIQA", "sciq": "SciQ"}
BANDS = (
    "Error: 1 - accuracy, not normalised for chance. Bands: one standard error over {questions} questions; one student "
    "per setting, so no spread of seeds. Average: {average}."
)


def errors(inputs: Inputs) -> pd.DataFrame:
    """A row per task, stream and G: error with its standard error; the average where all three tasks are there."""
    table = inputs.study(MAIN).downstream
    table = table[(table["metric"] == "acc") & table["task"].isin(TASKS)]
    if set(table["task"]) == set(TASKS):
        table = pd.concat([downstream_average(table), table], ignore_index=True)
    students = inputs.results.students[["run_id", *KEY]]
    chosen = with_real_only(inputs)[list(KEY)].merge(students, on=list(KEY))
    rows = chosen.merge(table, on="run_id")
    rows = rows.assign(error=1 - rows["accuracy"], low=1 - rows["accuracy"] - rows["stderr"])
    rows = rows.assign(high=rows["error"] + rows["stderr"])
    return rows[["task", *KEY, "run_id", "questions", "accuracy", "stderr", "error", "low", "high"]]


def draw(inputs: Inputs) -> Drawn:
    """A panel per task, the average first. Raises UserError when the real-only student or all others lack answers."""
    rows = errors(inputs)
    if set(rows["stream"]) <= {"real"} or "real" not in set(rows["stream"]):
        raise UserError(
            f"{', '.join(inputs.folders)}: downstream.csv needs answers of the real-only student and of one on "
            "synthetic data at least; run `snakemake figures` with downstream evaluation"
        )
    titles = {task: title for task, title in TITLES.items() if task in set(rows["task"])}
    figure, axes = panels(len(titles))
    for panel, (task, title) in zip(axes, titles.items(), strict=True):
        panel.set_title(title)
        panel.set_ylabel("error, 1 - accuracy")
        methods_against_generations(panel, rows[rows["task"] == task], "error")
    asked = rows.groupby("task")["questions"].max().drop(AVERAGE, errors="ignore").sum()
    return Drawn(figure, rows, BANDS.format(questions=f"{asked:,}", average=AVERAGE))


if __name__ == "__main__":
    figure_command("downstream", draw, __doc__)
