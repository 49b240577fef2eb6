"""Loss of every mixture against the student's size, each law checked on the largest (arXiv 2510.01631, section 4.1)."""

from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.mixture_data import draw_lines
from workflow_scripts.scaling.mixture_laws import MODEL


def draw(inputs: Inputs) -> Drawn:
    """Laws over non-embedding parameters at one budget."""
    return draw_lines(inputs, MODEL, "parameters, N")


if __name__ == "__main__":
    figure_command("mixture_size", draw, __doc__)
