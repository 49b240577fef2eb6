"""What figures of the comparison of all methods take from its pack: a row per arm, and words of footnotes."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluation.arms import ArmPack, read_arms
from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.mixture_notes import reasons
from workflow_scripts.scaling.arms import Study, row_of

MEASURED = "measured"
WRITTEN = ("efficiency", "over_", "oracle_", "as_simple")  # beginnings of columns that may have no number
BANDS = (
    "Bands: {share} bootstrap over validation documents, the same ones for all arms, and over seeds; they hold nothing "
    "of what other texts of the same method would do."
)


def comparison_command(name: str, draw: Callable[[Inputs], Drawn], description: str) -> None:
    """`figure_command` of a pack of the comparison, a folder of the tables of its students and of `arms.csv`."""
    figure_command(name, draw, description, one_pack)


def one_pack(*folders: str | Path) -> ArmPack:
    """The pack in the only folder. Raises UserError for several, and what `read_arms` raises."""
    if len(folders) != 1:
        raise UserError(f"--results: this figure is drawn from one pack of arms, got {len(folders)}: name one folder")
    return read_arms(folders[0])


def study_of(inputs: Inputs) -> Study:
    """The pack with its bootstrap."""
    return Study(inputs.results, inputs.analysis)


def rows_of(study: Study) -> pd.DataFrame:
    """A row per arm with all that is computed of it, the lowest i.i.d. loss first; NaN for what has no number."""
    rows = pd.DataFrame([row_of(study, arm) for arm in study.pack.arms.index])
    numbers = [name for name in rows if name.startswith(WRITTEN) and name != "efficiency_status"]
    rows = rows.astype(dict.fromkeys(numbers, float)).rename(columns={"texts": "texts_written"})
    return rows.sort_values("loss_nats", ignore_index=True)


def no_number(rows: pd.DataFrame) -> str:
    """Sentences that name arms without a data efficiency, and why; nothing where all have one."""
    without = rows[rows["efficiency"].isna()]
    return reasons(
        (title, status.rstrip("."))
        for title, status in zip(without["title"], without["efficiency_status"], strict=True)
    )
