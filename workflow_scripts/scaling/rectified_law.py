"""Compare the rectified law with the power law on every curve of some packs, the last two points held out."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_path, write_json
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.results import read_results
from workflow_scripts.evaluation.synpro_tables import read_pack
from workflow_scripts.scaling.law import NotIdentified
from workflow_scripts.scaling.loss_curves import mixture_loss_curves, synpro_loss_curves
from workflow_scripts.scaling.rectified import LAWS, LossCurve, compare


def records(curves: list[LossCurve], share: float) -> Iterator[dict]:
    """A record per curve; one with too few points has the reason alone."""
    for curve in curves:
        try:
            yield compare(curve).record(share)
        except NotIdentified as reason:
            yield {"curve": curve.name, "points": len(curve.tokens), "status": f"not compared: {reason}"}


def curves_of(arguments: argparse.Namespace, analysis: Analysis) -> list[LossCurve]:
    """All curves that are asked for. Raises UserError where a pack lacks them, or none is asked for."""
    found = synpro_loss_curves(read_pack(arguments.synpro), analysis) if arguments.synpro else []
    for study in arguments.studies if arguments.results else []:
        try:
            found += mixture_loss_curves(read_results(*arguments.results), analysis, study)
        except NotIdentified as reason:
            raise UserError(f"{', '.join(arguments.results)}: {reason}: leave out --studies {study}") from None
    if not found:
        raise UserError("nothing to compare: give --synpro a pack of SynPro, or --results packs of mixtures")
    return found


def main(arguments: argparse.Namespace) -> None:
    """Compare, print a line per curve, write JSON and CSV."""
    analysis = parse_settings(Analysis, arguments.settings)
    found = list(records(curves_of(arguments, analysis), analysis.band))
    for record in found:
        errors = [f"{law} {record[f'{law}_error_nats']:.4f}" for law in LAWS if law in record]
        print(f"{record['curve']}: {', '.join(errors)}{' nats held out; ' if errors else ''}{record['status']}")
    output = Path(arguments.output)
    with atomic_path(output.with_suffix(".csv")) as temporary:
        pd.json_normalize(found).to_csv(temporary, index=False)
    write_json(output, {"band": analysis.band, "draws": analysis.bootstrap_draws, "curves": found})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--synpro", help="folder of a SynPro pack: unique text and repetition")
    parser.add_argument("--results", nargs="*", default=[], help="packs of mixtures over budgets")
    parser.add_argument("--studies", nargs="*", default=["mixture_data"], help="of --results (default: mixture_data)")
    parser.add_argument("--settings", default="{}", help="JSON of the scale's `analysis` section")
    parser.add_argument("--output", required=True, help="JSON; a CSV is written beside it")
    run_command(main, parser)
