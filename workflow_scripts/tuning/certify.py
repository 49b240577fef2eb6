"""Certify one tuned row: all its neighbours are trained and evaluated and none is better; or which one to move to.

All students have the first seed, and are compared on the tuning documents (validation where there are none).
"""

import argparse
from pathlib import Path

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import write_text
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Config
from workflow_scripts.config.runs import Run
from workflow_scripts.config.studies import AXES
from workflow_scripts.tuning.certificate import CERTIFIED, Certificate, Neighbour, better_neighbour
from workflow_scripts.tuning.losses import chosen_on, mean_loss, seed_spread
from workflow_scripts.tuning.neighbourhood import axes_of, centres, neighbours, row_of, searched_axes


def certify(config: Config, centre: Run, folder: Path) -> Certificate:
    """Compare a centre with all its neighbours. Raises UserError when one of them has no evaluation."""
    name, grid = chosen_on(config), searched_axes(config, centre)
    loss, found = mean_loss(folder, centre, name), []
    for run in neighbours(config, centre):
        axis = next(axis for axis in AXES if getattr(run, axis) != getattr(centre, axis))
        own = mean_loss(folder, run, name)
        values = {"axis": axis, "value": getattr(run, axis), "loss_nats": own, "difference_nats": difference(own, loss)}
        found.append(Neighbour(run_id=run.run_id, **values))
    better = better_neighbour(found)
    margin, spread = min((each.difference_nats for each in found), default=None), seed_spread(config, folder)
    return Certificate(
        verdict=f"move to {better.run_id}" if better else CERTIFIED,
        run_id=centre.run_id,
        centre=row_of(config, centre),
        chosen_on=name,
        loss_nats=loss,
        neighbours=found,
        margin_nats=margin,
        edges=edges(centre, grid),
        not_searched=[axis for axis in axes_of(config, centre) if axis not in grid],
        seed_spread_nats=spread,
        note=note(margin, spread),
    )


def difference(own: float, centre: float) -> float:
    """Of two losses; none between two students that diverged."""
    return 0.0 if own == centre else own - centre


def edges(centre: Run, grid: dict[str, list[float]]) -> list[str]:
    """Which of the centre's values are the smallest or the largest of their grid."""
    ends = {"smallest": 0, "largest": -1}
    return [
        f"{axis} {getattr(centre, axis):g} is the {end} of its grid"
        for axis, values in grid.items()
        for end, place in ends.items()
        if getattr(centre, axis) == values[place]
    ]


def note(margin: float | None, spread: float | None) -> str:
    """Whether the margin can be told from the noise of the seed, both in nats."""
    if margin is None:
        return "no axis is searched, so nothing was compared"
    if spread is None:
        return "seed noise not measured"
    if abs(margin) < spread:
        return f"the margin is below the seed spread: {abs(margin):.4f} < {spread:.4f} nats"
    return ""


def main(arguments: argparse.Namespace) -> None:
    """Write the certificate and print its verdict."""
    config = parse_settings(Config, arguments.config)
    known = {run.run_id: run for run in centres(config)}
    if arguments.centre not in known:
        raise UserError(f"--centre {arguments.centre}: no tuned row makes this student; they are {', '.join(known)}")
    found = certify(config, known[arguments.centre], Path(arguments.folder))
    write_text(arguments.output, found.model_dump_json(indent=2) + "\n")
    print(f"{found.run_id}: {found.verdict}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="JSON of the whole config")
    parser.add_argument("--centre", required=True, help="name of a tuned row's student")
    parser.add_argument("--folder", required=True, help="folder of the scale's results")
    parser.add_argument("--output", required=True, help="the certificate (JSON)")
    run_command(main, parser)
