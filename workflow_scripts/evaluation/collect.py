"""Collect the students of a study into two tables: a row per run and set, and a row per run, set and document."""

import argparse
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_path, read_json
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Config
from workflow_scripts.config.runs import Run
from workflow_scripts.config.studies import MAIN, expand_runs, needed_by


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


def document_table(folder: Path, runs: Iterable[Run]) -> pd.DataFrame:
    """Per run, set and document: predicted tokens and summed loss in nats."""
    tables = [
        pd.read_parquet(folder / "evaluations" / f"{run.run_id}.parquet").assign(run_id=run.run_id) for run in runs
    ]
    return pd.concat([with_halves(table) for table in tables], ignore_index=True)


def loss_table(folder: Path, runs: list[Run], documents: pd.DataFrame) -> pd.DataFrame:
    """Per run and set: the run's row, what it saw, mean loss in nats per token and number of documents."""
    groups = documents.groupby(["run_id", "set"], sort=True)
    losses = groups.agg(
        documents=("doc_id", "count"),
        predicted_tokens=("predicted_tokens", "sum"),
        loss_sum_nats=("loss_sum_nats", "sum"),
    ).reset_index()
    losses["loss_nats"] = losses["loss_sum_nats"] / losses["predicted_tokens"]
    rows = pd.DataFrame([{**run.model_dump(), **seen_by(folder, run)} for run in runs])
    return rows.merge(losses.drop(columns="loss_sum_nats"), on="run_id")


def seen_by(folder: Path, run: Run) -> dict:
    """Counts and training loss of a run, from its metrics."""
    metrics = read_json(folder / "runs" / run.run_id / "metrics.json")
    kept = (
        "steps",
        "tokens",
        "real_epochs_seen",
        "synthetic_epochs_seen",
        "synthetic_stream_tokens",
        "train_loss_nats",
    )
    return {f"trained_{key}" if key == "tokens" else key: metrics.get(key, 0) for key in kept}


def require_finite(folder: Path, runs: Iterable[Run]) -> None:
    """Raise UserError for a student whose loss diverged: its numbers belong into no table."""
    for run in runs:
        path = folder / "runs" / run.run_id / "metrics.json"
        if step := read_json(path).get("diverged_at_step"):
            raise UserError(
                f"{path}: this student diverged at step {step:,}; lower its lr from {run.lr} ({run.origin})"
            )


def main(arguments: argparse.Namespace) -> None:
    """Write both tables."""
    folder = Path(arguments.folder)
    runs = needed_by(expand_runs(parse_settings(Config, arguments.config)), arguments.study)
    require_finite(folder, runs)
    documents = document_table(folder, runs)
    with atomic_path(arguments.documents) as temporary:
        documents.to_parquet(temporary, index=False)
    with atomic_path(arguments.losses) as temporary:
        loss_table(folder, runs, documents).to_csv(temporary, index=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON of the whole config")
    parser.add_argument("--study", default=MAIN, help="name of a study (default: %(default)s)")
    parser.add_argument("--folder", required=True, help="folder of the scale's results")
    parser.add_argument("--losses", required=True, help="a row per run and validation set (CSV)")
    parser.add_argument("--documents", required=True, help="a row per run, set and document (Parquet)")
    run_command(main, parser)
