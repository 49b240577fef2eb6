"""What a scale costs, before anything is submitted: plan.csv with a row per job, and plan.md, which is also printed."""

import argparse
import csv
import io
from collections.abc import Iterable
from pathlib import Path

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import write_text
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Config
from workflow_scripts.planning.comparison import comparison_work
from workflow_scripts.planning.measured import hours_so_far, utilisation_of
from workflow_scripts.planning.summary import Plan, summary
from workflow_scripts.planning.synpro_work import synpro_work
from workflow_scripts.planning.text_work import text_work
from workflow_scripts.planning.work import Work, all_runs, evaluation_work, training_work

COLUMNS = ["kind", "name", "studies", "student", "steps", "tokens", "flops"]
COLUMNS += ["device_hours", "gpus", "hours", "disk_gb", "state"]


def make_plan(config: Config, results: str | Path, checkpoints: str | Path | None = None, tuning: bool = False) -> Plan:
    """All work of the selected scale, with what is done in `results`."""
    results, runs = Path(results), all_runs(config, tuning)
    utilisation, origin = utilisation_of(config.scales[config.scale].compute, results)
    work = [
        *training_work(config, runs, results, utilisation),
        *evaluation_work(config, runs, results),
        *text_work(config, runs, results),
        *synpro_work(config, results),
        *comparison_work(config, results),
    ]
    return Plan(config, work, utilisation, origin, hours_so_far(config, results, checkpoints)[0], tuning)


def table(work: Iterable[Work]) -> str:
    """CSV, a row per job."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for piece in work:
        numbers = [f"{n:.4g}" for n in (piece.flops, piece.device_hours)]
        rest = [piece.gpus, f"{piece.hours:.4g}", f"{piece.disk_gb:.4g}", "done" if piece.done else "remaining"]
        counts = [piece.student, piece.steps, piece.tokens]
        writer.writerow([piece.kind, piece.name, " ".join(piece.studies), *counts, *numbers, *rest])
    return text.getvalue()


def main(arguments: argparse.Namespace) -> None:
    """Write and print the plan."""
    config = parse_settings(Config, arguments.config)
    plan = make_plan(config, arguments.results, arguments.checkpoints, arguments.tuning)
    text, folder = summary(plan), Path(arguments.output)
    write_text(folder / "plan.csv", table(plan.work))
    write_text(folder / "plan.md", text)
    print(text, end="")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON of the whole config")
    parser.add_argument("--results", required=True, help="folder of the scale's results; what is there is not planned")
    parser.add_argument("--checkpoints", help="folder of the trainings' checkpoints (default: beside the results)")
    parser.add_argument("--output", required=True, help="folder of plan.csv and plan.md")
    parser.add_argument("--tuning", action="store_true", help="with the students of the hyper-parameter search")
    run_command(main, parser)
