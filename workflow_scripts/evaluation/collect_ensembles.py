"""Collect all ensembles of a scale into one table: a row per ensemble, number of members and validation set."""

import argparse
from pathlib import Path

import pandas as pd

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import atomic_path
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Config
from workflow_scripts.config.runs import Run
from workflow_scripts.config.studies import ensembles_of, expand_runs
from workflow_scripts.evaluation.collect import with_halves

SHARED = ["stream", "generations", "student", "real_tokens", "real_epochs", "mixing_ratio", "lr", "weight_decay"]


def ensemble_losses(name: str, members: list[Run], documents: pd.DataFrame) -> pd.DataFrame:
    """Mean loss in nats per token of the first 1, 2 .. members together on every set.

    `documents`: set, members, doc_id, tokens, predicted_tokens, loss_sum_nats.
    """
    counted = [with_halves(group).assign(members=count) for count, group in documents.groupby("members", sort=True)]
    groups = pd.concat(counted, ignore_index=True).groupby(["members", "set"], sort=True)
    sums = groups[["predicted_tokens", "loss_sum_nats"]].sum().reset_index()
    row = members[0].model_dump(include=set(SHARED))
    losses = sums.assign(ensemble=name, loss_nats=sums["loss_sum_nats"] / sums["predicted_tokens"], **row)
    return losses[["ensemble", *SHARED, "members", "set", "loss_nats", "predicted_tokens"]]


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    config, folder = parse_settings(Config, arguments.config), Path(arguments.folder) / "evaluations/ensembles"
    ensembles = ensembles_of(expand_runs(config), config.scales[config.scale])
    tables = [ensemble_losses(n, runs, pd.read_parquet(folder / f"{n}.parquet")) for n, runs in ensembles.items()]
    with atomic_path(arguments.output) as temporary:
        pd.concat(tables, ignore_index=True).to_csv(temporary, index=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON of the whole config")
    parser.add_argument("--folder", required=True, help="folder of the scale's results")
    parser.add_argument("--output", required=True, help="CSV")
    run_command(main, parser)
