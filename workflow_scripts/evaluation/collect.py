"""Collect the students of a study, their losses, ensembles and downstream tasks into one pack."""

import argparse
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import read_json
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Config
from workflow_scripts.config.runs import Run
from workflow_scripts.config.studies import (
    EVERYTHING,
    METHODS,
    MIXTURES,
    ensembles_of,
    expand_runs,
    needed_by,
    replicated_runs,
)
from workflow_scripts.evaluation.results import Results, empty, with_halves, write_results
from workflow_scripts.evaluation.seed_noise import seed_noise
from workflow_scripts.tuning.neighbourhood import expand_tuning


def students_of(config: Config, study: str) -> list[Run]:
    """Rows of the run table that a pack is about; the search's are part of everything."""
    runs = expand_runs(config)
    if study == MIXTURES:
        return [run for run in runs if run.budget_tokens]
    if study not in (EVERYTHING, METHODS):
        return needed_by(runs, study)
    own = [run for run in [*expand_tuning(config), *runs] if not run.budget_tokens]
    return list({run.run_id: run for run in own if bool(run.natural) == (study == METHODS)}.values())


def student_table(folder: Path, runs: Iterable[Run]) -> pd.DataFrame:
    """A row per student: its row of the run table and what it saw."""
    return pd.DataFrame([run.model_dump() | seen_by(folder, run) for run in runs])


def seen_by(folder: Path, run: Run) -> dict:
    """Size, counts and training loss of a student, from its metrics."""
    metrics = read_json(folder / "runs" / run.run_id / "metrics.json")
    kept = ("steps", "real_epochs_seen", "synthetic_epochs_seen", "synthetic_stream_tokens", "train_loss_nats")
    sizes = metrics["parameters"]
    return {key: metrics.get(key, 0) for key in kept} | {
        "trained_tokens": metrics["tokens"],
        "parameters": sizes["total"],
        "non_embedding_parameters": sizes["non_embedding"],
    }


def loss_table(folder: Path, runs: Iterable[Run]) -> pd.DataFrame:
    """Per student, set and document: tokens, predicted tokens and summed loss in nats."""
    tables = [
        with_halves(pd.read_parquet(folder / "evaluations" / f"{run.run_id}.parquet")).assign(run_id=run.run_id)
        for run in runs
    ]
    return pd.concat(tables, ignore_index=True)


def ensemble_table(folder: Path, names: Iterable[str]) -> pd.DataFrame:
    """Per ensemble, number of members, set and document: the same."""
    tables = [
        with_halves(group).assign(ensemble=name)
        for name in names
        for _, group in pd.read_parquet(folder / "evaluations/ensembles" / f"{name}.parquet").groupby("members")
    ]
    return pd.concat(tables, ignore_index=True) if tables else empty("ensembles")


def downstream_table(folder: Path, runs: Iterable[Run]) -> pd.DataFrame:
    """A row per student and task, for the students that have been asked."""
    paths = [folder / "downstream" / f"{run.run_id}.json" for run in runs]
    rows = [row for path in paths if path.exists() for row in read_json(path)["tasks"]]
    return pd.DataFrame(rows) if rows else empty("downstream")


def require_finite(folder: Path, runs: Iterable[Run]) -> None:
    """Raise UserError for a student whose loss diverged: its numbers belong into no table."""
    for run in runs:
        path = folder / "runs" / run.run_id / "metrics.json"
        if step := read_json(path).get("diverged_at_step"):
            raise UserError(
                f"{path}: this student diverged at step {step:,}; lower its lr from {run.lr} ({run.origin})"
            )


def collect(config: Config, study: str, folder: Path) -> Results:
    """The pack of a study. Raises UserError when one of its students diverged."""
    runs = students_of(config, study)
    if study in (EVERYTHING, METHODS):
        runs = [run for run in runs if not _diverged_in_search(folder, run)]
    require_finite(folder, runs)
    groups = {run.group for run in runs}
    ensembles = [name for name in ensembles_of(expand_runs(config), config.scales[config.scale]) if name in groups]
    ensembles = ensembles if study == EVERYTHING or _has_ensembles(config, study) else []
    tables = loss_table(folder, runs), ensemble_table(folder, ensembles), downstream_table(folder, runs)
    seeds = replicated_runs(expand_runs(config), config.scales[config.scale], study)
    noise = seed_noise(loss_table(folder, seeds)) if seeds else empty("seed_noise")
    return Results(student_table(folder, runs), *tables, noise)


def _diverged_in_search(folder: Path, run: Run) -> bool:
    """Whether a student of the search alone diverged; such ones are not shipped, so they may have no metrics."""
    path = folder / "runs" / run.run_id / "metrics.json"
    return not run.studies and (not path.exists() or "diverged_at_step" in read_json(path))


def _has_ensembles(config: Config, study: str) -> bool:
    studies = config.scales[config.scale].studies
    return study in studies and studies[study].ensembles


def main(arguments: argparse.Namespace) -> None:
    """Write the pack."""
    config = parse_settings(Config, arguments.config)
    write_results(arguments.output, collect(config, arguments.study, Path(arguments.folder)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON of the whole config")
    parser.add_argument("--study", required=True, help=f"name of a study, {EVERYTHING}, {MIXTURES}, or {METHODS}")
    parser.add_argument("--folder", required=True, help="folder of the scale's results")
    parser.add_argument("--output", required=True, help="folder of the pack")
    run_command(main, parser)
