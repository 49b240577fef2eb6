"""Write the run table of a scale as CSV."""

import argparse

from workflow_scripts.common.errors import run_command
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Config
from workflow_scripts.config.runs import write_runs
from workflow_scripts.config.studies import expand_runs

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON of the whole config")
    parser.add_argument("--output", required=True, help="CSV, a row per student")
    run_command(lambda a: write_runs(a.output, expand_runs(parse_settings(Config, a.config))), parser)
