"""What SLURM knows of the job that a training runs in: its name, when it ends, and how it is run again."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from time import time

MARGIN_S = 30  # before a job's end, for what comes after saving: leaving, and asking to be run again
SLURM_ANSWERS_WITHIN_S = 30


def job_id(environment: Mapping[str, str] = os.environ) -> str | None:
    """The job as SLURM's commands take it, with the task of an array; None outside SLURM."""
    array, task = environment.get("SLURM_ARRAY_JOB_ID"), environment.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else environment.get("SLURM_JOB_ID") or environment.get("SLURM_JOBID")


def end_time(environment: Mapping[str, str] = os.environ) -> float | None:
    """When this job is ended, in UNIX seconds: as its environment says, else as squeue does; None if it is not."""
    if "SLURM_JOB_END_TIME" in environment:
        return float(environment["SLURM_JOB_END_TIME"])
    job = job_id(environment)
    answer = _ask("squeue", "--noheader", f"--jobs={job}", "--format=%e") if job else None
    try:
        return datetime.fromisoformat(answer.stdout.strip()).timestamp() if answer else None
    except ValueError:  # NOT_SET, N/A
        return None


def requeue() -> str | None:
    """Have this job run again after it has ended; None when SLURM does so, else why it does not."""
    job = job_id()
    if job is None:
        return "not in a SLURM job"
    answer = _ask("scontrol", "requeue", job)
    if answer is None:
        return "scontrol does not answer"
    return None if answer.returncode == 0 else answer.stderr.strip() or f"scontrol ended with {answer.returncode}"


@dataclass
class Deadline:
    """When a training must save because its job ends."""

    end: float | None  # UNIX seconds
    save_seconds: float  # of the last save; before it, an estimate
    step_seconds: float = 0.0  # of the longest step so far

    def is_near(self) -> bool:
        """Whether another step might leave too little time: for saving twice as slowly as the last time."""
        margin = max(MARGIN_S, 2 * (self.save_seconds + self.step_seconds))
        return self.end is not None and time() >= self.end - margin


def _ask(*command: str) -> subprocess.CompletedProcess | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=SLURM_ANSWERS_WITHIN_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
