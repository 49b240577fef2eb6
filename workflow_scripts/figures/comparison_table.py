"""The comparison as one table: what every arm is made of, how it was trained, what it gains and what it costs.

Written as CSV with all columns, and as Markdown: three tables of the same rows. Arms that a scale leaves out have a row
with the reason. `controls`: what an arm can be compared with, told by steps and tokens.
"""

import argparse
from pathlib import Path

import pandas as pd

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import atomic_path, write_text
from workflow_scripts.config.comparison import SIMPLE
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Config
from workflow_scripts.evaluation.arm_table import ORACLE, REPETITION
from workflow_scripts.figures.comparison_cells import HEADS, PARTS, cells_of
from workflow_scripts.figures.frame import SOURCES

CLOSE = 0.05  # [assumed] share by which equal tokens or steps may differ


def controls_of(arm: pd.Series, rows: pd.DataFrame) -> str:
    """Controls of an arm: at the same steps of training, at the same synthetic tokens, with fresh text."""
    base, simple = rows.loc[REPETITION], rows.loc[SIMPLE]
    found = {
        "repetition, equal steps": arm.name != REPETITION and _close(arm["steps"], base["steps"]),
        "repetition, other steps": arm.name != REPETITION and not _close(arm["steps"], base["steps"]),
        "simple, equal tokens": arm.name != SIMPLE and _close(arm["synthetic_tokens"], simple["synthetic_tokens"]),
        "oracle": arm.name != ORACLE,
    }
    return "; ".join(text for text, true in found.items() if true)


def table_of(rows: pd.DataFrame, sets: pd.DataFrame, left_out: dict[str, str]) -> pd.DataFrame:
    """comparison.csv with losses on every set as `loss <set>`, with controls, and a row per arm that is left out."""
    own = rows.set_index("arm", drop=False)
    losses = sets.pivot(index="arm", columns="set", values="loss_nats").add_prefix("loss ")
    own = own.join(losses).assign(controls=[controls_of(arm, own) for _, arm in own.iterrows()], left_out_because="")
    absent = pd.DataFrame([{"arm": name, "title": name, "left_out_because": why} for name, why in left_out.items()])
    return pd.concat([own, absent], ignore_index=True) if left_out else own.reset_index(drop=True)


def markdown(table: pd.DataFrame, band: float, about: str) -> str:
    """Three tables with a head each, arms that are left out in the last."""
    arms, absent = table[table["left_out_because"] == ""], table[table["left_out_because"] != ""]
    cells = [cells_of(row, band) for _, row in arms.iterrows()]
    lines = ["# All methods on one protocol", "", about, ""]
    lines += (
        [f"Tokens of natural text, whose first part all arms share: SHA-256 `{digest}`.", ""]
        if (digest := _digest(arms))
        else []
    )
    for head, columns in PARTS.items():
        lines += [f"## {head}", "", *_grid([HEADS[name] for name in columns], [[c[n] for n in columns] for c in cells])]
    if len(absent):
        lines += ["## Left out", "", *_grid(["arm", "why"], absent[["arm", "left_out_because"]].to_numpy().tolist())]
    return "\n".join(lines)


def _digest(arms: pd.DataFrame) -> str:
    """Hash of the natural stream that all arms share; empty where the pack has none."""
    found = arms.loc[arms["arm"] == REPETITION, "tokens_sha256"].iloc[0]
    return found if isinstance(found, str) else ""


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= CLOSE * max(one, other)


def _grid(heads: list[str], rows: list[list[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return [f"| {' | '.join(str(cell).replace('|', '/') for cell in line)} |" for line in lines] + [""]


def main(arguments: argparse.Namespace) -> None:
    """Write both files."""
    config = parse_settings(Config, arguments.config)
    scale, output = config.scales[config.scale], Path(arguments.output)
    rows, sets = pd.read_csv(arguments.arms, dtype={"paper": str}), pd.read_csv(arguments.sets)
    table = table_of(rows, sets, scale.comparison.left_out)
    with atomic_path(output.with_suffix(".csv")) as temporary:
        table.to_csv(temporary, index=False)
    about = f"Scale {config.scale}: {SOURCES[config.runs.source]}. Losses in nats per token, i.i.d. unless said; bands "
    about += f"are {scale.analysis.band:.0%} bootstrap over documents and seeds."
    write_text(output, markdown(table, scale.analysis.band, about))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="JSON of the whole config")
    parser.add_argument("--arms", required=True, help="comparison.csv, a row per arm")
    parser.add_argument("--sets", required=True, help="a row per arm and validation set (CSV)")
    parser.add_argument("--output", required=True, help="Markdown; CSV is written beside it")
    run_command(main, parser)
