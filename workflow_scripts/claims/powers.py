"""A / x^B + C for many draws of losses at once, x in any unit."""

import numpy as np

from workflow_scripts.scaling.law import BILLION, NotIdentified, fit_data_laws

PARAMETERS = {"A": 0, "B": 1, "C": 2}
USABLE = 0.9  # share of draws that must have a value, as in scaling/efficiency.py
FEWEST = 4


def power_laws(sizes: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """A, B and C of every row of losses [draws, points] at `sizes` [points]; NaN where the loss does not fall.

    Raises NotIdentified with fewer than 4 sizes.
    """
    if len(sizes) < FEWEST:
        raise NotIdentified(f"{len(sizes)} sizes; a law of three parameters needs at least {FEWEST}")
    return fit_data_laws(np.asarray(sizes) * BILLION, losses)  # which counts in billions: sizes keep their unit


def parameter_draws(sizes: np.ndarray, draws: np.ndarray, parameter: str) -> np.ndarray:
    """One parameter in every draw [draws, points] that has a law. Raises NotIdentified where too few have one."""
    found = power_laws(sizes, draws)[:, PARAMETERS[parameter]]
    if np.isfinite(found).mean() < USABLE:
        raise NotIdentified(f"no law in {np.isnan(found).mean():.0%} of draws")
    return found


def parameter_of(sizes: np.ndarray, losses: np.ndarray, parameter: str) -> float:
    """One parameter of losses [points]. Raises NotIdentified where they don't fall."""
    found = power_laws(sizes, losses[None])[0, PARAMETERS[parameter]]
    if np.isnan(found):
        raise NotIdentified("the loss does not fall with size")
    return float(found)
