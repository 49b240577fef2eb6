"""Names of the arms that a pack of the comparison has, read without what figures need: rules ask when they plan."""

import csv
from pathlib import Path

CONTROLS = ("repetition", "oracle")


def arm_names(folder: str | Path) -> list[str]:
    """Arms with synthetic text, as `arms.csv` lists them."""
    with open(Path(folder) / "arms.csv", encoding="utf-8", newline="") as table:
        return [row["arm"] for row in csv.DictReader(table) if row["arm"] not in CONTROLS]
