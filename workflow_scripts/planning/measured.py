"""What has been measured: the share of its device's peak that training reaches here, and hours already used."""

import statistics
import time
from pathlib import Path

from workflow_scripts.common.files import read_json
from workflow_scripts.config.models import Compute, Config
from workflow_scripts.status.files import scan
from workflow_scripts.status.hours import hours_used, training_seconds
from workflow_scripts.status.students import look_at


def measured_utilisations(compute: Compute, results: str | Path) -> list[float]:
    """Of each finished training on the config's kind of device: FLOP/s by the peak of all its devices."""
    records = [read_json(path) for path in sorted(Path(results).glob("runs/*/throughput.json"))]
    peak = compute.peak_tflops * 1e12
    return [
        record["flops_per_second"] / (peak * record["processes"] * (1 if compute.gpus else record["threads"]))
        for record in records
        if _same_kind(compute, record["device"])
    ]


def utilisation_of(compute: Compute, results: str | Path) -> tuple[float, str]:
    """Utilisation that the plan counts with, and where it is from."""
    measured = measured_utilisations(compute, results)
    if not measured:
        return compute.training_utilisation, "assumed: compute.training_utilisation; no training is finished yet"
    return statistics.median(measured), f"measured: median of {len(measured)} finished trainings"


def hours_so_far(
    config: Config, results: str | Path, checkpoints: str | Path | None = None
) -> tuple[float, dict[str, float]]:
    """Device-hours that a scale has used, lost work and texts included; and those of each student's trainings.

    `checkpoints`: where trainings that run leave word; beside the results unless given.
    """
    checkpoints = checkpoints or f"{results}/checkpoints"
    tree, now, scale = scan(results, checkpoints), time.time(), config.scales[config.scale]
    ended = {name.removesuffix(".jsonl") for name in tree.get(f"{results}/attempts", {})}
    names = sorted(ended | {Path(folder).name for folder in tree if str(Path(folder).parent) == str(checkpoints)})
    students = [look_at(name, tree, str(results), str(checkpoints), {}) for name in names]
    by_student = {student.run_id: training_seconds(scale, student, now) / 3600 for student in students}
    return hours_used(config, tree, str(results), students, now), by_student


def _same_kind(compute: Compute, device: str) -> bool:
    """A CPU is one for a scale without GPUs; a GPU's name contains what the config calls it."""
    return compute.device.lower() in device.lower() if compute.gpus else device == "cpu"
