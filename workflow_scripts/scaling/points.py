"""Points of a CSV that a law is fitted to, every value checked before anything is computed."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.scaling.forms import Columns, Form

ROLES = {"n": "parameters", "d": "trained tokens", "u": "unique tokens", "k": "ensemble members",
         "h": "share of the unique text among trained tokens"}  # fmt: skip
SIZES = 3  # different values that a floor, a factor and an exponent need


@dataclass(frozen=True)
class Points:
    """Sizes as logarithms by role, losses, and the line of the file that each point is in."""

    columns: Columns
    losses: np.ndarray
    lines: list[int]


def roles_of(form: Form, named: dict[str, str]) -> dict[str, str]:
    """Column names by the form's roles, of the columns named by option. Raises UserError for one too many or few."""
    if form.columns == ("x",):
        if len(named) != 1:
            given = " ".join(f"--{role}" for role in named) or "none"
            raise UserError(f"--form {form.name} has one size: give one of --n, --d, --k with its column, not {given}")
        return {"x": next(iter(named.values()))}
    for role in form.columns:
        if role not in named:
            raise UserError(f"--form {form.name} needs --{role} with the name of the column of {ROLES[role]}")
    for role, column in named.items():
        if role not in form.columns:
            needed = ", ".join(f"--{role}" for role in form.columns)
            raise UserError(f"--{role} {column}: --form {form.name} takes {needed} and --loss only; leave it out")
    return named


def read_points(path: str, roles: dict[str, str], loss: str) -> Points:
    """All rows of a CSV. Raises UserError naming file, line, column and value where one is not a positive number."""
    if not Path(path).is_file():
        raise UserError(f"{path}: there is no such file; give a CSV with a header to --data")
    with open(path, newline="", encoding="utf-8-sig", errors="replace") as handle:
        reader = csv.DictReader(handle)
        header = reader.fieldnames or []
        for column in (*roles.values(), loss):
            if header.count(column) != 1:
                raise UserError(f"{path}: {header.count(column)} columns are named '{column}'; it has {header}")
        rows = [(reader.line_num, row) for row in reader]
    lines = [line for line, _ in rows]
    values = {name: [_number(path, line, row, name) for line, row in rows] for name in (*roles.values(), loss)}
    columns = {role: np.log(np.array(values[column])) for role, column in roles.items()}
    return Points(columns, np.array(values[loss]), lines)


def _number(path: str, line: int, row: dict[str, str | None], column: str) -> float:
    text = row[column]
    try:
        value = float(text or "")
    except ValueError:
        raise UserError(
            f"{path}, line {line}, column '{column}': '{text or ''}' is not a number; correct it or remove the line"
        ) from None
    if not (math.isfinite(value) and value > 0):
        raise UserError(
            f"{path}, line {line}, column '{column}': {text} is not a positive number; correct it or remove the line"
        )
    return value


def require_enough(path: str, form: Form, points: Points, fixed: dict[str, float]) -> None:
    """Raise UserError when there are too few points, or too few different sizes, for the form's free parameters."""
    free, count = len(form.parameters) - len(fixed), len(points.losses)
    if count <= free:
        raise UserError(
            f"{path}: {count} points; {form.name} has {free} free parameters and needs at least {free + 1} points"
        )
    for role, logs in points.columns.items():
        sizes = len(np.unique(logs))
        if role not in ("u", "h") and not fixed and sizes < SIZES:
            name = "the size" if role == "x" else f"--{role}"
            raise UserError(
                f"{path}: {name} has {sizes} different values; an exponent with a floor needs at least {SIZES}"
            )
