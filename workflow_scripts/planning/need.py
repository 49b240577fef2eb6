"""What a training needs of its machine, from its own size. Nothing of this changes a result."""

from dataclasses import dataclass

from workflow_scripts.config.models import Config, Scale
from workflow_scripts.config.runs import Run
from workflow_scripts.config.sizes import (
    CHECKPOINT_BYTES_PER_PARAMETER,
    EXPORT_BYTES_PER_PARAMETER,
    micro_batch_sequences,
    training_memory_bytes,
)
from workflow_scripts.planning import estimates

GB = 1e9
CHECKPOINTS = 3  # the last two, and the next one while it is written
PROCESS_GB = 3.0  # Python with torch, and Snakemake in the job; measured 0.6 for torch
GPU_PROCESS_GB = 10.0  # [assumed] the same with CUDA's libraries, the compiler and pinned memory


@dataclass(frozen=True)
class Need:
    """What one job asks for; hours are on the clock, with the job's GPUs or, without, its CPUs."""

    gpus: int
    cpus: int
    memory_gb: float  # of the machine, not of a GPU
    hours: float
    disk_gb: float
    safety: float = 1.5  # a job gets this many times its hours
    micro_batch_sequences: int = 1


def training_need(config: Config, run: Run) -> Need:
    """Of one student: the fewest GPUs that train it in `compute.hours_per_training`, else as many as there may be."""
    scale = config.scales[config.scale]
    device_hours = estimates.training_device_hours(config, run)
    sequences = estimates.batch_sequences(scale, run)
    gpus = training_gpus(scale, device_hours, sequences)
    cpus = scale.compute.threads * max(1, gpus)
    micro_batch = _micro_batch(config, run, sequences // max(1, gpus))
    hours, disk = device_hours / estimates.devices(scale.compute, gpus, cpus), training_disk_gb(config, run)
    return Need(
        gpus, cpus, _memory_gb(config, run, gpus, micro_batch), hours, disk, scale.compute.runtime_safety, micro_batch
    )


def training_gpus(scale: Scale, device_hours: float, batch_sequences: int) -> int:
    """A power of two that divides the batch; 0 where there is no GPU."""
    if not scale.compute.gpus:
        return 0
    numbers = [n for n in (1, 2, 4, 8) if n <= scale.compute.gpus and batch_sequences % n == 0]
    enough = (n for n in numbers if device_hours / n <= scale.compute.hours_per_training)
    return next(enough, numbers[-1])


def training_disk_gb(config: Config, run: Run) -> float:
    """Checkpoints while it runs, and the exported weights that stay."""
    return checkpoints_gb(config, run) + exported_gb(config, run)


def checkpoints_gb(config: Config, run: Run) -> float:
    """Disk of a student that is being trained, beyond what stays."""
    return CHECKPOINTS * CHECKPOINT_BYTES_PER_PARAMETER * estimates.parameters(config, run) / GB


def exported_gb(config: Config, run: Run) -> float:
    """Disk of a student's exported weights, fp32."""
    return EXPORT_BYTES_PER_PARAMETER * estimates.parameters(config, run) / GB


def _micro_batch(config: Config, run: Run, share: int) -> int:
    compute = config.scales[config.scale].compute
    if compute.micro_batch_sequences:
        return min(share, compute.micro_batch_sequences)
    return micro_batch_sequences(*estimates.shape(config, run), share, compute.memory_gb)


def _memory_gb(config: Config, run: Run, gpus: int, micro_batch: int) -> float:
    """With GPUs the machine's memory holds the processes and, while it is saved, the state; else everything."""
    if gpus:
        return gpus * GPU_PROCESS_GB + CHECKPOINT_BYTES_PER_PARAMETER * estimates.parameters(config, run) / GB
    return PROCESS_GB + training_memory_bytes(*estimates.shape(config, run), micro_batch) / GB
