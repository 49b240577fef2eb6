"""Processes told apart: on which machine one is, and whether it is still the one that had its number."""

import os
import socket
from pathlib import Path


def machine() -> str:
    """This machine since it was switched on, and the container within which process ids count."""
    boot, container = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    known = [boot.read_text().strip(), os.readlink(container)] if boot.exists() and container.is_symlink() else []
    return " ".join([socket.gethostname(), *known])


def birth(pid: int) -> str | None:
    """When a process started, in the kernel's ticks; None if it is dead (or there is no /proc to tell)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]
