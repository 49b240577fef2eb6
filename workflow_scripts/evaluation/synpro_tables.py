"""The pack of SynPro (arXiv 2605.17849): one folder of CSV tables that analysis, figures and claims read.

Losses are nats per token, steps and tokens of evaluations are cumulative (earlier pretrainings included). `validation`
is dealt into the same parts for every student, so a bootstrap over parts stands for one over documents.
"""

from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluation.synpro_columns import COLUMNS, KEYS, MAY_BE_EMPTY, REMEDY
from workflow_scripts.evaluation.typed_columns import typed

VALIDATION = "validation"
SAME = 1e-3  # nats; parts and evaluations are sums of the same losses in another order


@dataclass(frozen=True)
class SynProPack:
    """Tables of one scale; columns: synpro_columns.py. Those of in_loop, rewards, influence, rater may lack rows."""

    pretrainings: pd.DataFrame
    evaluations: pd.DataFrame
    parts: pd.DataFrame
    sets: pd.DataFrame
    rewards: pd.DataFrame
    influence: pd.DataFrame
    in_loop: pd.DataFrame
    rater: pd.DataFrame

    def of_role(self, *roles: str) -> list[str]:
        """Names of pretrainings of some roles, in the order of the table."""
        own = self.pretrainings[self.pretrainings["role"].isin(roles)]
        return list(dict.fromkeys(own["pretraining"]))

    def sets_of(self, pretraining: str) -> list[str]:
        """Synthetic sets that a pretraining is trained on. Raises KeyError for an unknown one."""
        return [name for name in self.row(pretraining)["sets"].split(";") if name]

    def row(self, pretraining: str) -> pd.Series:
        """What the table says of a pretraining's first seed. Raises KeyError for an unknown one."""
        own = self.pretrainings[self.pretrainings["pretraining"] == pretraining]
        if own.empty:
            raise KeyError(pretraining)
        return own.iloc[0]


def read_pack(folder: str | Path) -> SynProPack:
    """All tables of a pack, checked.

    Raises UserError for a missing file or column, a value of a wrong type, a second row of a key, a pretraining that
    is not in pretrainings.csv, and parts whose losses are not those of evaluations.csv.
    """
    tables = {field.name: _read(Path(folder) / f"{field.name}.csv", field.name) for field in fields(SynProPack)}
    pack = SynProPack(**tables)
    _require_known(Path(folder), pack)
    _require_same_losses(Path(folder), pack)
    return pack


def _read(path: Path, name: str) -> pd.DataFrame:
    if not path.exists():
        files = ", ".join(f"{each}.csv" for each in COLUMNS)
        raise UserError(f"{path}: no such file; a SynPro pack holds {files}: {REMEDY}")
    try:
        raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    except ValueError as error:  # no header, or rows of unequal length
        raise UserError(f"{path}: it is no table ({error}): {REMEDY}") from None
    if missing := [column for column in COLUMNS[name] if column not in raw]:
        raise UserError(f"{path}: column {missing[0]} is missing: {REMEDY}")
    if raw.empty and name not in MAY_BE_EMPTY:
        raise UserError(f"{path}: it has no rows: {REMEDY}")
    table = raw.assign(**{c: typed(path, raw[c], kind) for c, kind in COLUMNS[name].items()})
    if (again := table.duplicated(KEYS[name])).any():
        key = ", ".join(map(str, table.loc[again, KEYS[name]].iloc[0]))
        raise UserError(f"{path}: a second row of {key}: {REMEDY}")
    return table


def _require_known(folder: Path, pack: SynProPack) -> None:
    known = set(zip(pack.pretrainings["pretraining"], pack.pretrainings["seed"], strict=True))
    for name in ("evaluations", "parts", "in_loop"):
        table = getattr(pack, name)
        for pretraining, seed in table[["pretraining", "seed"]].drop_duplicates().itertuples(index=False):
            if (pretraining, seed) not in known:
                raise UserError(f"{folder / name}.csv: pretrainings.csv has no {pretraining} of seed {seed}: {REMEDY}")
    names = set(pack.pretrainings["pretraining"])
    if wrong := [start for start in pack.pretrainings["start"] if start and start not in names]:
        raise UserError(f"{folder}/pretrainings.csv: start '{wrong[0]}' is not in the table: {REMEDY}")


def _require_same_losses(folder: Path, pack: SynProPack) -> None:
    key = ["pretraining", "seed", "step"]
    sums = pack.parts[pack.parts["set"] == VALIDATION].groupby(key)[["loss_sum_nats", "predicted_tokens"]].sum()
    own = pack.evaluations[pack.evaluations["set"] == VALIDATION].set_index(key)["loss_nats"]
    parts = (sums["loss_sum_nats"] / sums["predicted_tokens"]).reindex(own.index)
    if not (wrong := ~((parts - own).abs() <= SAME)).any():
        return
    place = ", ".join(map(str, own.index[wrong][0]))
    raise UserError(f"{folder}/parts.csv: it does not have the loss of evaluations.csv at {place}: {REMEDY}")
