"""How a training ended, for the launcher that decides whether it is run again: `outcome.json` in its folder.

finished: no file, as the folder is removed. signal, deadline, taken_over: state saved, to be continued.
out_of_memory: to be started again, which takes smaller micro-batches. error: another try would end the same way.
A process that was killed writes none.
"""

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import read_json
from workflow_scripts.training.owner import create_file

NAME = "outcome.json"
INTERRUPTED = 75  # exit status: "temporary failure, try again" of sysexits.h
OUT_OF_MEMORY = 76  # exit status: the same command again takes smaller micro-batches
LOST_PEER = ("onnection closed by peer", "onnection reset by peer", "Broken pipe", "DistBackendError")  # gloo, NCCL


def write_outcome(folder: str | Path | None, outcome: str, message: str, **facts) -> None:
    """Note how this training ended. Of several processes the first one counts: the others only notice that it left."""
    if folder is None:
        return
    try:
        create_file(Path(folder) / NAME, {"outcome": outcome, "message": message, "at": time.time()} | facts)
    except OSError as error:
        print(f"{Path(folder) / NAME}: not written ({error})", file=sys.stderr)


def read_outcome(folder: str | Path) -> dict | None:
    """How the last training ended, if it could say so."""
    try:
        return read_json(Path(folder) / NAME)
    except (OSError, ValueError):
        return None


def forget_outcome(folder: str | Path) -> None:
    """A new training begins."""
    (Path(folder) / NAME).unlink(missing_ok=True)


@contextlib.contextmanager
def errors_noted(folder: str | Path | None) -> Iterator[None]:
    """An error in the block is this training's outcome, unless it is that another process has left: a UserError."""
    try:
        yield
    except Exception as error:
        message = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        if any(words in message for words in LOST_PEER):
            raise UserError("another process of this training has ended, so this one does too") from None
        write_outcome(folder, "error", message)
        raise
