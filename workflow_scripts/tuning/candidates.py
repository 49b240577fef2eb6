"""List every candidate of the search with its loss, best first per student, stream, G and real tokens."""

import argparse
from pathlib import Path

import pandas as pd

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import atomic_path, read_json
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Config
from workflow_scripts.config.studies import AXES
from workflow_scripts.tuning.losses import chosen_on, mean_loss
from workflow_scripts.tuning.neighbourhood import expand_tuning

SETTING = ["student", "stream", "generations", "real_tokens"]


def candidates(config: Config, folder: Path) -> pd.DataFrame:
    """A row per candidate. Raises UserError when one has no evaluation."""
    rows = [
        {
            **run.model_dump(),
            "tuning_loss_nats": mean_loss(folder, run, chosen_on(config)),
            "steps": read_json(folder / "runs" / run.run_id / "metrics.json")["steps"],
        }
        for run in expand_tuning(config)
        if not run.natural  # those of the comparison have a table of their own
    ]
    columns = [*SETTING, *AXES, "seed", "tuning_loss_nats", "steps", "run_id"]
    return pd.DataFrame(rows)[columns].sort_values([*SETTING, "tuning_loss_nats", "run_id"])


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    table = candidates(parse_settings(Config, arguments.config), Path(arguments.folder))
    with atomic_path(arguments.output) as temporary:
        table.to_csv(temporary, index=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON of the whole config")
    parser.add_argument("--folder", required=True, help="folder of the scale's results")
    parser.add_argument("--output", required=True, help="a row per candidate (CSV)")
    run_command(main, parser)
