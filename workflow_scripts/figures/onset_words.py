"""What a figure of passes over real text says in words: how well the law fits, and whether one onset is enough."""

import numpy as np
import pandas as pd

from workflow_scripts.scaling.drawn_laws import ends
from workflow_scripts.scaling.onset import Onsets
from workflow_scripts.scaling.repetition_fit import r_squared

SYMBOLS = {"real_tokens": "U", "share": "h"}


def law_in_words(rows: pd.DataFrame) -> str:
    """Runs that enter and the share of their variance that the law explains."""
    own = rows[rows["enters"]]
    if own["law_nats"].isna().any():
        return f"{len(own)} runs are too few for the law."
    quality = r_squared(own["law_nats"] - own["loss_nats"], own["loss_nats"])
    return f"The law is of {len(own)} of {len(rows)} runs, R² {quality:.2f}."


def onset_in_words(name: str, found: Onsets | None, reason: str, share: float) -> str:
    """The shared onset, how much worse it is than separate ones, and how it moves with U and h."""
    if found is None:
        return f"Onsets, {name}: not identified, {reason}."
    text = f"Onset, {name}: r = {found.shared[0]:.1f}{_band(found.shared, share)}; "
    text += f"with one onset residuals are {found.ratio:.2f} times those with separate ones (p {_chance(found)})"
    moved = [f"{drawn[0]:+.2f}{_band(drawn, share)} by ln {SYMBOLS[by]}" for by, drawn in found.moved.items()]
    return text + (f"; ln onset moves {' and '.join(moved)}." if moved else ".").replace("-", "−")


def _band(drawn: np.ndarray, share: float) -> str:
    found = ends(drawn[1:], share)
    return f" [{found[0]:.2g}, {found[1]:.2g}]" if found else ""


def _chance(found: Onsets) -> str:
    return f"{found.p_value:.2g}" if found.p_value >= 1e-4 else "< 0.0001"
