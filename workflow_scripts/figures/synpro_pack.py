"""What SynPro's figures take from their pack: tables that have to have rows, arms, ancestors, counts for footnotes."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluation.synpro_tables import VALIDATION, SynProPack, read_pack
from workflow_scripts.figures.frame import Drawn, Inputs, figure_command

ARMS = ("repetition", "oracle", "static", "round")  # roles that are compared; ablations have a figure of their own
SEEDS_AND_PARTS = "bootstrap over parts of the validation documents, the same for all, and over seeds"


def synpro_command(name: str, draw: Callable[[Inputs], Drawn], description: str) -> None:
    """`figure_command` of a SynPro pack, a folder of its own tables."""
    figure_command(name, draw, description, one_pack)


def one_pack(*folders: str | Path) -> SynProPack:
    """The pack in the only folder. Raises UserError for several, and what `read_pack` raises."""
    if len(folders) != 1:
        raise UserError(f"--results: SynPro's figures are drawn from one pack, got {len(folders)}: name one folder")
    return read_pack(folders[0])


def rows_needed(inputs: Inputs, name: str, why: str) -> pd.DataFrame:
    """A table of the pack. Raises UserError, naming its file, where it has no row."""
    table = getattr(inputs.results, name)
    if table.empty:
        raise UserError(
            f"{', '.join(inputs.folders)}/{name}.csv: it has no row, and this figure shows {why}: measure it, or say "
            f"in scales.{inputs.scale}.left_out why this scale lacks the figure"
        )
    return table


def arms_of(pack: SynProPack, *roles: str) -> pd.DataFrame:
    """A row per pretraining of some roles (none given: all), in the order of roles, then of the table."""
    wanted = roles or tuple(dict.fromkeys(pack.pretrainings["role"]))
    names = [name for role in wanted for name in pack.of_role(role)]
    return pd.DataFrame([pack.row(name) for name in names], columns=pack.pretrainings.columns).reset_index(drop=True)


def ancestors(pack: SynProPack, name: str) -> list[str]:
    """A pretraining and those whose students it continues, itself first."""
    start = pack.row(name)["start"]
    return [name, *(ancestors(pack, start) if start else [])]


def parts_in(pack: SynProPack) -> int:
    """Parts that validation documents are dealt into."""
    return int(pack.parts.loc[pack.parts["set"] == VALIDATION, "part"].nunique())


def seeds_of(pack: SynProPack) -> pd.Series:
    """Seeds of every pretraining, by name."""
    return pack.pretrainings.groupby("pretraining")["seed"].nunique()
