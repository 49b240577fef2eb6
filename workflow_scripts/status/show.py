"""How far a scale is: students by study, those that run or failed, hours and files. One screen; it changes nothing.

Works beside a running workflow, with a cluster and without, on what trainings leave behind as they go.
"""

import argparse
import os
import shutil
import time

from workflow_scripts.common.errors import run_command
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Config
from workflow_scripts.status.screen import (
    PROBLEMS_SHOWN,
    RUNNING_SHOWN,
    failed_list,
    interrupted_list,
    running_list,
    study_table,
    table,
)
from workflow_scripts.status.situation import Situation, observe
from workflow_scripts.status.synpro import synpro_table
from workflow_scripts.status.totals import totals

WIDTH = 120  # where no terminal says another


def screen(seen: Situation, width: int, whole: bool = False) -> str:
    """The status as text; `whole`: with all students of each list."""
    students = seen.students.values()
    running, problems = (len(students), len(students)) if whole else (RUNNING_SHOWN, PROBLEMS_SHOWN)
    parts = [
        _heading(seen),
        study_table(seen.by_study()),
        synpro_table(seen.config, seen.results),
        running_list(students, seen.now, running),
        failed_list(students, width, problems),
        interrupted_list(students, problems),
        table(totals(seen), left=2),
        [f"note: {note}" for note in seen.notes],
    ]
    return "\n\n".join("\n".join(line.rstrip() for line in part) for part in parts if part)


def _heading(seen: Situation) -> list[str]:
    moment = time.strftime("%a %d %b %H:%M", time.localtime(seen.now))
    return [f"scale {seen.config.scale}, {moment}: results in {seen.results}, checkpoints in {seen.checkpoints}"]


def main(arguments: argparse.Namespace) -> None:
    """Print the screen."""
    config = parse_settings(Config, arguments.config)
    seen = observe(config, os.path.normpath(arguments.results), os.path.normpath(arguments.checkpoints))
    print(screen(seen, shutil.get_terminal_size((WIDTH, 0)).columns, arguments.all))


def build_parser() -> argparse.ArgumentParser:
    """Command line of the status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="JSON of the whole config")
    parser.add_argument("--results", required=True, help="folder of the scale's results, results/<scale>")
    parser.add_argument("--checkpoints", required=True, help="folder that holds each student's checkpoint folder")
    parser.add_argument("--all", action="store_true", help="list all students that run, failed or were interrupted")
    return parser


if __name__ == "__main__":
    run_command(main, build_parser())
