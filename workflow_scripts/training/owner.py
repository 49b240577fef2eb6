"""Who trains a student: one process at a time, also among machines that share a disk.

`owner.json` in the checkpoint folder names the process, says until when that counts, and how far it is; whoever wants
to know reads it while it runs. The file is made by a hard link, which one process alone succeeds with. One that is
out of date, or whose process is dead, is replaced by whoever alone can make a claim named after it. The clocks of
machines must agree to a minute.
"""

import contextlib
import json
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import read_json
from workflow_scripts.training.job import job_id
from workflow_scripts.training.process import birth, machine

NAME = "owner.json"
RENEWED_EVERY_S = 20  # fresh enough for a person who looks, and nothing to a shared disk
EXPIRES_AFTER_S = 120  # six renewals: a disk that stalls is no death, and a dead machine costs two minutes
WAIT_S = 600  # an owner that was told to end needs its last step and a checkpoint, which are minutes
LOOK_EVERY_S = 0.5
SETTLED_AFTER_S = 1.0  # a shared disk shows by then who wrote last
LAUNCH = "MEGADOCS_LAUNCH"  # environment: name of the launch that the process belongs to


def read_owner(folder: str | Path) -> dict | None:
    """What owner.json says; None without one, or while it can't be read."""
    try:
        return read_json(Path(folder) / NAME)
    except (OSError, ValueError):
        return None


def is_live(owner: dict) -> bool:
    """Whether an owner still counts: it is not out of date, nor is its process dead as far as this machine can say."""
    here = owner["machine"] == machine()
    return time.time() < owner["expires_at"] and not (here and birth(owner["pid"]) != owner["process_started"])


def create_file(path: Path, content: dict) -> bool:
    """Make a JSON file that isn't there yet, whole; whether it was this call that made it."""
    temporary = path.with_name(f".owner-{uuid.uuid4().hex}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(content), encoding="utf-8")
        os.link(temporary, path)
    except (FileExistsError, FileNotFoundError):  # not found: an owner that ended has just removed the folder
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


@contextlib.contextmanager
def owned(folder: str | Path | None, wait_s: float = WAIT_S) -> Iterator["Owner | None"]:
    """This process owns the folder's student until the block ends; without a folder nothing is owned.

    Raises UserError when another process still renews its ownership after `wait_s` seconds.
    """
    if folder is None:
        yield None
        return
    owner = Owner(folder)
    owner.acquire(wait_s)
    threading.Thread(target=owner.renew_until_released, daemon=True).start()
    try:
        yield owner
    finally:
        owner.release()


class Owner:
    """This process as the owner of a student.

    `progress` is asked for what to show; `waited_for`: who was seen to own it before; `lost`: another has taken over.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder, self.token, self.lost = Path(folder), uuid.uuid4().hex, False
        self.progress: Callable[[], dict] = dict
        self.waited_for: dict | None = None
        self.released, self.writing = threading.Event(), threading.Lock()
        self.process = {
            "token": self.token,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "job": job_id(),
            "launch": os.environ.get(LAUNCH),
            "machine": machine(),
            "process_started": birth(os.getpid()),
            "started_at": time.time(),
        }

    def acquire(self, wait_s: float) -> None:
        """Wait until the student is free, at most so long."""
        began, told = time.monotonic(), False
        while not self._take():
            owner = read_owner(self.folder)
            self.waited_for = owner or self.waited_for
            if owner and not told:
                print(f"{self.folder}: waits, since {describe(owner)} trains this student", file=sys.stderr)
                told = True
            if time.monotonic() - began > wait_s:
                who = describe(owner) if owner else "a file that can't be read"
                raise UserError(
                    f"{self.folder / NAME}: {who} still trains this student after {wait_s / 60:.0f} minutes of "
                    "waiting: let it finish, or end it (kill, scancel) and start again"
                )
            time.sleep(LOOK_EVERY_S)
        for path in self.folder.glob(".owner-*"):  # of processes that died on the way here
            path.unlink(missing_ok=True)

    def renew(self) -> None:
        """Write the present state, unless another process has taken over."""
        with self.writing:
            current = read_owner(self.folder)
            self.lost = self.lost or bool(current and current["token"] != self.token)
            if not self.lost and not self.released.is_set():
                self._write()

    def renew_until_released(self) -> None:
        """What a thread does beside the training. A full disk is no reason to end; the next renewal may succeed."""
        while not self.lost and not self.released.wait(RENEWED_EVERY_S):
            with contextlib.suppress(OSError):
                self.renew()

    def release(self) -> None:
        """Leave the student to others; the folder goes too if nothing is in it."""
        self.released.set()
        with self.writing, contextlib.suppress(OSError):
            current = read_owner(self.folder)
            if current and current["token"] == self.token:
                (self.folder / NAME).unlink()
            self.folder.rmdir()

    def _take(self) -> bool:
        current = read_owner(self.folder)
        try:
            if current is None:
                self._remove_unreadable()
                return create_file(self.folder / NAME, self._content())
            return not is_live(current) and self._take_over(current)
        except OSError as error:
            finding = f"{self.folder}: no place for checkpoints ({error})"
            raise UserError(f"{finding}: make room, or take a folder on a disk that has hard links") from None

    def _remove_unreadable(self) -> None:
        """A file that a broken disk left, and that nobody renews, blocks nobody."""
        path = self.folder / NAME
        if path.exists() and time.time() - path.stat().st_mtime > EXPIRES_AFTER_S:
            path.unlink(missing_ok=True)

    def _take_over(self, old: dict) -> bool:
        """A claim holds for a while, so that a process that dies between claim and writing blocks nobody for long."""
        turn = int((time.time() - old["renewed_at"]) // EXPIRES_AFTER_S)
        if not create_file(self.folder / f".owner-{old['token']}-{turn}", {}):
            return False
        current = read_owner(self.folder)
        if current and current["token"] == old["token"] and not is_live(current):
            self._write()
            print(f"{self.folder}: {describe(old)} has stopped; this process takes over", file=sys.stderr)
        time.sleep(SETTLED_AFTER_S)
        return (read_owner(self.folder) or {}).get("token") == self.token

    def _content(self) -> dict:
        now = time.time()
        return self.process | {"renewed_at": now, "expires_at": now + EXPIRES_AFTER_S, "progress": self.progress()}

    def _write(self) -> None:
        temporary = self.folder / f".owner-{self.token}.partial"
        try:
            temporary.write_text(json.dumps(self._content(), indent=2), encoding="utf-8")
            os.replace(temporary, self.folder / NAME)
        finally:
            temporary.unlink(missing_ok=True)


def describe(owner: dict) -> str:
    """An owner for a message."""
    job = f" of job {owner['job']}" if owner["job"] else ""
    since = datetime.fromtimestamp(owner["started_at"]).isoformat(" ", "seconds")
    return f"process {owner['pid']}{job} on {owner['host']}, started {since},"
