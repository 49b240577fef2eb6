"""Rows of the figure of effective tokens (arXiv 2605.17849): each arm from where it leaves what it continues."""

import numpy as np
import pandas as pd

from workflow_scripts.evaluation.synpro_tables import SynProPack
from workflow_scripts.figures.frame import Inputs
from workflow_scripts.figures.synpro_pack import ARMS, ancestors, parts_in, seeds_of
from workflow_scripts.scaling.effective_tokens import effective_by_budget, effective_tokens


def rows_of(inputs: Inputs) -> pd.DataFrame:
    """A row per arm and budget, with seeds and parts; of what an arm continues, only what is no arm's own beginning.

    Without the law of unique text, rows are those of `effective_tokens`, an arm each, whose `reason` says why.
    """
    rows = effective_by_budget(inputs.results, inputs.analysis)
    rows = rows[rows["role"].isin(ARMS)]
    rows = pd.concat([_own(inputs.results, name, own) for name, own in rows.groupby("curve", sort=False)] or [rows])
    rows = rows.reset_index(drop=True)
    if not np.isfinite(rows["effective_tokens"]).any():
        rows = effective_tokens(inputs.results, inputs.analysis)
        return rows[rows["role"].isin(ARMS)].assign(parts=parts_in(inputs.results))
    return rows.assign(seeds=rows["curve"].map(seeds_of(inputs.results)), parts=parts_in(inputs.results))


def _own(pack: SynProPack, name: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of a curve from the end of the pretraining that all of it continues, which has a curve of its own."""
    chain = ancestors(pack, name)
    begin = pack.row(chain[-2])["start_tokens"] if len(chain) > 1 else 0
    before = rows.loc[rows["budget_tokens"] <= begin, "budget_tokens"].max()
    starts = [pack.row(each)["start_tokens"] for each in chain[:-1]]
    kept = rows[rows["budget_tokens"] >= (begin if np.isnan(before) else before)]
    nearest = [kept["budget_tokens"].sub(start).abs().idxmin() for start in starts if len(kept)]
    return kept.assign(joins=kept.index.isin(nearest))


def not_identified(rows: pd.DataFrame) -> str:
    """Which arms have no number at how many of their budgets; nothing where all have one."""
    missing = rows[~np.isfinite(rows["effective_tokens"])].groupby("title", sort=False).size()
    counts = rows.groupby("title").size()
    found = [f"{title} at {count} of {counts[title]} budgets" for title, count in missing.items()]
    return f"Not identified, and so not drawn: {', '.join(found)}." if found else ""
