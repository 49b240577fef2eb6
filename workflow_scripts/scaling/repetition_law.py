"""Fit the repetition-aware law to all runs of some packs, and test whether overfitting sets in by r alone."""

import argparse
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import atomic_path, write_json
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Analysis
from workflow_scripts.scaling.drawn_laws import ends
from workflow_scripts.scaling.fit import fit
from workflow_scripts.scaling.fit_law import analyse
from workflow_scripts.scaling.law import NotIdentified
from workflow_scripts.scaling.onset import Onsets, onsets
from workflow_scripts.scaling.repetition_fit import (
    RISING,
    entering,
    form_of,
    held_out,
    held_out_parts,
    predicted,
    problem_of,
    r_squared,
)
from workflow_scripts.scaling.repetition_runs import RepetitionRuns, curve_name, read_runs

REAL = "real"


def law_record(runs: RepetitionRuns, rising: str, draws: int, share: float) -> dict:
    """The law of the runs that enter, its fit and its held-out errors; the reason where there is none."""
    own = entering(runs, rising)
    known = {"rising": rising, "runs": len(own.table), "of": runs.all, "measured_on": runs.measured_on}
    try:
        form = form_of(own.table)
    except NotIdentified as reason:
        return known | {"status": f"not identified: {reason}"}
    found = analyse(problem_of(form, own.table), draws, share, seed=0)
    quality = {"r_squared": r_squared(np.array(found["residuals"]), own.table["loss_nats"].to_numpy())}
    parts = held_out_parts(own.table)
    tests = [asdict(held_out(form, own.table, what, each)) for what, each in parts.items()]
    return known | {"status": "fitted"} | found | quality | {"held_out": tests}


def onset_record(runs: RepetitionRuns, draws: int, share: float, only: str = "") -> dict:
    """Whether one onset is enough, and how it moves with U and h; the reason where nothing can be said."""
    known = {"curves": f"{only} alone" if only else "all"}
    try:
        found = onsets(runs, draws, only)
    except NotIdentified as reason:
        return known | {"status": f"not identified: {reason}"}
    moved = {f"ln onset by ln {name}": {"slope": float(drawn[0]), "band": ends(drawn[1:], share)}
             for name, drawn in found.moved.items()}  # fmt: skip
    return known | {
        "status": "fitted", "runs": len(found.table), "onset_passes": float(found.shared[0]),
        "band": ends(found.shared[1:], share), "rms_one_onset_nats": found.rms["one"],
        "rms_separate_onsets_nats": found.rms["separate"], "ratio": found.ratio, "p_value": found.p_value,
        "moved": moved, "onsets": onset_rows(found, share).to_dict("records"),
    }  # fmt: skip


def onset_rows(found: Onsets, share: float) -> pd.DataFrame:
    """A row per curve with its own onset in passes."""
    columns = ["curve", "student", "stream", "generations", "real_tokens", "share", "weight_decay"]
    names = [curve_name(row) for _, row in found.curves.iterrows()]
    bands = [ends(drawn, share) or (np.nan, np.nan) for drawn in found.separate[1:].T]
    low, high = np.array(bands).T
    return found.curves[columns].assign(name=names, onset_passes=found.separate[0], low=low, high=high)


def rows_of(runs: RepetitionRuns, rising: str) -> pd.DataFrame:
    """All runs with what the law says of them, and their excess over the lowest loss of their curve."""
    table = runs.table.assign(name=[curve_name(row) for _, row in runs.table.iterrows()])
    table["excess_nats"] = table["loss_nats"] - table.groupby("curve")["loss_nats"].transform("min")
    own = entering(runs, rising).table
    keys = ["curve", "real_epochs"]
    table["enters"] = table[keys].apply(tuple, axis=1).isin(own[keys].apply(tuple, axis=1))
    try:
        form = form_of(own)
    except NotIdentified:
        return table.assign(law_nats=np.nan)
    return table.assign(law_nats=predicted(problem_of(form, table), fit(problem_of(form, own))))


def main(arguments: argparse.Namespace) -> None:
    """Fit, print, write JSON and CSV."""
    analysis, runs = parse_settings(Analysis, arguments.settings), read_runs(*arguments.results)
    draws, share = analysis.bootstrap_draws, analysis.band
    laws = [law_record(runs, rising, draws, share) for rising in RISING]
    tests = [onset_record(runs, draws, share, only) for only in ("", REAL)]
    for law in laws:
        print(
            f"rising runs: {law['rising']}: {law['runs']} of {law['of']} runs, R^2 {law.get('r_squared', np.nan):.3f}"
        )
    for test in tests:
        print(f"onset, curves {test['curves']}: ratio {test.get('ratio', np.nan):.3f}; {test['status']}")
    output = Path(arguments.output)
    with atomic_path(output.with_suffix(".csv")) as temporary:
        rows_of(runs, RISING[0]).to_csv(temporary, index=False)
    write_json(output, {"band": share, "laws": laws, "onset": tests})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", nargs="+", required=True, help="packs (folders), tables of candidates (CSV)")
    parser.add_argument("--settings", default="{}", help="JSON of the scale's `analysis` section")
    parser.add_argument("--output", required=True, help="JSON; the runs are written beside it as CSV")
    run_command(main, parser)
