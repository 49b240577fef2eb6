"""Draw the workflow's rule graph (from `snakemake --rulegraph dot` on standard input) as a picture."""

import argparse
import re
import sys

import networkx as nx
import pandas as pd

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_path
from workflow_scripts.figures.style import plt

NOT_DRAWN = {"all", "build_environment", "fetch_package"}  # they hang on nearly everything


def rule_graph(dot: str) -> nx.DiGraph:
    """Graph of rule names from Snakemake's dot text, without edges that follow from others."""
    names = dict(re.findall(r'(\d+)\[label = "(\w+)', dot))
    graph = nx.DiGraph((names[a], names[b]) for a, b in re.findall(r"(\d+) -> (\d+)", dot))
    if not graph:
        raise UserError("no rules on standard input; pipe `snakemake --rulegraph dot --forceall` into this command")
    graph.remove_nodes_from(NOT_DRAWN)
    return nx.transitive_reduction(graph)


def places(graph: nx.DiGraph) -> pd.DataFrame:
    """Column (x) and height (y) of each rule: a column per generation of the graph, ordered by what they depend on."""
    height: dict[str, float] = {}
    rows = []
    for column, rules in enumerate(nx.topological_generations(graph)):
        pull = {r: sum(height[p] for p in graph.pred[r]) / max(1, len(graph.pred[r])) for r in rules}
        for i, rule in enumerate(sorted(rules, key=lambda r: (pull[r], r))):
            height[rule] = i - (len(rules) - 1) / 2
            rows.append({"rule": rule, "x": column, "y": height[rule] + 0.25 * (column % 2)})
    return pd.DataFrame(rows).set_index("rule")


def main(arguments: argparse.Namespace) -> None:
    """Read, lay out, draw."""
    graph = rule_graph(sys.stdin.read())
    at = places(graph)
    figure, axes = plt.subplots(figsize=(1.55 * (at["x"].max() + 1), 0.8 * (at["y"].max() - at["y"].min() + 1.5)))
    box = {"boxstyle": "round,pad=0.35", "facecolor": "#E8F1FA", "edgecolor": "#0072B2", "linewidth": 0.8}
    arrow = {"arrowstyle": "-|>", "color": "#888888", "shrinkA": 26, "shrinkB": 26, "linewidth": 0.8}
    for start, end in graph.edges:
        axes.annotate("", xy=at.loc[end], xytext=at.loc[start], arrowprops=arrow)
    for rule, (x, y) in at.iterrows():
        axes.text(x, y, rule.replace("_", "\n"), ha="center", va="center", fontsize=7.5, bbox=box)
    axes.set_xlim(-0.5, at["x"].max() + 0.5)
    axes.set_ylim(at["y"].min() - 0.7, at["y"].max() + 0.7)
    axes.axis("off")
    with atomic_path(arguments.output) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", required=True, help="picture (SVG)")
    run_command(main, parser)
