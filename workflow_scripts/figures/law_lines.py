"""A law drawn: its points with bars, its curve, its limit as a dotted line with its band, and the text for its end."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.figures.style import Look
from workflow_scripts.scaling.bootstrap import Setting, band
from workflow_scripts.scaling.limits import Limit

End = tuple[float, float, tuple[str, str]]  # x, y, (text, colour): what marks.label_ends takes
LAST = {"x": np.inf}


@dataclass(frozen=True)
class LawLine:
    """One law: rows of its points (x, loss_nats, low, high) and of its limit (x infinite)."""

    style: Look
    rows: pd.DataFrame
    limit: Limit

    @property
    def points(self) -> pd.DataFrame:
        """Rows of the points."""
        return self.rows[np.isfinite(self.rows["x"])].sort_values("x")


def line_of(style: Look, x: Sequence[float], settings: Sequence[Setting], limit: Limit, share: float) -> LawLine:
    """The line of settings, one per x."""
    bands = [band(s.draws, share) for s in settings]
    rows = [
        {"series": style.label, "x": size, "loss_nats": s.loss, "low": low, "high": high, "seeds": s.seeds,
         "documents": s.documents, "status": "measured"}
        for size, s, (low, high) in zip(x, settings, bands, strict=True)
    ]  # fmt: skip
    return LawLine(style, pd.DataFrame([*rows, {"series": style.label} | LAST | limit.record()]), limit)


def line_of_limits(style: Look, x: Sequence[float], limits: Sequence[Limit], limit: Limit) -> LawLine:
    """The line of limits that are identified, one per x, and their own limit."""
    kept = [(size, found.record()) for size, found in zip(x, limits, strict=True) if found.identified]
    rows = [{"series": style.label, "x": size} | record | {"status": "a limit"} for size, record in kept]
    return LawLine(style, pd.DataFrame([*rows, {"series": style.label} | LAST | limit.record()]), limit)


def draw_law(axes: Axes, line: LawLine, unit: float = 1, reach: float = 1, bare: bool = False) -> End | None:
    """Draw it; the curve goes to `reach` times the largest x, in `unit`s of the fit. `bare`: without its limit.

    Returns where its label goes; None where nothing is drawn.
    """
    own, style, limit = line.points, line.style, line.limit
    if own.empty:
        return None
    axes.vlines(own["x"], own["low"], own["high"], color=style.colour, alpha=0.5, linewidth=1)
    axes.plot(own["x"], own["loss_nats"], style.marker, color=style.colour, markerfacecolor=style.face, markersize=4.5,
              linestyle="none" if limit.fitted else style.dash, linewidth=1)  # fmt: skip
    end = own.iloc[-1]["x"], own.iloc[-1]["loss_nats"]
    if limit.fitted:
        fine = np.geomspace(own["x"].iloc[0], reach * end[0], 200)
        axes.plot(fine, limit.loss(fine / unit), color=style.colour, linewidth=1.2, linestyle=style.dash)
        end = fine[-1], limit.loss(fine[-1] / unit)
    if bare:
        return *end, (style.label, style.colour)
    if not limit.identified:
        return *end, (f"{style.label}: limit not identified", style.colour)
    axes.axhline(limit.C, color=style.colour, linewidth=0.9, linestyle=":")
    axes.axhspan(limit.low, limit.high, color=style.colour, alpha=0.1, linewidth=0)
    return end[0], limit.C, (f"{style.label} → {limit.C:.3f} [{limit.low:.3f}, {limit.high:.3f}]", style.colour)


def draw_laws(axes: Axes, lines: Sequence[LawLine], unit: float = 1, reach: float = 1, bare: bool = False) -> list[End]:
    """Draw several; returns where their labels go."""
    ends = [draw_law(axes, line, unit, reach, bare) for line in lines]
    return [end for end in ends if end]
