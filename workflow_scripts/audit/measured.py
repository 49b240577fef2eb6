"""Which students a row of a figure's CSV is made of, and the sums behind their losses."""

from math import isclose

import pandas as pd

from workflow_scripts.config.comparison_rows import COMPARISON
from workflow_scripts.evaluation.results import Results, group_of

KEYS = ("run_id", "student", "stream", "generations", "real_tokens", "real_epochs", "mixing_ratio", "lr")
KEYS += ("weight_decay", "cross_document_attention", "alone", "seed", "recipe")


def students_of_row(row: pd.Series, results: Results) -> pd.DataFrame:
    """Students that agree with a row in every hyper-parameter that it names; the members of a row's ensemble."""
    students = results.students
    keys = [key for key in KEYS if key in row.index and pd.notna(row[key])]
    if "ensemble" in row.index and pd.notna(row["ensemble"]):
        students, keys = students[students["run_id"].map(group_of) == row["ensemble"]], []
    elif not keys:
        return students.head(0)
    for key in keys:
        students = students[students[key] == row[key]]
    return students


def students_of_arm(row: pd.Series, results: Results, arms: pd.DataFrame, corpus: str) -> pd.DataFrame:
    """Tuned students of the row's arm: those of the comparison with its stream and its natural tokens.

    arms: a row per arm, as `ArmPack.arms`. The column of a row of ranks is a seed or a corpus: of others than `corpus`
    no student is here.
    """
    kind, _, seed = str(row.get("column", corpus)).partition(" ")
    arm, own = arms.loc[row["arm"]], results.of_study(COMPARISON).students
    own = own[(own["stream"] == arm["stream"]) & (own["real_tokens"] == arm["real_tokens"])]
    if kind == "seed":
        return own[own["seed"] == int(seed)]
    return own if kind == corpus else own.head(0)


def task_row(row: pd.Series, results: Results) -> pd.Series:
    """A row whose set is a downstream task says so."""
    return row.rename({"set": "task"}) if row.get("set") in set(results.downstream["task"]) else row


def losses_of(row: pd.Series, run_ids: list[str], results: Results) -> pd.DataFrame:
    """Per student its sums on the row's set (`validation` where it names none), and its loss in nats per token."""
    name = row["set"] if "set" in row.index and row["set"] in results.sets else "validation"
    own = results.losses[results.losses["run_id"].isin(run_ids) & (results.losses["set"] == name)]
    added = {"loss_sum_nats": "sum", "predicted_tokens": "sum", "doc_id": "count"}
    sums = own.groupby("run_id", observed=True).agg(added)
    return sums.assign(loss=sums["loss_sum_nats"] / sums["predicted_tokens"], set=name)


def mean_loss(row: pd.Series, run_ids: list[str], results: Results) -> str:
    """Mean over students, and which of the row's values it is."""
    loss = losses_of(row, run_ids, results)["loss"].mean()
    numbers = {key: value for key, value in row.items() if isinstance(value, float)}
    same = [key for key, value in numbers.items() if isclose(value, loss, rel_tol=1e-6)]
    return f"mean of {len(run_ids)}: {loss:.6g} nats per token" + "".join(f", the row's {key}" for key in same)


def measured(row: pd.Series, run_id: str, results: Results) -> str:
    """A student's loss on the row's set with its sums; or its accuracy in the row's task."""
    if "task" in row.index and row["task"] in set(results.downstream["task"]):
        found = results.downstream.query("run_id == @run_id and task == @row.task")
        return "; ".join(
            f"{r.metric} {r.accuracy:.4f} of {r.questions} questions of {r.task}" for r in found.itertuples()
        )
    for found in losses_of(row, [run_id], results).itertuples():
        sums = f"{found.loss_sum_nats:,.1f} nats / {found.predicted_tokens:,} tokens"
        return f"{found.loss:.4f} nats per token = {sums} of {found.doc_id} documents of {found.set}"
    return "no losses of it are in the pack"
