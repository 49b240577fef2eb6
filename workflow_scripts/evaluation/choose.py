"""The search for hyper-parameters: every candidate's loss on the tuning documents, and the best per setting.

The chosen rows have the form of results/shipped/hyperparameters.csv. The reported validation set is not looked at
(unless corpus.tuning_fraction is 0, as at the paper's scale, where the authors chose on it).
"""

import argparse
from pathlib import Path

import pandas as pd

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import atomic_path
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Config
from workflow_scripts.config.runs import Hyperparameters, expand_tuning
from workflow_scripts.evaluation.collect import document_table, loss_table

SETTING = ["student", "stream", "generations", "real_tokens"]
CHOICE = ["real_epochs", "mixing_ratio", "lr", "weight_decay"]


def candidates(losses: pd.DataFrame, chosen_on: str) -> pd.DataFrame:
    """A row per candidate with its loss on the tuning set, best first within each setting."""
    rows = losses[losses["set"] == chosen_on].rename(columns={"loss_nats": "tuning_loss_nats"})
    columns = [*SETTING, *CHOICE, "seed", "tuning_loss_nats", "steps", "run_id"]
    return rows[columns].sort_values([*SETTING, "tuning_loss_nats", "run_id"]).reset_index(drop=True)


def best(table: pd.DataFrame, scale: str) -> pd.DataFrame:
    """The best candidate per setting, as rows of the table of tuned values."""
    rows = table.groupby(SETTING, sort=False).head(1).assign(scale=scale)
    counts = table.groupby(SETTING, sort=False)["run_id"].transform("count")
    rows["origin"] = (
        "best of " + counts[rows.index].astype(str) + " candidates on the tuning documents (snakemake tuning)"
    )
    return rows[list(Hyperparameters.model_fields)]


def main(arguments: argparse.Namespace) -> None:
    """Write candidates and chosen rows."""
    config, folder = parse_settings(Config, arguments.config), Path(arguments.folder)
    runs = expand_tuning(config)
    chosen_on = "tuning" if config.scales[config.scale].corpus.tuning_fraction else "validation"
    table = candidates(loss_table(folder, runs, document_table(folder, runs)), chosen_on)
    for path, rows in ((arguments.candidates, table), (arguments.chosen, best(table, config.scale))):
        with atomic_path(path) as temporary:
            rows.to_csv(temporary, index=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON of the whole config")
    parser.add_argument("--folder", required=True, help="folder of the scale's results")
    parser.add_argument("--candidates", required=True, help="every candidate with its tuning loss (CSV)")
    parser.add_argument("--chosen", required=True, help="best candidate per setting (CSV)")
    run_command(main, parser)
