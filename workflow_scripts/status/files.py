"""All files of a scale with their times, from one look into each folder."""

import contextlib
import os
from pathlib import Path

# Thousands of batches, or the weights of a student that is done: logs beside them tell as much.
LEFT_OUT = {"journal", "model"}
LOOKS = {
    "status.log",
    "plan.log",
    "plan.csv",
    "plan.md",
    "claims.log",
}  # what those write that only look: no sign of work

Tree = dict[str, dict[str, float]]  # folder -> name -> time of the last change, in UNIX seconds


def scan(*folders: str | Path) -> Tree:
    """Every file below the folders; what vanishes meanwhile is left out, as is a folder that isn't there."""
    tree: Tree = {}
    waiting = [str(Path(folder)) for folder in folders]
    while waiting:
        folder = waiting.pop()
        if folder not in tree:
            tree[folder], below = _look_into(folder)
            waiting += below
    return tree


def newest_file(tree: Tree) -> tuple[str, float] | None:
    """Path and time of the file that was changed last."""
    times = ((at, folder, name) for folder, names in tree.items() for name, at in names.items() if name not in LOOKS)
    at, folder, name = max(times, default=(0.0, "", ""))
    return (f"{folder}/{name}", at) if name else None


def _look_into(folder: str) -> tuple[dict[str, float], list[str]]:
    files, below = {}, []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if not entry.is_dir():
                    files[entry.name] = entry.stat().st_mtime
                elif entry.name not in LEFT_OUT:
                    below.append(entry.path)
    return files, below
