"""Which jobs of this workflow are in SLURM's queue, by what the executor writes into a job's comment."""

import getpass
import os
import shutil
import subprocess
from dataclasses import dataclass

FORMAT = "%i|%T|%Z|%k"  # job, state, working directory, comment
ANSWERS_WITHIN_S = 10
STARTED = {"RUNNING", "COMPLETING", "CONFIGURING", "STAGE_OUT"}


@dataclass(frozen=True)
class QueuedJob:
    """A job of one rule; an array shows the wildcards of its first member for all."""

    job: str  # as SLURM's commands take it
    rule: str
    wildcards: str  # joined by _, with _ for /
    started: bool


class QueueError(Exception):
    """There is a SLURM, but it does not answer; the message says how."""


def jobs_in_queue(folder: str) -> list[QueuedJob]:
    """This user's jobs of the workflow in `folder`, each member of an array for itself; none without SLURM.

    Raises QueueError.
    """
    if not shutil.which("squeue"):
        return []
    command = ["squeue", "--noheader", "--array", "--user", getpass.getuser(), "--format", FORMAT]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=ANSWERS_WITHIN_S)
    except subprocess.TimeoutExpired:
        raise QueueError(f"no answer within {ANSWERS_WITHIN_S} s") from None
    if answer.returncode:
        raise QueueError(answer.stderr.strip() or f"exit status {answer.returncode}")
    rows = (line.split("|", 3) for line in answer.stdout.splitlines())
    return [_job(*row) for row in rows if len(row) == 4 and _is_ours(row[2], row[3], folder)]


def _is_ours(where: str, comment: str, folder: str) -> bool:
    return comment.startswith("rule_") and os.path.realpath(where) == os.path.realpath(folder)


def _job(job: str, state: str, _: str, comment: str) -> QueuedJob:
    rule, _, wildcards = comment.removeprefix("rule_").partition("_wildcards_")
    return QueuedJob(job, rule, wildcards, state in STARTED)
