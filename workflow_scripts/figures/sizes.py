"""How sizes are shown: amounts in words, a logarithmic axis of them, a colour for each from light to dark."""

import math
from collections.abc import Sequence
from itertools import cycle

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from workflow_scripts.figures.style import Look

MARKERS = "osD^v<>P"
CLOSE = 0.1


def amount(value: float) -> str:
    """200M, 1.54B, 32.8k."""
    for unit, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:g}"


def size_axis(axes: Axes, values: Sequence[float], label: str) -> None:
    """Logarithmic x axis with a tick at each value, in words; of values that are close together at the first."""
    shown = apart(sorted(set(values)))
    axes.set_xscale("log")
    axes.set_xticks(shown, [amount(value) for value in shown])
    axes.minorticks_off()
    axes.set_xlabel(label)


def apart(values: Sequence[float]) -> list[float]:
    """Ascending values without those that are less than CLOSE of their logarithmic range above the last one kept."""
    kept = list(values[:1])
    for value in values[1:]:
        if math.log(value / kept[-1]) >= CLOSE * math.log(values[-1] / values[0]):
            kept.append(value)
    return kept


def looks_of(labels: Sequence[str]) -> list[Look]:
    """A look per size, ascending: colours from light to dark that the colour-blind and grey prints keep apart."""
    steps = [0.75 * (1 - i / max(len(labels) - 1, 1)) for i in range(len(labels))]
    colours = [to_hex(colour) for colour in plt.get_cmap("viridis")(steps)]
    return [Look(*looks) for looks in zip(colours, cycle(MARKERS), labels, strict=False)]
