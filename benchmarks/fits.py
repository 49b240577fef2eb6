"""Time of the scaling-law command: a planted law with noise, all starts, 500 bootstrap draws, start of Python included.

The goal: a Chinchilla fit of 245 points in 60 s on 2 cores. CPU seconds count both cores.
"""

import argparse
import csv
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.harness import Measurement, add_options, finish, medians, run_benchmark, take_turns
from workflow_scripts.common.errors import UserError

POINTS = 245
COLUMNS = {
    "power_law": ["d"], "ensemble": ["n"], "rectified": ["d"], "chinchilla": ["n", "d"],
    "data_constrained": ["n", "d", "u"],
}  # fmt: skip


def write_points(path: Path) -> None:
    """N, D, U and the loss of a Chinchilla law whose repeated tokens decay, with 1% of noise."""
    chance = np.random.default_rng(0)
    n, u = np.exp(chance.uniform(np.log([[4e7], [1e9]]), np.log([[1e10], [1e11]]), (2, POINTS)))
    d = u * chance.choice([1, 2, 4, 8], POINTS)
    useful = u * (1 + 15 * (1 - np.exp(-(d / u - 1) / 15)))
    loss = (1.82 + 480 / n**0.35 + 2100 / useful**0.37) * np.exp(chance.normal(0, 0.01, POINTS))
    with open(path, "w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([("n", "d", "u", "loss"), *zip(n, d, u, loss, strict=True)])


def run_arm(arguments: argparse.Namespace) -> Measurement:
    """Seconds of one form's command. Raises UserError when it fails."""
    with tempfile.TemporaryDirectory() as folder:
        write_points(Path(folder) / "points.csv")
        named = [word for column in COLUMNS[arguments.arm] for word in (f"--{column}", column)]
        command = [sys.executable, "-m", "workflow_scripts.scaling.fit_law", "--form", arguments.arm, *named]
        started = time.perf_counter()
        result = subprocess.run([*command, "--data", f"{folder}/points.csv", "--loss", "loss"], capture_output=True)
        seconds = time.perf_counter() - started
    if result.returncode:
        raise UserError(result.stderr.decode()[-2000:])
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"seconds": seconds, "cpu_seconds": used.ru_utime + used.ru_stime}


def main(arguments: argparse.Namespace) -> None:
    """Take turns, print the table."""
    found = take_turns("benchmarks.fits", list(COLUMNS), {}, arguments.repeats, {})
    lines = [f"{'form':<20}{'seconds':>10}{'CPU s':>10}"]
    lines += [f"{a:<20}{v['seconds']:>10.2f}{v['cpu_seconds']:>10.2f}" for a, v in medians(found).items()]
    finish(f"Fits of {POINTS} points with 500 draws", "\n".join(lines), found, {}, arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, repeats=3)
    run_benchmark(main, run_arm, parser)
