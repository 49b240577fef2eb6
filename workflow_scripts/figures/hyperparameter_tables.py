"""Optimal hyper-parameters: a table per method with a column per G, and whether each column is certified."""

import argparse
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_path, write_text
from workflow_scripts.config.studies import AXES
from workflow_scripts.evaluation.results import Results, read_results
from workflow_scripts.figures.frame import SOURCES
from workflow_scripts.tuning.certificate import Certificate, read_certificate

STUDY = "generation_scaling"
METHODS = {"simple": "Simple rephrases", "stitched": "Stitched megadocs", "latent": "Latent thoughts"}
ROWS = {"real_epochs": "real epochs", "mixing_ratio": "mixing ratio", "lr": "learning rate"}
ROWS |= {"weight_decay": "weight decay", "certified": "certified"}
SETTING = ["stream", "generations", "real_tokens", "student"]
UNKNOWN = "not tested"


def tuned_rows(results: Results, certificates: Iterable[Certificate], real_tokens: int) -> pd.DataFrame:
    """A row per stream and G at D: values, where they come from, and the verdict of their certificate.

    Raises UserError where the packs have none.
    """
    students = results.of_study(STUDY).students
    own = students[students["real_tokens"] == real_tokens].drop_duplicates([*SETTING, *AXES])
    if own.empty:
        raise UserError(f"the packs have no student of the study {STUDY} with {real_tokens} real tokens")
    verdicts = {_identity(found.centre.model_dump()): found.verdict for found in certificates}
    rows = own[[*SETTING, *AXES, "origin"]].sort_values(SETTING, ignore_index=True)
    return rows.assign(certified=[verdicts.get(_identity(row), UNKNOWN) for row in rows.to_dict("records")])


def _identity(row: dict) -> tuple:
    return tuple(row[column] for column in (*SETTING, *AXES))


def table_lines(rows: pd.DataFrame, title: str) -> list[str]:
    """Markdown lines of one method's table: hyper-parameters down, G across."""
    head = [title, *(f"G = {count}" for count in rows["generations"])]
    lines = [_line(head), _line(["---"] + ["---:"] * len(rows))]
    return lines + [_line([label, *map(_cell, rows[name])]) for name, label in ROWS.items()]


def document(rows: pd.DataFrame, scale: str, source: str) -> str:
    """The three tables, and the values of real documents alone in a sentence."""
    blocks = [
        ["# Optimal hyper-parameters", "", f"Scale {scale}: {SOURCES[source]}. Columns: generations per document."]
    ]
    blocks += [table_lines(rows[rows["stream"] == s], t) for s, t in METHODS.items() if s in set(rows["stream"])]
    real = rows[rows["stream"] == "real"].to_dict("records")
    blocks += [[f"Real documents alone: {_sentence(row)}."] for row in real]
    blocks += [["Certified: no student one step away along an axis of the grid is better; "
                "`snakemake tuning` tests it."]]  # fmt: skip
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(value: object) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _sentence(row: dict) -> str:
    return ", ".join(f"{label} {_cell(row[name])}" for name, label in ROWS.items() if name != "mixing_ratio")


def main(arguments: argparse.Namespace) -> None:
    """Write both files, the Markdown last."""
    found = [read_certificate(Path(path)) for path in arguments.certificates]
    rows = tuned_rows(read_results(*arguments.results), found, arguments.real_tokens)
    output = Path(arguments.output)
    with atomic_path(output.with_suffix(".csv")) as temporary:
        rows.to_csv(temporary, index=False)
    write_text(output, document(rows, arguments.scale, arguments.source))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", nargs="+", required=True, help="pack of the study generation_scaling")
    parser.add_argument("--certificates", nargs="*", default=[], help="certificates of the search that there are")
    parser.add_argument("--real-tokens", type=int, required=True, help="the scale's unique real tokens D")
    parser.add_argument("--scale", required=True, help="name of the scale")
    parser.add_argument("--source", required=True, choices=SOURCES, help="where the results come from")
    parser.add_argument("--output", required=True, help="Markdown; a CSV is written beside it")
    run_command(main, parser)
