"""Students that were measured elsewhere: a pack is taken apart into the files that evaluation would have written here.

So certificates, fits, figures and claims are made of shipped and of planted results by the same rules as of own ones.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_path, write_json
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Config
from workflow_scripts.config.studies import ensembles_of, expand_runs
from workflow_scripts.evaluation.results import Results, read_results
from workflow_scripts.evaluation.tables import FILES


def take_apart(results: Results, folder: Path, ensembles: Iterable[str] = ()) -> None:
    """Write evaluations, metrics and downstream tasks of every student, and the evaluations of ensembles.

    Raises UserError for one of `ensembles` that the pack lacks.
    """
    _write_losses(folder / "evaluations", results.losses, "run_id")
    _write_losses(folder / "evaluations/ensembles", results.ensembles, "ensemble")
    if missing := set(ensembles) - set(results.ensembles["ensemble"]):
        raise UserError(f"{FILES['ensembles']}: the ensemble {sorted(missing)[0]} is not shipped; set source=rerun")
    tasks = dict(list(results.downstream.groupby("run_id")))
    for row in results.students.to_dict("records"):
        write_json(folder / "downstream" / f"{row['run_id']}.json", {"tasks": _records(tasks.get(row["run_id"]))})
        write_json(folder / "runs" / row["run_id"] / "metrics.json", metrics_of(row))


def metrics_of(row: dict) -> dict:
    """What training notes of a student, from its row of a pack."""
    kept = ("steps", "real_epochs_seen", "synthetic_epochs_seen", "synthetic_stream_tokens", "train_loss_nats")
    sizes = {"total": row["parameters"], "non_embedding": row["non_embedding_parameters"]}
    return {key: row[key] for key in kept} | {"tokens": row["trained_tokens"], "parameters": sizes}


def _records(table: pd.DataFrame | None) -> list[dict]:
    return [] if table is None else table.to_dict("records")


def _write_losses(folder: Path, table: pd.DataFrame, column: str) -> None:
    """One file per student or ensemble."""
    for name, rows in table.groupby(column, observed=True):
        with atomic_path(folder / f"{name}.parquet") as temporary:
            pq.write_table(pa.Table.from_pandas(rows.drop(columns=column), preserve_index=False, nthreads=1), temporary)


def main(arguments: argparse.Namespace) -> None:
    """Take a shipped pack apart."""
    config = parse_settings(Config, arguments.config)
    ensembles = ensembles_of(expand_runs(config), config.scales[config.scale])
    take_apart(read_results(arguments.pack), Path(arguments.folder), ensembles)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="JSON of the whole config")
    parser.add_argument("--pack", required=True, help="folder of the pack")
    parser.add_argument("--folder", required=True, help="folder of the scale's results")
    run_command(main, parser)
