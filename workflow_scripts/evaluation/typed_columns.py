"""Columns of text as their types, with an error that names the file, the column and the value."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluation.synpro_columns import REMEDY


def typed(path: Path, values: pd.Series, kind: str) -> np.ndarray:
    """A column of text [rows] as its type. Raises UserError with the file, the column and the value."""
    try:
        return np.array([TYPES[kind](value) for value in values], dtype=DTYPES[kind])
    except (ValueError, KeyError):
        wrong = next(value for value in values if not _fits(value, kind))
        raise UserError(f"{path}: column {values.name} has '{wrong}', which is no {kind}: {REMEDY}") from None


def _fits(value: str, kind: str) -> bool:
    try:
        TYPES[kind](value)
    except (ValueError, KeyError):
        return False
    return True


def _whole(value: str) -> int:
    if not float(value).is_integer():
        raise ValueError(value)
    return int(float(value))


TYPES: dict[str, Callable[[str], object]] = {
    "text": str,
    "whole number": _whole,
    "number": lambda value: float(value) if value else np.nan,
    "true or false": lambda value: {"true": True, "false": False, "1": True, "0": False}[value.lower()],
}
DTYPES = {"text": object, "whole number": np.int64, "number": float, "true or false": bool}
