"""What figures draw: a row per setting (students that differ in their seed alone) with its loss and band."""

from collections.abc import Sequence

import pandas as pd

from workflow_scripts.common.errors import UserError
from workflow_scripts.figures.frame import Inputs
from workflow_scripts.scaling.bootstrap import Setting, band, mean_losses, settings_of

IID, TUNING = "validation", "tuning"
KEY = ("stream", "generations", "real_tokens", "real_epochs", "mixing_ratio", "lr", "weight_decay")
KEY += ("student", "cross_document_attention", "alone", "budget_tokens", "batch_sequences", "context")
MAIN = "generation_scaling"
PAIRED = (
    "Bands: {share} bootstrap of the difference to real documents alone, over documents, the same ones for both, and "
    "over seeds where some students have several."
)
CHOSEN = "Circled: the best student of its stream and G, chosen on the tuning documents where there are some."
ABSOLUTE = "Bands: {share} bootstrap over documents, and over seeds where some students have several."


def settings(inputs: Inputs, study: str, name: str = IID) -> list[Setting]:
    """Settings of a study on a validation set. Raises UserError when no student was evaluated on it."""
    own = inputs.study(study)
    measured = set(own.losses.loc[own.losses["set"] == name, "run_id"])
    if not measured:
        raise UserError(
            f"{', '.join(inputs.folders)}: no student of the study {study} was evaluated on the set {name}; evaluate "
            "them on it, or leave the figure out with a reason in the scale's left_out"
        )
    return settings_of(own.of_students(measured), name, inputs.analysis.bootstrap_draws, KEY)


def points(inputs: Inputs, study: str, name: str = IID, reference: Setting | None = None) -> pd.DataFrame:
    """A row per setting: KEY, set, seeds, documents, loss_nats, low, high, tuning_nats.

    tuning_nats is the loss that choices are made by: on the tuning documents; where a student of the study has none
    such, on the reported i.i.d. ones, as in the paper.

    With a reference, low and high are a band of the difference to it, put around the setting's loss: what all
    students share (hard documents) is left out.
    """
    found, tried = settings(inputs, study, name), _tuning_losses(inputs, study)
    rows = [
        {"set": name, **s.key, "seeds": s.seeds, "documents": s.documents, "loss_nats": s.loss,
         **dict(zip(("low", "high"), _band(s, reference, inputs.analysis.band), strict=True))}
        for s in found
    ]  # fmt: skip
    table = pd.DataFrame(rows).merge(tried, on=list(KEY), how="left")
    return table.sort_values(list(KEY), ignore_index=True)


def best(rows: pd.DataFrame, by: Sequence[str] = ("stream", "generations")) -> pd.DataFrame:
    """The row of each group with the lowest `tuning_nats`."""
    return rows.loc[_best_index(rows, by)].reset_index(drop=True)


def circled(rows: pd.DataFrame, by: Sequence[str] = ("stream", "generations")) -> pd.DataFrame:
    """The rows with a column `circled`: whether a row is the best of its group."""
    return rows.assign(circled=rows.index.isin(_best_index(rows, by)))


def real_only(inputs: Inputs, name: str = IID) -> Setting:
    """The real-only student at the scale's D, tuned. Raises UserError without one."""
    rows = points(inputs, MAIN, name)
    rows = rows[(rows["stream"] == "real") & (rows["real_tokens"] == inputs.real_tokens)]
    if rows.empty:
        raise UserError(
            f"{', '.join(inputs.folders)}: no real-only student with {inputs.real_tokens} real tokens, the level that "
            "this figure compares with; the study generation_scaling has it"
        )
    chosen = best(rows, ["stream"]).iloc[0]
    return next(s for s in settings(inputs, MAIN, name) if all(s.key[column] == chosen[column] for column in KEY))


def with_real_only(inputs: Inputs, name: str = IID) -> pd.DataFrame:
    """The tuned students of every stream and G at the scale's D, and the real-only one (G = 0), with paired bands."""
    rows = points(inputs, MAIN, name, real_only(inputs, name))
    found = best(rows[rows["real_tokens"] == inputs.real_tokens])
    if set(found["stream"]) == {"real"}:
        raise UserError(f"{', '.join(inputs.folders)}: no student on synthetic data in the study {MAIN}; train one")
    return found


def level(rows: pd.DataFrame) -> pd.Series:
    """The real-only row."""
    return rows[rows["stream"] == "real"].iloc[0]


def _best_index(rows: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    return rows.groupby(list(by), sort=True)["tuning_nats"].idxmin()


def _band(setting: Setting, reference: Setting | None, share: float) -> tuple[float, float]:
    draws = setting.draws - reference.draws + reference.loss if reference else setting.draws
    return band(draws, share)


def _tuning_losses(inputs: Inputs, study: str) -> pd.DataFrame:
    """Mean loss of every setting of a study on what choices are made by."""
    own = inputs.study(study)
    on_tuning = own.losses.loc[own.losses["set"] == TUNING, "run_id"]
    chosen_on = TUNING if set(own.students["run_id"]) <= set(on_tuning) else IID
    losses = mean_losses(own.losses, "run_id", chosen_on).rename("tuning_nats")
    students = own.students.merge(losses, left_on="run_id", right_index=True, how="left")
    return students.groupby(list(KEY), as_index=False)["tuning_nats"].mean()
