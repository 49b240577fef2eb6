"""When a training saves its state and stops: every few minutes, before its job ends, and when it is asked to end."""

import signal
import sys
import time
from dataclasses import asdict
from types import FrameType

from workflow_scripts.training.checkpoint import (
    read_checkpoint,
    remove_checkpoints,
    remove_leftovers,
    restore_state,
    training_state,
    write_checkpoint,
)
from workflow_scripts.training.job import Deadline
from workflow_scripts.training.outcome import INTERRUPTED, write_outcome
from workflow_scripts.training.owner import Owner
from workflow_scripts.training.prepare import identity
from workflow_scripts.training.record import Progress, Record
from workflow_scripts.training.trainer import Trainer

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
ENDINGS = {
    "signal": "a signal asked for it",
    "deadline": "the job's time is over",
    "taken_over": "another process trains this student",
}
SAME_REQUEST_S = 5  # a terminal, SLURM, torchrun and the launcher each hand on what may be one signal
BYTES_PER_SECOND = 2e8  # of a slow shared disk: for the first save, before one was measured


def end_at_once_on_signals() -> None:
    """Before there is anything to save, a signal ends this process in an orderly way."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: sys.exit(INTERRUPTED))


class Keeper:
    """Keeps one training's checkpoints in a folder; without a folder it does nothing and no signal is caught."""

    def __init__(self, trainer: Trainer, owner: Owner | None, end: float | None = None) -> None:
        self.trainer, self.owner, self.identity = trainer, owner, identity(trainer.setup)
        self.folder, self.world = trainer.setup.arguments.checkpoint, trainer.setup.world
        self.deadline = Deadline(end, 12 * sum(p.numel() for p in trainer.model.parameters()) / BYTES_PER_SECOND)
        self.signalled_at = self.ending = self.stepped_at = None
        self.saved_at, self.first, self.newest = time.monotonic(), 0, 0  # steps: continued from, last saved
        if self.folder:
            for number in SIGNALS:
                signal.signal(number, self._note)

    def resume(self) -> Record:
        """The state of the newest usable checkpoint put into the trainer, or a new record."""
        first = self.world.is_first
        if self.folder and first:
            remove_leftovers(self.folder)
        found = read_checkpoint(self.folder, self.identity, tell=first) if self.folder else None
        record = Record(**found[0]) if found else Record()
        self.first = self.newest = record.step
        if found:
            restore_state(self.trainer.model, self.trainer.optimizer, found[1])
        if found and first:
            print(f"continues after step {record.step:,} of {self.trainer.setup.steps:,}", file=sys.stderr)
        if self.owner:
            self.owner.progress = Progress(self.trainer.setup, record, self.identity).facts
            self.owner.renew()
        return record

    def must_save(self, step: int) -> bool:
        """Whether to save after this step, which is the same in all processes; never after the last one."""
        if not self.folder:
            return False
        now, minutes = time.monotonic(), self.trainer.setup.arguments.checkpoint_minutes
        self.deadline.step_seconds = max(self.deadline.step_seconds, now - (self.stepped_at or now))
        self.stepped_at = now
        taken_over = self.owner is not None and self.owner.lost
        flags = (self.signalled_at is not None, self.world.is_first and self.deadline.is_near(), taken_over)
        *ends, due = self.world.any(*flags, self.world.is_first and now - self.saved_at >= 60 * minutes)
        self.ending = next((ending for ending, flag in zip(ENDINGS, ends, strict=True) if flag), None)
        return (self.ending is not None or due) and step < self.trainer.setup.steps

    def save(self, record: Record) -> None:
        """Save; exits with status 75 if the training is to end."""
        if self.world.is_first:
            self._write(record)
        self.saved_at, self.stepped_at = time.monotonic(), None
        if self.ending:
            if self.world.is_first:
                self._take_leave(record.step)
            sys.exit(INTERRUPTED)

    def finish(self) -> None:
        """Remove the checkpoints of a training whose results are written."""
        if self.folder:
            remove_checkpoints(self.folder)

    def _write(self, record: Record) -> None:
        """A disk that is full ends no training: there are the older checkpoints, and there will be room again."""
        began, state = time.monotonic(), training_state(self.trainer.model, self.trainer.optimizer)
        try:
            write_checkpoint(self.folder, record.step, self.identity, asdict(record), state)
        except OSError as error:
            needed = sum(tensor.nbytes for tensor in state.values()) / 2**20
            kept = f"the checkpoint after step {self.newest:,} stays" if self.newest else "there is none yet"
            reason = f"{error}; a checkpoint has {needed:,.1f} MiB"
            print(f"warning: step {record.step:,} is not saved ({reason}): {kept}", file=sys.stderr)
        else:
            self.newest, self.deadline.save_seconds = record.step, time.monotonic() - began

    def _take_leave(self, step: int) -> None:
        steps, why = self.trainer.setup.steps, ENDINGS[self.ending]
        next_time = f"the same command continues after step {self.newest:,}" if self.newest else "it will begin anew"
        saved = f"saved in {self.folder}" if self.newest == step else "not saved"
        message = f"interrupted after step {step:,} of {steps:,}, {saved}, since {why}; {next_time}"
        print(message, file=sys.stderr)
        if self.ending != "taken_over":
            write_outcome(
                self.folder, self.ending, message, first_step=self.first, saved_step=self.newest, **self._who()
            )

    def _who(self) -> dict:
        """Whose attempt this was, for the case that its launcher is killed before it notes that."""
        if self.owner is None:
            return {}
        told = {name: self.owner.process[name] for name in ("launch", "host", "job", "started_at")}
        return told | {"gpus": self.owner.progress().get("gpus", 0)}

    def _note(self, number: int, frame: FrameType | None) -> None:
        """The step in work is finished first; the same wish once more ends the process at once."""
        if self.signalled_at is None:
            self.signalled_at = time.monotonic()
        elif time.monotonic() - self.signalled_at > SAME_REQUEST_S:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
