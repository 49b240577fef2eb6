"""What is kept of a training while it runs: the curve, and how its time was spent."""

import math
import resource
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch

from workflow_scripts.training.prefetch import Prefetched
from workflow_scripts.training.prepare import Setup


@dataclass
class Record:
    """How far a training is; part of its checkpoints, so that it covers all processes that continued each other."""

    step: int = 0  # optimizer steps done
    curve: list[tuple] = field(default_factory=list)  # (steps, tokens, training loss in nats, gradient norm)
    evaluations: list[dict] = field(default_factory=list)  # of a pretraining, at its milestones
    parts: list[dict] = field(default_factory=list)  # of the same, by part of the documents
    first_step_seconds: float = 0.0  # with compilation, of the process that is running
    timed_steps: int = 0
    timed_seconds: float = 0.0
    data_wait_seconds: float = 0.0

    @property
    def diverged(self) -> bool:
        """Whether the training loss is no number any more."""
        return bool(self.curve) and not math.isfinite(self.curve[-1][2])

    def tokens_per_second(self, batch_tokens: int) -> float:
        """Of the timed steps."""
        return self.timed_steps * batch_tokens / max(1e-9, self.timed_seconds)


class Progress:
    """How far a training is and how fast this process goes, for whoever looks; asked for by another thread."""

    def __init__(self, setup: Setup, record: Record, identity: str) -> None:
        self.setup, self.record, self.identity = setup, record, identity
        self.mark: tuple[int, float] | None = None  # steps and time when the first of this process were seen
        self.first = record.step

    def facts(self) -> dict:
        """No number of the device is read, so nothing waits."""
        step, steps, now = self.record.step, self.setup.steps, time.monotonic()
        if self.mark is None and step > self.first:
            self.mark = step, now
        done, seconds = (step - self.mark[0], now - self.mark[1]) if self.mark else (0, 0.0)
        rate = done / seconds if done else None
        return {
            "identity": self.identity,
            "output": str(Path(self.setup.arguments.output).absolute()),
            "step": step,
            "steps": steps,
            "tokens": step * self.setup.batch_tokens,
            "tokens_per_second": rate and round(rate * self.setup.batch_tokens, 1),
            "loss_nats": self.record.curve[-1][2] if self.record.curve else None,
            "eta_seconds": rate and round((steps - step) / rate, 1),
            "gpus": self.setup.world.size if self.setup.device.type == "cuda" else 0,
        }


class Stopwatch:
    """Adds to a record the time of its steps, without the first of a process and without saving."""

    def __init__(self, record: Record, batches: Prefetched, device: torch.device) -> None:
        self.record, self.batches, self.device = record, batches, device
        self.restart()

    def restart(self) -> None:
        """Time counts from now on."""
        self.mark, self.marked_step, self.batches.waited_seconds = time.monotonic(), self.record.step, 0.0

    def first_step(self) -> None:
        """Note the time of a process's first step, in which it compiles."""
        self._finish_work()
        self.record.first_step_seconds = time.monotonic() - self.mark
        self.restart()

    def lap(self) -> None:
        """Add the steps since the last lap."""
        self._finish_work()
        self.record.timed_seconds += time.monotonic() - self.mark
        self.record.timed_steps += self.record.step - self.marked_step
        self.record.data_wait_seconds += self.batches.waited_seconds
        self.restart()

    def _finish_work(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def throughput(setup: Setup, record: Record, flops_per_token: float, ceiling: float) -> dict:
    """How fast a training went; `ceiling`: FLOP/s of one device's matrix products."""
    rate = record.tokens_per_second(setup.batch_tokens)
    return {
        "first_step_seconds": round(record.first_step_seconds, 3),
        "seconds": round(record.timed_seconds, 3),
        "tokens_per_second": round(rate, 1),
        "flops_per_second": flops_per_token * rate,
        "matmul_flops_per_second": ceiling,
        "flop_utilisation": flops_per_token * rate / (ceiling * setup.world.size),
        "data_wait_share": record.data_wait_seconds / max(1e-9, record.timed_seconds),
        "peak_memory_bytes": peak_memory_bytes(setup.device),
        "device": torch.cuda.get_device_name() if setup.device.type == "cuda" else "cpu",
        "processes": setup.world.size,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def peak_memory_bytes(device: torch.device) -> int:
    """Most memory that this process has held so far: of tensors on a GPU, else of all there is in it."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    try:  # getrusage on Linux starts from the parent's memory
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
