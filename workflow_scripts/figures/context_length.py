"""Loss on short and on long validation documents against generations per document; both axes span as many nats."""

from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.sets import draw_sets

TITLES = {"short": "Short documents", "long": "Long documents"}


def draw(inputs: Inputs) -> Drawn:
    """Short documents left, long ones right."""
    return draw_sets(inputs, TITLES, same_span=True)


if __name__ == "__main__":
    figure_command("context_length", draw, __doc__)
