"""Time and memory per stage, from Snakemake's benchmark files; printed as a table and written as CSV."""

import argparse
from pathlib import Path

import pandas as pd

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import atomic_path


def stage_times(folder: Path) -> pd.DataFrame:
    """A row per stage: jobs, seconds in all, seconds of the longest job, largest memory (MiB) of one job."""
    rows = []
    for path in sorted(folder.rglob("*.tsv")):
        found = pd.read_csv(path, sep="\t").iloc[-1]
        stage = path.relative_to(folder).parts[0].removesuffix(".tsv")
        rows.append({"stage": stage, "seconds": float(found["s"]), "memory": pd.to_numeric(found["max_rss"], "coerce")})
    stages = pd.DataFrame(rows, columns=["stage", "seconds", "memory"]).groupby("stage")
    return stages.agg(
        jobs=("seconds", "count"),
        seconds=("seconds", "sum"),
        longest_seconds=("seconds", "max"),
        max_memory_mib=("memory", "max"),
    ).reset_index()


def main(arguments: argparse.Namespace) -> None:
    """Print and write the table."""
    table = stage_times(Path(arguments.benchmarks)).sort_values("seconds", ascending=False)
    print(table.to_string(index=False, float_format="%.1f"))
    with atomic_path(arguments.output) as temporary:
        table.to_csv(temporary, index=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benchmarks", required=True, help="folder of benchmark files")
    parser.add_argument("--output", required=True, help="table (CSV)")
    run_command(main, parser)
