"""Simulate iterative retraining, in seconds: recursive regression and a Gaussian, beside their theory."""

import argparse
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_path, write_json
from workflow_scripts.scaling import gaussian_retraining, recursive_regression
from workflow_scripts.scaling.gaussian_retraining import STABLE_BELOW, Gaussian
from workflow_scripts.scaling.recursive_regression import CHAINS, Regression

NAME = "retraining_theory"
COLUMNS = ["model", "chain", "round", "error", "standard_error", "theory", "theory_is"]
REGRESSION, GAUSSIAN = "regression", "gaussian"


@cache
def simulated(regression: Regression, gaussian: Gaussian) -> pd.DataFrame:
    """A row per model, chain (or lambda) and round: mean error over repeats, its standard error, and theory."""
    tables = []
    for chain in CHAINS:
        errors, kind = recursive_regression.simulate(regression, chain), "at most" if chain == "edit" else "exact"
        tables.append(_table(REGRESSION, chain, 1, errors, regression.theory(chain), kind))
    for ratio in gaussian.ratios:
        errors = gaussian_retraining.simulate(gaussian, ratio)
        tables.append(_table(GAUSSIAN, chain_of(ratio), 0, errors, gaussian.theory(ratio), "first order in 1/n"))
    return pd.concat(tables, ignore_index=True)


def chain_of(ratio: float) -> str:
    """How a lambda is called."""
    return "synthetic alone" if np.isinf(ratio) else f"lambda {ratio:g}"


def growth(table: pd.DataFrame, model: str, chain: str) -> tuple[float, float]:
    """Error gained per round over the second half of the rounds, in units of the first round's theory, and its s.e.

    [assumed] From the middle round to the last; both ends' standard errors are taken as independent, which is too wide.
    Raises KeyError for an unknown chain.
    """
    own = table[(table["model"] == model) & (table["chain"] == chain)].sort_values("round")
    if own.empty:
        raise KeyError(chain)
    middle, last = own.iloc[len(own) // 2], own.iloc[-1]
    unit = own["theory"].iloc[0] * (last["round"] - middle["round"])
    error = np.hypot(middle["standard_error"], last["standard_error"])
    return float((last["error"] - middle["error"]) / unit), float(error / unit)


def read_table(folder: str | Path) -> pd.DataFrame:
    """The table that this command wrote. Raises UserError where it is missing or lacks a column."""
    path = Path(folder) / f"{NAME}.csv"
    if not path.is_file():
        raise UserError(f"{path}: no such file; `python -m workflow_scripts.scaling.{NAME}` writes it")
    table = pd.read_csv(path)
    if missing := [column for column in COLUMNS if column not in table]:
        raise UserError(f"{path}: column {missing[0]} is missing; it was written by another version: make it again")
    return table


def _table(model: str, chain: str, first: int, errors: np.ndarray, theory: np.ndarray, kind: str) -> pd.DataFrame:
    spread = errors.std(axis=0, ddof=1) / np.sqrt(len(errors))
    rounds = np.arange(first, first + errors.shape[1])
    values = [model, chain, rounds, errors.mean(axis=0), spread, theory, kind]
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def main(arguments: argparse.Namespace) -> None:
    """Simulate, print, write CSV and JSON."""
    regression, gaussian = Regression(), Gaussian()
    table = simulated(regression, gaussian)
    found = []
    for (model, chain), own in table.groupby(["model", "chain"], sort=False):
        per_round, error = growth(table, model, chain)
        last = {"last_error": own["error"].iloc[-1], "last_theory": own["theory"].iloc[-1]}
        found.append({"model": model, "chain": chain, "growth_per_round": per_round, "standard_error": error, **last})
        print(f"{model}, {chain}: {per_round:+.4f} +- {error:.4f} first errors per round")
    folder = Path(arguments.output)
    with atomic_path(folder / f"{NAME}.csv") as temporary:
        table.to_csv(temporary, index=False)
    settings = {REGRESSION: asdict(regression), GAUSSIAN: asdict(gaussian)}
    settings[GAUSSIAN]["ratios"] = [chain_of(ratio) for ratio in gaussian.ratios]
    write_json(folder / f"{NAME}.json", {"settings": settings, "stable_below_lambda": STABLE_BELOW, "chains": found})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", required=True, help=f"folder; {NAME}.csv and {NAME}.json are written there")
    run_command(main, parser)
