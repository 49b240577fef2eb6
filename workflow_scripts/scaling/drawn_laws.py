"""Many laws A / x^B + C at once, as arrays [laws, (A, B, C)]: losses, their inverse, and bands of what is drawn."""

import numpy as np

from workflow_scripts.scaling.bootstrap import band
from workflow_scripts.scaling.limits import USABLE


def losses_at(laws: np.ndarray, size: float) -> np.ndarray:
    """[laws] losses at a size, which is in the unit of the laws."""
    a, b, c = laws.T
    return a / size**b + c


def sizes_at(laws: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """[laws, losses] sizes at which laws reach losses; NaN at or below a law's limit and where it is too flat."""
    a, b, c = laws.T[:, :, None]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        found = (a / (losses - c)) ** (1 / b)
        return np.where((losses > c) & np.isfinite(found), found, np.nan)


def ends(draws: np.ndarray, share: float) -> list[float] | None:
    """Band of the draws that are numbers; None where too few are."""
    usable = draws[np.isfinite(draws)]
    return list(band(usable, share)) if len(usable) and len(usable) >= USABLE * len(draws) else None


def plain(value: float) -> float | None:
    """A number as JSON has it; None where there is none."""
    return float(value) if np.isfinite(value) else None
