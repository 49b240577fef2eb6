"""Where each student stands, from the files that trainings leave and from SLURM's queue. Nothing is written."""

import os
import re
from dataclasses import dataclass, field

from workflow_scripts.status.files import Tree
from workflow_scripts.status.queue import QueuedJob
from workflow_scripts.training import outcome, owner
from workflow_scripts.training.attempts import read_attempts

STATES = ("planned", "queued", "running", "done", "failed")
FAILURES = {"error", "failed"}  # what another attempt would not mend
CHECKPOINT = re.compile(r"checkpoint-(\d+)\.safetensors")


@dataclass
class Student:
    """What is known of one student."""

    run_id: str
    state: str = "planned"
    owner: dict | None = None  # who trains it, or did when it died; it holds the progress
    trains: bool = False  # whether that process is alive
    job: QueuedJob | None = None
    attempts: list[dict] = field(default_factory=list)
    ending: str = ""  # of the last training: an outcome of attempts.py
    message: str = ""
    saved_step: int = 0  # of the newest checkpoint
    log: str = ""
    damaged: list[str] = field(default_factory=list)  # files that can't be read

    @property
    def interrupted(self) -> bool:
        """Whether a training has begun and nothing is under way."""
        return self.state == "planned" and bool(self.ending or self.saved_step)

    @property
    def step(self) -> int:
        """Steps that are done: of the running training, or those that were saved."""
        progress = self.owner["progress"] if self.owner and self.trains else {}
        return progress.get("step", self.saved_step)


def look_at(run_id: str, tree: Tree, results: str, checkpoints: str, jobs: dict[str, QueuedJob]) -> Student:
    """Where a student stands. `jobs`: trainings in the queue by student."""
    folder = f"{checkpoints}/{run_id}"
    kept = tree.get(folder, {})
    student = Student(run_id, job=jobs.get(run_id), log=f"{results}/logs/train_student/{run_id}.log")
    if f"{run_id}.jsonl" in tree.get(f"{results}/attempts", {}):
        student.attempts = _attempts(f"{results}/attempts/{run_id}.jsonl", student)
    if owner.NAME in kept:
        _note_owner(folder, student)
    student.saved_step = max((int(found[1]) for name in kept if (found := CHECKPOINT.fullmatch(name))), default=0)
    _note_ending(student, outcome.read_outcome(folder) if outcome.NAME in kept else None)
    student.state = _state(student, is_done="metrics.json" in tree.get(f"{results}/runs/{run_id}", {}))
    return student


def _state(student: Student, is_done: bool) -> str:
    if is_done:
        return "done"
    if student.trains or (student.job and student.job.started):
        return "running"
    if student.job:
        return "queued"
    return "failed" if student.ending in FAILURES else "planned"


def _note_ending(student: Student, said: dict | None) -> None:
    """The newest of what the launcher, the training itself and a dead process's last sign of life tell."""
    told = [(line["ended_at"] or 0, line["outcome"], line["message"], line["status"]) for line in student.attempts]
    if said:
        told.append((said.get("at", 0), said.get("outcome", ""), said.get("message", ""), 0))
    if student.owner and not student.trains:
        told.append((student.owner["renewed_at"], "killed", "", 0))
    _, student.ending, student.message, status = max(told, default=(0, "", "", 0))
    if student.ending == "failed":
        student.message = f"ended with exit status {status} before it could say why; its log may"


def _attempts(path: str, student: Student) -> list[dict]:
    try:
        lines = read_attempts(path)
        return [line | {"seconds": line["ended_at"] - line["started_at"]} for line in lines]
    except (OSError, ValueError, KeyError, TypeError):
        student.damaged.append(path)
        return []


def _note_owner(folder: str, student: Student) -> None:
    """An owner with all that is asked of it; the file may also be gone by now."""
    path, found = f"{folder}/{owner.NAME}", owner.read_owner(folder)
    if found is None and not os.path.exists(path):
        return
    try:
        lives, times = owner.is_live(found), {name: float(found[name]) for name in ("started_at", "renewed_at")}
        student.owner, student.trains = found | times | {"progress": dict(found["progress"])}, lives
    except (KeyError, TypeError, ValueError):
        student.damaged.append(path)
