"""What was measured, as a *pack*: a folder of five tables, the same for own, shipped and planted results.

Everything after evaluation reads packs: certificates, fits, figures, claims and audit.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import atomic_path
from workflow_scripts.evaluation.tables import COLUMNS, FILES, KEYS, NEWER

# Names repeat; sums do not, but their bytes by place do: a third smaller than with one encoding for all.
NAMES, SUMS = ["run_id", "ensemble", "set", "doc_id"], ["loss_sum_nats"]
SMALL = {"compression": "zstd", "compression_level": 19, "use_dictionary": NAMES, "use_byte_stream_split": SUMS}


@dataclass(frozen=True)
class Results:
    """All that was measured of some students.

    students: a row per student: its row of the run table, its size, and what it saw (SEEN).
    losses: per student, set and document: tokens, predicted tokens, summed loss in nats. `validation` is the reported
    i.i.d. set, `short` and `long` its halves unless they have documents of their own, `tuning` what was chosen on.
    ensembles: the same for the first 1, 2 .. members of each ensemble together; an ensemble is called after its
    members' common name, `Run.group`.
    downstream: accuracy and its standard error per student and task, as the harness gives them.
    seed_noise: per set, how far students that differ in their seed alone scatter; they need not be in the pack.
    """

    students: pd.DataFrame
    losses: pd.DataFrame
    ensembles: pd.DataFrame
    downstream: pd.DataFrame
    seed_noise: pd.DataFrame = field(default_factory=lambda: empty("seed_noise"))

    def of_study(self, *studies: str) -> "Results":
        """The part that belongs to the students of some studies."""
        wanted = self.students["studies"].map(lambda names: bool(set(studies) & set(names.split())))
        return self.of_students(self.students.loc[np.array(wanted, dtype=bool), "run_id"])

    def of_students(self, run_ids: Iterable[str]) -> "Results":
        """The part that belongs to some students, and to the ensembles that they are in."""
        ids = set(run_ids)
        groups = {group_of(run_id) for run_id in ids}
        return replace(
            self,
            students=self.students[self.students["run_id"].isin(ids)],
            losses=self.losses[self.losses["run_id"].isin(ids)],
            ensembles=self.ensembles[self.ensembles["ensemble"].isin(groups)],
            downstream=self.downstream[self.downstream["run_id"].isin(ids)],
        )

    def ensemble_rows(self) -> pd.DataFrame:
        """The run-table row that an ensemble's members share, by ensemble; `seed` is the first member's."""
        students = self.students.assign(ensemble=self.students["run_id"].map(group_of)).sort_values("seed")
        return students[students["ensemble"].isin(self.ensembles["ensemble"])].groupby("ensemble").first()

    @property
    def sets(self) -> list[str]:
        """Names of the validation sets that are reported."""
        return sorted(set(self.losses["set"]) - {"tuning"})


def group_of(run_id: str) -> str:
    """What students that differ in their seed alone have in common, as `Run.group`."""
    return run_id.rpartition("-s")[0]


def read_results(*folders: str | Path) -> Results:
    """Merge packs; what is in several of them counts once. Raises UserError for a table or a column that is missing."""
    return Results(**{name: _merged(name, [Path(folder) for folder in folders]) for name in FILES})


def write_results(folder: str | Path, results: Results) -> None:
    """Write a pack: the same results give the same bytes; students.csv, which appears last, marks it as whole."""
    for name in ("losses", "ensembles"):
        table = getattr(results, name)[COLUMNS[name]].sort_values(KEYS[name])
        with atomic_path(Path(folder) / FILES[name]) as temporary:
            pq.write_table(_arrow(table), temporary, **SMALL)
    for name in ("seed_noise", "downstream", "students"):
        table = getattr(results, name)[COLUMNS[name]].sort_values(KEYS[name])
        with atomic_path(Path(folder) / FILES[name]) as temporary:
            table.to_csv(temporary, index=False)


def empty(name: str) -> pd.DataFrame:
    """A table of a pack, without rows."""
    return pd.DataFrame(columns=COLUMNS[name])


def with_halves(documents: pd.DataFrame) -> pd.DataFrame:
    """Adds `short` and `long`, the halves of `validation` by tokens, where they have no documents of their own.

    [assumed] Documents are sorted by tokens, then by id; the shorter half is `short` (facts 9.10).
    """
    own = documents[documents["set"] == "validation"]
    sizes = own[["doc_id", "tokens"]].drop_duplicates().sort_values(["tokens", "doc_id"])
    shorter = set(sizes["doc_id"].iloc[: len(sizes) // 2])
    label = own["doc_id"].map(lambda doc_id: "short" if doc_id in shorter else "long")
    halves = own.assign(set=label)
    present = set(documents["set"])
    return pd.concat([documents, halves[~halves["set"].isin(present)]], ignore_index=True)


def _merged(name: str, folders: list[Path]) -> pd.DataFrame:
    tables = [table for table in (_read(folder / FILES[name], COLUMNS[name]) for folder in folders) if len(table)]
    if not tables:
        return empty(name)
    return pd.concat(tables, ignore_index=True).drop_duplicates(KEYS[name], ignore_index=True)


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    if not path.exists():
        raise UserError(f"{path}: no such file; a pack holds {', '.join(FILES.values())}")
    text = {"studies": "", "origin": "", "natural": ""}
    table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path).fillna(text)
    table = table.assign(**{name: value for name, value in NEWER.items() if name in columns and name not in table})
    if missing := set(columns) - set(table):
        raise UserError(f"{path}: column {sorted(missing)[0]} is missing; it was written by another version")
    return table.assign(**{name: _alphabetic(column) for name, column in table.items() if column.dtype == "category"})


def _alphabetic(names: pd.Series) -> pd.Categorical:
    """Names as categories in alphabetic order: pandas sorts by theirs, and bytes and draws of documents by that."""
    return pd.Categorical(names, categories=sorted(names.unique()))


def _arrow(table: pd.DataFrame) -> pa.Table:
    """Names as dictionaries, counts in 32 bits: small files."""
    types = {"tokens": pa.int32(), "predicted_tokens": pa.int32(), "members": pa.int32(), "loss_sum_nats": pa.float64()}
    fields = [(column, types.get(column, pa.dictionary(pa.int32(), pa.string()))) for column in table]
    table = table.assign(**{column: _alphabetic(table[column]) for column in table if column not in types})
    return pa.Table.from_pandas(table, schema=pa.schema(fields), preserve_index=False).replace_schema_metadata(None)
