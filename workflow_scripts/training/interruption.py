"""When a training saves its state and stops: every few minutes, and when it is asked to end."""

import signal
import sys
import time
from dataclasses import asdict
from types import FrameType

from workflow_scripts.training.checkpoint import (
    read_checkpoint,
    remove_checkpoints,
    restore_state,
    training_state,
    write_checkpoint,
)
from workflow_scripts.training.prepare import identity
from workflow_scripts.training.record import Record
from workflow_scripts.training.trainer import Trainer

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
INTERRUPTED = 75  # exit status: "temporary failure, try again" of sysexits.h


class Keeper:
    """Keeps one training's checkpoints in a folder; without a folder it does nothing and no signal is caught."""

    def __init__(self, trainer: Trainer, folder: str | None) -> None:
        self.trainer, self.folder, self.identity = trainer, folder, identity(trainer.setup)
        self.saved_at, self.asked_to_end = time.monotonic(), False
        if folder:
            for number in SIGNALS:
                signal.signal(number, self._note)

    def resume(self) -> Record:
        """The state of the newest usable checkpoint put into the trainer, or a new record."""
        world = self.trainer.setup.world
        found = read_checkpoint(self.folder, self.identity, tell=world.is_first) if self.folder else None
        if found is None:
            return Record()
        restore_state(self.trainer.model, self.trainer.optimizer, found[1])
        record = Record(**found[0])
        if world.is_first:
            print(f"continues after step {record.step:,} of {self.trainer.setup.steps:,}", file=sys.stderr)
        return record

    def must_save(self, step: int) -> bool:
        """Whether to save after this step, which is the same in all processes; never after the last one."""
        if not self.folder:
            return False
        minutes, world = self.trainer.setup.training.checkpoint_minutes, self.trainer.setup.world
        due = world.is_first and time.monotonic() - self.saved_at >= 60 * minutes
        self.asked_to_end, due = world.any(self.asked_to_end, due)
        return (self.asked_to_end or due) and step < self.trainer.setup.steps

    def save(self, record: Record) -> None:
        """Save; exits with status 75 if the training was asked to end."""
        setup, trainer = self.trainer.setup, self.trainer
        if setup.world.is_first:
            state = training_state(trainer.model, trainer.optimizer)
            path = write_checkpoint(self.folder, record.step, self.identity, asdict(record), state)
        self.saved_at = time.monotonic()
        if self.asked_to_end:
            if setup.world.is_first:
                done = f"after step {record.step:,} of {setup.steps:,}, saved in {path}"
                print(f"interrupted {done}; the same command continues there", file=sys.stderr)
            sys.exit(INTERRUPTED)

    def finish(self) -> None:
        """Remove the checkpoints of a training whose results are written."""
        if self.folder:
            remove_checkpoints(self.folder)

    def _note(self, number: int, frame: FrameType | None) -> None:
        """The step in work is finished first; the same signal again ends the process at once."""
        self.asked_to_end = True
        signal.signal(number, signal.SIG_DFL)
