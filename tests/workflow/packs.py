"""Hand-made packs: students whose losses are planted, written as the tables that figures and claims read."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.evaluation.results import Results, empty, with_halves, write_results
from workflow_scripts.evaluation.tables import COLUMNS

D = 1000  # the pack's real tokens
DOCUMENTS, TOKENS = 20, 11  # documents per set, tokens of each: 10 are predicted
USUAL = {
    "real_tokens": D, "real_epochs": 8, "mixing_ratio": 0.75, "lr": 0.003, "weight_decay": 0.4, "student": "1m",
    "cross_document_attention": True, "recipe": 1, "alone": False, "budget_tokens": 0,
    "batch_sequences": 0, "context": 0, "studies": "generation_scaling", "origin": "planted",
}  # fmt: skip


def student(stream: str, generations: int, loss: float, seed: int = 0, **changes: object) -> dict:
    """A student's row of `students` with `loss`, its mean loss on validation documents in nats per token.

    `changes`: other columns; `sets`: loss by further set; `accuracy`: accuracy by downstream task.
    """
    row = USUAL | ({"mixing_ratio": 0.0} if stream == "real" else {}) | changes
    sets = {"validation": loss, "tuning": loss} | row.pop("sets", {})
    accuracy = row.pop("accuracy", {})
    name = [stream, *(f"{row[key]}" for key in ("student", "real_tokens", "real_epochs", "mixing_ratio", "lr"))]
    name += [f"G{generations}", f"wd{row['weight_decay']}", "" if row["cross_document_attention"] else "masked"]
    run_id = "-".join([*name, "alone" if row["alone"] else "", f"s{seed}"])
    row |= {"run_id": run_id, "stream": stream, "generations": generations, "seed": seed}
    return row | {"sets": sets, "accuracy": accuracy}


def pack(students: Iterable[dict], spread: float = 0.3, ensembles: Iterable[dict] = ()) -> Results:
    """Results of students; `spread`: standard deviation over documents, the same documents being hard for all.

    ensembles: rows of `ensemble_of`.
    """
    students = _each_once(students)
    losses = [_losses({"run_id": row["run_id"]}, name, loss, spread) for row in students
              for name, loss in row["sets"].items()]  # fmt: skip
    joint = [_losses({k: row[k] for k in ("ensemble", "members")}, "validation", row["loss"], spread)
             for row in ensembles]  # fmt: skip
    documents = with_halves(pd.concat(losses, ignore_index=True))
    table = pd.DataFrame(students).drop(columns=["sets", "accuracy"]).reindex(columns=COLUMNS["students"])
    return Results(
        table.fillna({column: 1 for column in COLUMNS["students"] if column not in USUAL}),
        documents[COLUMNS["losses"]],
        pd.concat(joint, ignore_index=True)[COLUMNS["ensembles"]] if joint else empty("ensembles"),
        _downstream(students),
    )


def ensemble_of(member: dict, losses: Iterable[float]) -> list[dict]:
    """Ensembles of the first 1, 2 .. students like `member`, with these losses."""
    name = member["run_id"].rpartition("-s")[0]
    return [{"ensemble": name, "members": k, "loss": loss} for k, loss in enumerate(losses, start=1)]


def write_pack(folder: str | Path, *arguments, **options) -> Path:
    """`pack` as a folder."""
    write_results(folder, pack(*arguments, **options))
    return Path(folder)


def _each_once(students: Iterable[dict]) -> list[dict]:
    """A student that several studies need is one row; its losses are those given first."""
    found: dict[str, dict] = {}
    for row in students:
        known = found.setdefault(row["run_id"], row)
        names = dict.fromkeys([*known["studies"].split(), *row["studies"].split()])
        found[row["run_id"]] = known | {"studies": " ".join(names)}
    return list(found.values())


def _losses(key: dict, name: str, loss: float, spread: float) -> pd.DataFrame:
    """Losses of documents whose mean is `loss` exactly; later documents are longer, so that they have halves."""
    hard = np.linspace(-1, 1, DOCUMENTS) * spread
    ids = [f"{name}-{i:02}" for i in range(DOCUMENTS)]
    tokens = {"tokens": TOKENS + np.arange(DOCUMENTS), "predicted_tokens": TOKENS - 1}
    return pd.DataFrame({**key, "set": name, "doc_id": ids, **tokens, "loss_sum_nats": (loss + hard) * (TOKENS - 1)})


def _downstream(students: list[dict]) -> pd.DataFrame:
    rows = [
        {"run_id": row["run_id"], "task": task, "metric": "acc", "accuracy": value, "stderr": 0.01, "questions": 1000,
         "shots": 0, "split": "test", "harness_version": "0.4", "task_version": "1.0"}
        for row in students
        for task, value in row["accuracy"].items()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS["downstream"])
