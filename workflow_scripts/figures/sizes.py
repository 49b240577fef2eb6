"""How sizes are shown: amounts in words, a logarithmic axis of them, a colour for each from light to dark."""

from collections.abc import Sequence
from itertools import cycle

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from workflow_scripts.figures.style import Look

MARKERS = "osD^v<>P"


def amount(value: float) -> str:
    """200M, 1.54B, 32.8k."""
    for unit, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:g}"


def size_axis(axes: Axes, values: Sequence[float], label: str) -> None:
    """Logarithmic x axis with a tick at each value, in words."""
    axes.set_xscale("log")
    axes.set_xticks(sorted(set(values)), [amount(value) for value in sorted(set(values))])
    axes.minorticks_off()
    axes.set_xlabel(label)


def looks_of(labels: Sequence[str]) -> list[Look]:
    """A look per size, ascending: colours from light to dark that the colour-blind and grey prints keep apart."""
    steps = [0.75 * (1 - i / max(len(labels) - 1, 1)) for i in range(len(labels))]
    colours = [to_hex(colour) for colour in plt.get_cmap("viridis")(steps)]
    return [Look(*looks) for looks in zip(colours, cycle(MARKERS), labels, strict=False)]
