"""Students by r, their passes over U unique real tokens, in curves on which r alone changes.

A curve is one student, stream, G, U and share h of real tokens. [assumed] Of a curve's learning rates and weight decays
the one with most values of r enters, of several the one of the lowest loss: the best of a search at each r would favour
values of r at which more was tried. Students of a token budget, of a synthetic stream alone and of masked attention
have another recipe and do not enter. Losses are those that choices are made by: on tuning documents where all have
them, else on the i.i.d. ones; so tables of candidates can be added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluation.results import Results, read_results
from workflow_scripts.scaling.bootstrap import mean_losses, seed_spread

CURVE = ["student", "stream", "generations", "real_tokens", "mixing_ratio"]
TUNED = ["lr", "weight_decay"]
TABLE = [*CURVE, *TUNED, "real_epochs", "run_id"]
CANDIDATE_LOSS = "tuning_loss_nats"


@dataclass(frozen=True)
class RepetitionRuns:
    """table: a row per setting of `curve`, real_epochs, share (h), parameters, loss_nats, seeds; all: how many tried.

    seed_sd: standard deviation of one student's loss over seeds, nats; 0 where it is not known.
    """

    table: pd.DataFrame
    all: int
    seed_sd: float
    measured_on: str

    def of(self, rows: pd.DataFrame) -> "RepetitionRuns":
        """The same with some of its rows."""
        return RepetitionRuns(rows.reset_index(drop=True), self.all, self.seed_sd, self.measured_on)


def read_runs(*paths: str | Path) -> RepetitionRuns:
    """Runs of packs (folders) and tables of candidates (CSV). Raises UserError where there are none, or no pack."""
    folders = [path for path in paths if Path(path).suffix != ".csv"]
    tables = [read_candidates(path) for path in paths if Path(path).suffix == ".csv"]
    if not folders:
        raise UserError("no pack among the results: give a folder with students.csv beside tables of candidates")
    runs = repetition_runs(read_results(*folders), tables)
    if runs.table.empty:
        raise UserError(f"{', '.join(map(str, paths))}: no student with passes over real text, which the law is of")
    return runs


def read_candidates(path: str | Path) -> pd.DataFrame:
    """A table of `tuning.candidates`. Raises UserError for a missing file or column."""
    if not Path(path).is_file():
        raise UserError(f"{path}: no such file; the rule list_candidates writes it")
    table = pd.read_csv(path)
    if missing := [column for column in (*TABLE, CANDIDATE_LOSS) if column not in table]:
        raise UserError(f"{path}: column {missing[0]} is missing; it should be a table of candidates")
    return table


def repetition_runs(results: Results, candidates: Sequence[pd.DataFrame] = ()) -> RepetitionRuns:
    """All runs that enter. Candidates that the pack has, too, count once."""
    name = "tuning" if _all_have(results, "tuning") else "validation"
    own, sizes = results.students, results.students.groupby("student")["parameters"].first()
    usual = (own["budget_tokens"] == 0) & ~own["alone"].astype(bool) & own["cross_document_attention"].astype(bool)
    own = own[usual].assign(loss_nats=own["run_id"].map(mean_losses(results.losses, "run_id", name)))
    more = [table.rename(columns={CANDIDATE_LOSS: "loss_nats"}) for table in candidates if len(table)]
    columns = [*TABLE, "loss_nats"]
    tables = [t[columns] for t in (own, *more) if len(t)] or [own[columns]]
    table = pd.concat(tables, ignore_index=True).drop_duplicates("run_id")
    settings = table.groupby([*CURVE, *TUNED, "real_epochs"], as_index=False).agg(
        loss_nats=("loss_nats", "mean"), seeds=("run_id", "size")
    )
    kept = settings[settings["mixing_ratio"] < 1]
    kept = kept.assign(share=1 - kept["mixing_ratio"], parameters=kept["student"].map(sizes))
    spread = float(np.median(seed_spread(results, name, 1001))) if len(table) else 0.0
    return RepetitionRuns(_one_recipe_each(kept), len(settings), spread, name)


def _all_have(results: Results, name: str) -> bool:
    return set(results.students["run_id"]) <= set(results.losses.loc[results.losses["set"] == name, "run_id"])


def _one_recipe_each(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the recipe of each curve, with `curve`, its number."""
    found = []
    for _, own in table.groupby(CURVE):
        counts = (
            own.groupby(TUNED)["loss_nats"].agg(["size", "min"]).sort_values(["size", "min"], ascending=[False, True])
        )
        chosen = own[(own[TUNED] == counts.index[0]).all(axis=1)].sort_values("real_epochs")
        found.append(chosen.assign(curve=len(found)))
    return pd.concat(found, ignore_index=True) if found else table.assign(curve=0)


def curve_name(row: pd.Series) -> str:
    """`real, U 32.8k`, `simple G8, U 16.4k, h 0.25`; the student is said by who shows several."""
    text = f"{row['stream']} G{row['generations']}" if row["mixing_ratio"] else row["stream"]
    text += f", U {row['real_tokens'] / 1000:.4g}k"
    return text + (f", h {row['share']:.3g}" if row["mixing_ratio"] else "")
