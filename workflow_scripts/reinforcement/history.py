"""The course of a generator's training as rows of `rewards.csv`: every measure, in training and on held-out slices."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from workflow_scripts.common.files import write_text
from workflow_scripts.common.tables import csv_text

COLUMNS = ("set", "step", "split", "measure", "mean", "sd", "n", "excluded")
HELD_OUT = "held_out"  # key of the trainer's history
MEASURES = {"kl": "kl", "entropy": "entropy", "completions/mean_length": "completion_tokens"}


def summary(step: int, measures: dict[str, np.ndarray]) -> list[dict]:
    """Rows of held-out measures float64 [answers]; NaN is left out and counted."""
    rows = []
    for name, values in measures.items():
        known = values[~np.isnan(values)]
        mean, sd = (float(known.mean()), float(known.std())) if len(known) else (None, None)
        own = {"measure": name, "mean": mean, "sd": sd, "n": len(known), "excluded": len(values) - len(known)}
        rows.append({"step": step, "split": "held_out", **own})
    return rows


def training_rows(entry: dict, rewards: Iterable[str], completions: int) -> list[dict]:
    """Rows of one step of the trainer's history, which tells means and deviations; none of another entry."""
    if "reward" not in entry:
        return []
    found = {"total": (entry["reward"], entry["reward_std"])}
    found |= {name: (entry[f"rewards/{name}/mean"], entry[f"rewards/{name}/std"]) for name in rewards}
    found |= {ours: (entry[theirs], None) for theirs, ours in MEASURES.items() if theirs in entry}
    given = {"step": entry["step"], "split": "training", "n": completions, "excluded": None}
    return [given | {"measure": name, "mean": mean, "sd": sd} for name, (mean, sd) in found.items()]


def rows_of(history: list[dict], rewards: Iterable[str], completions: int) -> list[dict]:
    """All rows of a training, by step."""
    rows = [row for entry in history for row in training_rows(entry, rewards, completions)]
    rows += [row for entry in history for row in entry.get(HELD_OUT, [])]
    return sorted(rows, key=lambda row: (row["step"], row["split"], row["measure"]))


def write_history(path: str | Path, name: str, rows: list[dict]) -> None:
    """Write the rows of the generator of a set."""
    write_text(path, csv_text(({"set": name, **row} for row in rows), COLUMNS))
