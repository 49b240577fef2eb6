"""Time and memory per stage, from Snakemake's benchmark files; printed as a table and written as CSV."""

import argparse
import csv
import io
from pathlib import Path

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import write_text

COLUMNS = ["stage", "jobs", "seconds", "longest_seconds", "max_memory_mib"]


def job_times(path: Path) -> tuple[float, float]:
    """Seconds and largest memory (MiB; 0 where it was too short to be measured) of the last run of a job."""
    with open(path, newline="", encoding="utf-8") as handle:
        *_, last = csv.DictReader(handle, delimiter="\t")
    memory = last["max_rss"]
    return float(last["s"]), float(memory) if memory.replace(".", "", 1).isdigit() else 0.0


def stage_times(folder: Path) -> list[dict]:
    """A row per stage, the longest first: jobs, seconds in all, seconds and memory (MiB) of the largest job."""
    jobs: dict[str, list[tuple[float, float]]] = {}
    for path in sorted(folder.rglob("*.tsv")):
        jobs.setdefault(path.relative_to(folder).parts[0].removesuffix(".tsv"), []).append(job_times(path))
    rows = []
    for stage, found in jobs.items():
        seconds, memory = zip(*found, strict=True)
        values = [stage, len(found), round(sum(seconds), 2), max(seconds), max(memory)]
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return sorted(rows, key=lambda row: -row["seconds"])


def main(arguments: argparse.Namespace) -> None:
    """Print and write the table."""
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(stage_times(Path(arguments.benchmarks)))
    write_text(arguments.output, table.getvalue())
    print(table.getvalue())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benchmarks", required=True, help="folder of benchmark files")
    parser.add_argument("--output", required=True, help="table (CSV)")
    run_command(main, parser)
