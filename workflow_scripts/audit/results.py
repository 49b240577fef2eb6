"""The results as a table for a README: loss and data efficiency of every stream, written and never typed."""

import argparse
import csv
from collections.abc import Iterator

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import read_json, write_text
from workflow_scripts.config.studies import MAIN

Row = dict[str, str]
NAMES = {
    "real": "real only",
    "simple": "simple rephrases",
    "stitched": "stitched megadocs",
    "latent": "latent thoughts",
}
HEAD = ["stream", "G", "real tokens", "real epochs", "i.i.d. loss, nats", "data efficiency"]


def setting_of(row: dict) -> tuple[str, int, int]:
    """(stream, G, real tokens) of a row of any table."""
    return row["stream"], int(row["generations"]), int(row["real_tokens"])


def table_lines(summary: list[Row], runs: list[Row], efficiencies: list[dict], real_tokens: int) -> Iterator[str]:
    """Markdown lines: the students of D = `real_tokens`, ordered by G; real-only students of other D at the end."""
    tuned = (run for run in runs if MAIN in run["studies"].split())  # other studies have other epochs
    epochs = {setting_of(run): run["real_epochs"] for run in tuned}
    found = {setting_of(record): record for record in efficiencies}
    rows = [row for row in summary if row["set"] == "validation"]
    yield from ("| " + " | ".join(HEAD) + " |", "|---" * len(HEAD) + "|")
    for row in sorted(rows, key=lambda row: (int(row["real_tokens"]) != real_tokens, int(row["generations"]))):
        stream, generations, tokens = setting = setting_of(row)
        loss = f"{float(row['loss_nats']):.3f} [{float(row['low']):.3f}, {float(row['high']):.3f}]"
        cells = [NAMES.get(stream, stream), str(generations), f"{tokens:,}", epochs[setting], loss]
        yield "| " + " | ".join([*cells, efficiency_text(found.get(setting))]) + " |"


def efficiency_text(record: dict | None) -> str:
    """Value with its band, or why there is none."""
    if record is None or record["efficiency"] is None:
        return record["status"] if record else "law not identified"
    if record["low"] == record["high"]:
        return f"{record['efficiency']:.3g}"
    return f"{record['efficiency']:.2f} [{record['low']:.2f}, {record['high']:.2f}]"


def read_table(path: str) -> list[Row]:
    """Rows of a CSV file."""
    with open(path, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def main(arguments: argparse.Namespace) -> None:
    """Write the table and what its bands cover."""
    summary, analysis = read_table(arguments.summary), read_json(arguments.analysis)
    lines = table_lines(summary, read_table(arguments.runs), analysis["efficiencies"], arguments.real_tokens)
    documents = {int(row["documents"]) for row in summary if row["set"] == "validation"}
    note = f"Seeds: {analysis['seeds']}; validation documents: {max(documents):,}; "
    note += f"bands: {analysis['band']:.0%} of bootstrap draws."
    write_text(arguments.output, "\n".join([*lines, "", note]) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--summary", required=True, help="loss and band per setting and set (CSV)")
    parser.add_argument("--analysis", required=True, help="law and data efficiencies (JSON)")
    parser.add_argument("--runs", required=True, help="the run table (CSV)")
    parser.add_argument("--real-tokens", type=int, required=True, help="D of the synthetic runs")
    parser.add_argument("--output", required=True, help="table (Markdown)")
    run_command(main, parser)
