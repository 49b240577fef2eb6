"""All attempts at a training, with the time and GPUs that each took, lost work included: a line of JSON each."""

import json
import os
import socket
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from workflow_scripts.training.job import job_id
from workflow_scripts.training.outcome import INTERRUPTED, OUT_OF_MEMORY, read_outcome
from workflow_scripts.training.owner import is_live, read_owner


@dataclass
class Attempt:
    """One start of a training. Times in UNIX seconds; gpus: 0 for a CPU."""

    launch: str  # name of this start, also in owner.json
    attempt: int
    gpus: int
    host: str = field(default_factory=socket.gethostname)
    job: str | None = field(default_factory=job_id)
    started_at: float = field(default_factory=time.time)
    ended_at: float | None = None
    outcome: str = "killed"  # those of outcome.py, finished, killed, or failed: ended before it could say how
    message: str = ""
    status: int = 0  # exit status, in a shell's terms
    signalled: bool = False
    first_step: int | None = None  # where it began; known where state was saved at the end
    saved_step: int | None = None
    made_by: dict | None = None  # code, packages and machine (common/source.py); unknown where a launcher died

    @property
    def advanced(self) -> bool:
        """Whether at least one step was saved."""
        return (self.saved_step or 0) > (self.first_step or 0)

    def end(self, status: int, signalled: bool, outcome: dict | None) -> None:
        """Note how it ended: as the training says if it could, which torchrun's status does not tell."""
        self.ended_at, self.signalled = time.time(), signalled
        self.status = 128 - status if status < 0 else status
        said = outcome if status and outcome and outcome["at"] >= self.started_at else {}
        if status == 0:
            self.outcome = "finished"
        elif said:
            self.outcome, self.message = said["outcome"], said["message"]
            self.first_step, self.saved_step = said.get("first_step"), said.get("saved_step")
            self.status = {"error": 1, "out_of_memory": OUT_OF_MEMORY}.get(self.outcome, INTERRUPTED)
        elif status == INTERRUPTED or (status > 0 and signalled):
            self.outcome, self.message, self.status = "signal", "interrupted before its first step", INTERRUPTED
        elif status > 0 and self.gpus <= 1:
            self.outcome, self.message = "failed", "its messages are above"
        else:
            self.message = "killed; the next attempt continues from the last checkpoint"


def append_attempt(path: str | Path | None, attempt: Attempt) -> None:
    """One line, written at once, so that lines of several launchers don't mix."""
    if path is None:
        return
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as handle:
        handle.write(json.dumps(asdict(attempt)) + os.linesep)


def read_attempts(path: str | Path) -> list[dict]:
    """All lines; none without a file."""
    lines = Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []
    return [json.loads(line) for line in lines]


def note_lost_attempt(folder: str | Path, path: str | Path | None) -> None:
    """A launcher that died with its job wrote no line: what the training said at its end, or its last sign of life."""
    if path is None:
        return
    known = {line["launch"] for line in read_attempts(path)}
    for attempt in filter(None, (_told_at_the_end(folder), _last_sign_of_life(folder))):
        if attempt.launch not in known:
            append_attempt(path, attempt)


def _told_at_the_end(folder: str | Path) -> Attempt | None:
    said = read_outcome(folder) or {}
    if not said.get("launch"):
        return None
    names = ("launch", "host", "job", "started_at", "gpus", "outcome", "message", "first_step", "saved_step")
    told = {name: said[name] for name in names}
    return Attempt(**told, attempt=0, ended_at=said["at"], signalled=said["outcome"] == "signal", status=INTERRUPTED)


def _last_sign_of_life(folder: str | Path) -> Attempt | None:
    owner = read_owner(folder)
    if owner is None or not owner["launch"] or is_live(owner):
        return None
    told = {name: owner[name] for name in ("launch", "host", "job", "started_at")}
    gpus, message = owner["progress"].get("gpus", 0), "its launcher died too; ended_at is its last sign of life"
    return Attempt(**told, attempt=0, gpus=gpus, ended_at=owner["renewed_at"], message=message)
