"""One workflow at a time in a folder, with a lock that the operating system drops when its process dies."""

import atexit
import fcntl
import os
from pathlib import Path

from workflow_scripts.common.errors import UserError

_held: dict[str, object] = {}


def hold_workflow_lock(path: str | Path) -> None:
    """Take the lock until this process ends, however it ends. Raises UserError when another process holds it."""
    path = Path(path)
    if str(path) in _held:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = open(path, "a+")  # noqa: SIM115  held until the process ends
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        owner = handle.read().strip() or "unknown"
        raise UserError(f"{path}: process {owner} runs this workflow in this folder; wait for it or stop it") from None
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    _held[str(path)] = handle
    atexit.register(handle.close)
