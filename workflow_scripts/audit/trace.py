"""Print how a figure's numbers hang together: figure -> CSV row -> students -> streams -> shards -> prompts, documents.

Where all methods were compared: ... -> streams of arms -> streams of methods -> a method's texts -> documents.

snakemake trace generation_scaling
python -m workflow_scripts.audit.trace generation_scaling --results results/laptop
python -m workflow_scripts.audit.trace generation_scaling --results results/shipped/replication --row 2
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

from workflow_scripts.audit.lineage import lineage, short
from workflow_scripts.audit.manifest import read_manifests
from workflow_scripts.audit.measured import mean_loss, measured, students_of_arm, students_of_row, task_row
from workflow_scripts.audit.synpro_trace import synpro_nodes
from workflow_scripts.audit.tree import Node, draw
from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import sha256
from workflow_scripts.evaluation.arms import read_arms
from workflow_scripts.evaluation.results import Results, read_results
from workflow_scripts.figures.catalogue import COMPARISON_PACK, FIGURES, SYNPRO_PACK, THEORY


def trace(figure: str, folder: Path, row: int | None = None) -> list[str]:
    """Lines of the tree. Raises UserError for an unknown figure or row and for a file that is missing."""
    if figure not in FIGURES:
        raise UserError(f"{figure}: no such figure; they are {', '.join(FIGURES)}")
    path = folder / "figures" / f"{figure}.csv"
    if not path.exists():
        raise UserError(f"{path}: no such file; `snakemake {figure}` draws the figure of a scale and writes it")
    table = pd.read_csv(path)
    if row is not None and not 2 <= row <= len(table) + 1:
        raise UserError(f"--row {row}: {path} has the rows 2 to {len(table) + 1}, as an editor counts them")
    head = f"{path}: {len(table)} rows, sha256 {short(sha256(path))}"
    title = [f"{figure}: {FIGURES[figure].title}", head]
    if SYNPRO_PACK in FIGURES[figure].studies:
        return list(draw(synpro_nodes(figure, title, folder), "figure"))
    if THEORY in FIGURES[figure].studies:
        return [*title, "simulated: no student has these values"]
    studies = FIGURES[figure].studies
    results = read_results(*packs(folder, studies))
    find = partial(students_of_row, results=results)
    if COMPARISON_PACK in studies and "arm" in table:
        arms = read_arms(*packs(folder, studies)).arms
        find = partial(students_of_arm, results=results, arms=arms, corpus=folder.name)
    nodes = lineage(read_manifests(folder)) if len(results.students) else {}
    numbers = [row - 2] if row else range(len(table))
    rows = {f"row {number}": row_node(table.iloc[number], number, results, nodes, find) for number in numbers}
    nodes |= {key: node for node, own in rows.values() for key, node in own.items()}
    nodes |= {name: node for name, (node, _) in rows.items()}
    nodes["figure"] = Node(title, list(rows))
    return list(draw(nodes, "figure"))


def packs(folder: Path, studies: tuple[str, ...]) -> list[Path]:
    """Where the measurements behind a figure are: in a shipped folder, or in those of the figure's studies."""
    if COMPARISON_PACK in studies:
        shipped = folder / COMPARISON_PACK
        return [shipped if (shipped / "students.csv").exists() else folder / "tables" / COMPARISON_PACK]
    if (folder / "students.csv").exists():
        return [folder]
    return [folder / "tables/studies" / study for study in studies]


def row_node(
    row: pd.Series, number: int, results: Results, nodes: dict, students_of: Callable[[pd.Series], pd.DataFrame]
) -> tuple[Node, dict[str, Node]]:
    """A row of the CSV with the students that it is made of, and for each of them what was measured of it."""
    values = [
        f"{name}={value:.6g}" if isinstance(value, float) else f"{name}={value}" for name, value in row.dropna().items()
    ]
    students, row = students_of(row), task_row(row, results)
    lines = [f"row {number + 2}: {', '.join(values)}"]
    own = {}
    for student in students["run_id"]:
        if f"student {student}" not in nodes:
            raise UserError(f"{student}: its manifest is missing; `snakemake manifests` writes those of all students")
        own[f"row {number} {student}"] = Node([measured(row, student, results)], [f"student {student}"])
    if own:
        lines.append(mean_loss(row, list(students["run_id"]), results))
    else:
        lines.append("drawn from a fit, an illustration or another corpus: no student here has these values")
    return Node(lines, list(own)), own


def main(arguments: argparse.Namespace) -> None:
    """Print the trees of some figures."""
    for figure in arguments.figures:
        print(*trace(figure, Path(arguments.results), arguments.row), "", sep="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", nargs="+", metavar="FIGURE", help=f"one of {', '.join(FIGURES)}")
    parser.add_argument("--results", required=True, help="folder of results, of one's own or shipped")
    parser.add_argument("--row", type=int, help="one row of the figure's CSV, as an editor counts (default: all)")
    run_command(main, parser)
