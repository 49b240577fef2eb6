"""Loss on i.i.d. documents against generations per document, for each method."""

from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.marks import IID_LOSS, methods_against_generations
from workflow_scripts.figures.points import PAIRED, with_real_only
from workflow_scripts.figures.style import panels


def draw(inputs: Inputs) -> Drawn:
    """Tuned students at the scale's D."""
    rows = with_real_only(inputs)
    figure, (axes,) = panels()
    axes.set_ylabel(IID_LOSS)
    methods_against_generations(axes, rows)
    return Drawn(figure, rows, PAIRED)


if __name__ == "__main__":
    figure_command("generation_scaling", draw, __doc__)
