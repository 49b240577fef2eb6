"""Rows of SynPro's comparison (arXiv 2605.17849): losses, effective tokens and FLOPs of every arm."""

import numpy as np
import pandas as pd

from workflow_scripts.figures.frame import Inputs
from workflow_scripts.figures.mixture_notes import reasons
from workflow_scripts.figures.synpro_costs import generation_flops, training_flops
from workflow_scripts.figures.synpro_pack import ARMS, arms_of, parts_in
from workflow_scripts.scaling.effective_study import EffectiveStudy
from workflow_scripts.scaling.effective_tokens import effective_tokens
from workflow_scripts.scaling.law import NotIdentified


def rows_of(inputs: Inputs) -> pd.DataFrame:
    """A row per arm, numbered: best loss, ratio, FLOPs, and the loss at the tokens that all arms reach."""
    pack, order = inputs.results, list(arms_of(inputs.results, *ARMS)["pretraining"])
    rows = effective_tokens(pack, inputs.analysis)
    rows = rows[rows["role"].isin(ARMS)].sort_values("pretraining", key=lambda names: names.map(order.index))
    rows = rows.reset_index(drop=True).assign(number=range(1, len(rows) + 1), parts=parts_in(pack))
    costs = [(training_flops(pack, row["pretraining"], row["tokens"]), generation_flops(pack, row["pretraining"]))
             for _, row in rows.iterrows()]  # fmt: skip
    rows[["training_flops", "generation_flops"]] = costs
    rows["total_flops"] = rows["training_flops"] + rows["generation_flops"].fillna(0)
    return pd.concat([rows, at_equal_tokens(inputs, list(rows["pretraining"]))], axis=1)


def at_equal_tokens(inputs: Inputs, names: list[str]) -> pd.DataFrame:
    """equal_tokens, equal_loss_nats, equal_low, equal_high: the best loss up to the tokens that all arms reach."""
    study = EffectiveStudy(inputs.results, inputs.analysis)
    seeds = {name: _seeds(study, name) for name in names}
    budget = min(study.ends(name, seeds=own) for name, own in seeds.items() if own)
    rows = []
    for name, own in seeds.items():
        losses = study.best_until(name, own, np.array([budget]))[:, 0] if own else np.full(2, np.nan)
        rows.append((budget, losses[0], *study.band(losses[1:])))
    return pd.DataFrame(rows, columns=["equal_tokens", "equal_loss_nats", "equal_low", "equal_high"])


def _seeds(study: EffectiveStudy, name: str) -> tuple[int, ...]:
    try:
        return study.seeds(name)
    except NotIdentified:
        return ()


def not_counted(rows: pd.DataFrame) -> str:
    """Arms whose generation was not counted; nothing where all were."""
    missing = rows.loc[rows["generation_flops"].isna(), "title"]
    return f"FLOPs of generation are not known, and not counted, of {', '.join(missing)}." if len(missing) else ""


def no_ratio(rows: pd.DataFrame) -> str:
    """Which arms have no effective tokens over repetition's, and why; nothing where all have."""
    missing = rows[~np.isfinite(rows["ratio"])]
    return f"No ratio: {reasons(zip(missing['title'], missing['reason'], strict=True))}" if len(missing) else ""
