"""Reads the authors' losses from their public tracker projects and writes them as a pack and as a table.

python -m workflow_scripts.audit.published        writes results/published, which fills the claims' published column

The tracker keeps one mean loss per run and set: bands cover seeds, of which some runs have three, and no documents.
"""

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from workflow_scripts.audit.tracker import (
    EVALUATION,
    TRAINING,
    TrackedRun,
    checkpoints_of,
    open_tracker,
    tracked_runs,
)
from workflow_scripts.audit.tracker_runs import NotOurs, row_of, tracked_of, with_studies
from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_path
from workflow_scripts.config.load import read_config
from workflow_scripts.config.models import Config
from workflow_scripts.config.runs import Run
from workflow_scripts.config.sizes import parameter_counts
from workflow_scripts.config.studies import expand_runs
from workflow_scripts.evaluation.results import Results, empty, group_of, write_results
from workflow_scripts.evaluation.tables import COLUMNS

ONE = {"doc_id": "all", "tokens": 1, "predicted_tokens": 1}  # a mean loss is one document of one token
SEVERAL_SEEDS = {"ordering", "ensembles", "baseline_ensembles"}


def rows_of(runs: Iterable[TrackedRun], config: Config) -> tuple[dict[str, tuple[TrackedRun, Run]], Counter]:
    """Tracked trainings with their row of our run table, by the tracker's name; and why others have none."""
    own, found, left_out = {run.run_id: run for run in expand_runs(config)}, {}, Counter()
    for run in runs:
        try:
            row = row_of(tracked_of(run.config), config)
        except NotOurs as reason:
            left_out[str(reason)] += 1
            continue
        found[run.name] = run, with_studies(row, own, SEVERAL_SEEDS)
    return found, left_out


def results_of(found: dict[str, tuple[TrackedRun, Run]], evaluations: Iterable[TrackedRun], config: Config) -> Results:
    """A pack: students, their final losses, and losses of evaluations of the same checkpoints, which come first."""
    losses, ensembles = [], []
    for evaluation in evaluations:
        names = checkpoints_of(evaluation.config)
        if not names or any(name not in found for name in names):
            continue
        run_id = found[names[0]][1].run_id
        if len(names) == 1:
            losses += _losses(evaluation, run_id=run_id)
        else:
            ensembles += _losses(evaluation, ensemble=group_of(run_id), members=len(names))
    for run, row in found.values():
        losses += _losses(run, run_id=row.run_id)
    students = pd.DataFrame([_student(row, config) for _, row in found.values()], columns=COLUMNS["students"])
    return Results(
        students.drop_duplicates("run_id"),
        pd.DataFrame(losses, columns=COLUMNS["losses"]).drop_duplicates(["run_id", "set"]),
        pd.DataFrame(ensembles, columns=COLUMNS["ensembles"]).drop_duplicates(["ensemble", "members", "set"]),
        empty("downstream"),
    )


def loss_table(results: Results) -> pd.DataFrame:
    """A row per run and set, for a person."""
    losses = results.losses.rename(columns={"loss_sum_nats": "loss_nats"})[["run_id", "set", "loss_nats"]]
    return losses.merge(results.students[list(Run.model_fields)], on="run_id").sort_values(["run_id", "set"])


def _losses(run: TrackedRun, **key: object) -> list[dict]:
    return [key | ONE | {"set": name, "loss_sum_nats": loss} for name, loss in run.losses.items()]


def _student(row: Run, config: Config) -> dict:
    """A row of a pack; counts that the tracker's configuration does not give are missing."""
    counts = parameter_counts(config.students[row.student], config.scales["paper"].corpus.tokenizer.vocabulary_size)
    sizes = {"parameters": counts["total"], "non_embedding_parameters": counts["non_embedding"]}
    return (
        dict.fromkeys(COLUMNS["students"], float("nan"))
        | row.model_dump()
        | sizes
        | {"real_epochs_seen": row.real_epochs}
    )


def main(arguments: argparse.Namespace) -> None:
    """Fetch, map, write; say what was left out."""
    config = read_config(arguments.config).model_copy(update={"scale": "paper"})
    api, folder = open_tracker(), Path(arguments.folder)
    found, left_out = rows_of(tracked_runs(api, TRAINING), config)
    if not found:
        raise UserError(f"{TRAINING}: none of its {left_out.total()} finished runs is one of the paper's")
    results = results_of(found, tracked_runs(api, EVALUATION), config)
    write_results(folder, results)
    with atomic_path(folder / "losses.csv") as temporary:
        loss_table(results).to_csv(temporary, index=False)
    print(f"{len(results.students)} students, {len(results.losses)} losses: {folder / 'losses.csv'}")
    for reason, count in left_out.most_common():
        print(f"{count} runs left out: {reason}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="config.yaml", help="default: %(default)s")
    parser.add_argument("--folder", default="results/published", help="default: %(default)s")
    run_command(main, parser)
