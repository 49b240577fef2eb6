"""Loss on each out-of-distribution set against generations per document."""

from workflow_scripts.common.errors import UserError
from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.points import IID, MAIN
from workflow_scripts.figures.sets import draw_sets

OF_TRAINING = {IID, "short", "long"}


def out_of_distribution_sets(inputs: Inputs) -> list[str]:
    """Validation sets of other sources, by name. Raises UserError when there is none."""
    found = [name for name in inputs.study(MAIN).sets if name not in OF_TRAINING]
    if not found:
        raise UserError(
            f"{', '.join(inputs.folders)}: no out-of-distribution set; config key "
            f"scales.{inputs.scale}.corpus.out_of_distribution lists them"
        )
    return found


def draw(inputs: Inputs) -> Drawn:
    """A panel per set."""
    return draw_sets(inputs, {name: name.replace("_", " ") for name in out_of_distribution_sets(inputs)})


if __name__ == "__main__":
    figure_command("out_of_distribution", draw, __doc__)
