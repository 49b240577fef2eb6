"""Does the fast path change what is learned? The same students in fp32 and in bf16, on a real stream, several seeds.

The judgement: for each seed the difference of the final validation losses (bf16 minus fp32) and the largest
difference between the two training-loss curves, smoothed; both against the spread of fp32 losses over seeds, which is
the noise that any single run has.
"""

import argparse
import csv
import json
import tempfile
from pathlib import Path
from statistics import mean, stdev

import numpy as np

from benchmarks.harness import machine, versions
from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import read_json, write_json
from workflow_scripts.config.load import read_config
from workflow_scripts.training.train import build_parser
from workflow_scripts.training.train import main as train

SMOOTHED_POINTS = 5


def one_run(a: argparse.Namespace, precision: str, seed: int) -> dict:
    """Final validation loss and training curve, in nats, of one student."""
    config, made = read_config("config.yaml"), f"results/{a.scale}"
    scale = config.scales[a.scale]
    training = scale.training.model_copy(update={"precision": precision})
    with tempfile.TemporaryDirectory() as folder:
        options = {
            "name": f"{precision} seed {seed}", "real": f"{made}/streams/real", "real-tokens": scale.corpus.real_tokens,
            "validation": f"{made}/streams/validation/validation", "tokenizer": f"{made}/corpus/tokenizer.json",
            "real-epochs": a.real_epochs, "weight-decay": 1.6, "seed": seed, "output": folder,
            "student": config.students[training.student].model_dump_json(), "training": training.model_dump_json(),
        }  # fmt: skip
        train(build_parser().parse_args([f"--{key}={value}" for key, value in options.items()]))
        with open(Path(folder) / "curve.csv", encoding="utf-8") as handle:
            curve = [float(row["train_loss_nats"]) for row in csv.DictReader(handle)]
        return {
            "validation_loss_nats": read_json(Path(folder) / "metrics.json")["validation_loss_nats"],
            "curve": curve,
        }


def largest_gap(one: list[float], other: list[float]) -> float:
    """Largest difference of two smoothed curves in nats."""
    window = np.ones(SMOOTHED_POINTS) / SMOOTHED_POINTS
    smoothed = [np.convolve(curve, window, mode="valid") for curve in (one, other)]
    return float(np.abs(smoothed[0] - smoothed[1]).max())


def judged(found: dict[str, list[dict]]) -> dict[str, float]:
    """Differences and the noise that they are judged against, in nats."""
    losses = {name: [run["validation_loss_nats"] for run in runs] for name, runs in found.items()}
    differences = [b - a for a, b in zip(losses["fp32"], losses["bf16"], strict=True)]
    gaps = [largest_gap(a["curve"], b["curve"]) for a, b in zip(found["fp32"], found["bf16"], strict=True)]
    curves = [run["curve"] for run in found["fp32"]]
    return {
        "mean_difference": mean(differences),
        "largest_difference": max(map(abs, differences)),
        "seed_standard_deviation": stdev(losses["fp32"]),
        "largest_curve_gap_between_precisions": max(gaps),
        "largest_curve_gap_between_seeds": max(largest_gap(curves[0], other) for other in curves[1:]),
    }


def main(a: argparse.Namespace) -> None:
    """Train, judge, print, write."""
    found = {p: [one_run(a, p, seed) for seed in range(a.seeds)] for p in ("fp32", "bf16")}
    result = judged(found)
    print(json.dumps(result, indent=2))
    if a.output:
        write_json(a.output, {"machine": machine(), "versions": versions(), "judged": result, "runs": found})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="laptop", help="whose streams and student, already made (default: laptop)")
    parser.add_argument("--real-epochs", type=int, default=16, help="default: %(default)s")
    parser.add_argument("--seeds", type=int, default=3, help="at least 2 (default: %(default)s)")
    parser.add_argument("--output", help="curves and judgement (JSON)")
    run_command(main, parser)
