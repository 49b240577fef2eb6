"""The pack of the comparison of all methods: the five tables of its students, and a row per arm of what it is."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluation.arm_table import ORACLE, REPETITION, ArmRow
from workflow_scripts.evaluation.results import Results, read_results

FILE = "arms.csv"


@dataclass(frozen=True)
class ArmPack:
    """Students of all arms, and the arms by name."""

    results: Results
    arms: pd.DataFrame  # index: arm; columns of ArmRow

    @property
    def synthetic(self) -> pd.DataFrame:
        """Arms with synthetic text."""
        return self.arms.drop(index=[REPETITION, ORACLE])


def read_arms(folder: str | Path) -> ArmPack:
    """A pack of the comparison. Raises UserError for a missing file, column or control, and for an arm named twice."""
    path = Path(folder) / FILE
    if not path.exists():
        raise UserError(f"{path}: no such file; `snakemake comparison` writes it beside the tables of students")
    table = pd.read_csv(path, keep_default_na=False, na_values={"training_seconds": [""]}, dtype={"paper": str})
    if missing := [name for name in ArmRow.__dataclass_fields__ if name not in table]:
        raise UserError(f"{path}: column {missing[0]} is missing; it was written by another version")
    if not table["arm"].is_unique:
        raise UserError(f"{path}: arm {table.loc[table['arm'].duplicated(), 'arm'].iloc[0]} has two rows; keep one")
    for control in (REPETITION, ORACLE):
        if control not in set(table["arm"]):
            raise UserError(f"{path}: no row of {control}, which every arm is compared with")
    return ArmPack(read_results(folder), table.set_index("arm", drop=False))
