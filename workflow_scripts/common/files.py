"""Files that appear whole or not at all."""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from workflow_scripts.common.errors import UserError


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Temporary sibling of `path` that takes its name only when the block succeeds."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield temporary
        _flush_to_disk(temporary)
        os.replace(temporary, path)
    finally:
        remove(temporary)


@contextlib.contextmanager
def atomic_directory(path: str | Path) -> Iterator[Path]:
    """Temporary folder that takes the name `path` only when the block succeeds."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    remove(temporary)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        remove(path)
        os.replace(temporary, path)
    finally:
        remove(temporary)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: object) -> None:
    """Write readable JSON atomically."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> dict:
    """Read a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def sha256(path: str | Path) -> str:
    """Hex digest of a file, read in pieces: 0.6 s per GB on one CPU core where the disk is faster."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def require_digest(path: Path, expected: str, belonging: Iterable[Path] = ()) -> None:
    """Raise UserError, with the file and those that belong to it set aside, when its SHA-256 is another."""
    found = sha256(path)
    if found != expected:
        refuse_damaged(path, f"its sha256 is {found} and was {expected} when it was written", belonging)


def read_record(path: Path, belonging: Iterable[Path] = ()) -> dict:
    """Read a JSON file that a rule has written. Raises UserError, with it set aside, when it is no longer JSON."""
    try:
        return read_json(path)
    except ValueError as error:
        refuse_damaged(path, f"it should be JSON, but: {error}", belonging)


def refuse_damaged(path: Path, finding: str, belonging: Iterable[Path] = ()) -> NoReturn:
    """Set a damaged file aside, with those that belong to it, and raise the UserError that says so.

    They are renamed to `<name>.damaged`, which replaces an older one: so their rule's outputs are missing.
    """
    for each in (path, *belonging):
        with contextlib.suppress(FileNotFoundError):  # another process that reads it was faster
            os.replace(each, each.with_name(f"{each.name}.damaged"))
    raise UserError(
        f"{path}: the file is damaged: {finding}. It was set aside as {path.name}.damaged; `python -m "
        "workflow_scripts.audit.repair` makes it again. If this happens more than once, suspect the disk"
    )


def remove(path: Path) -> None:
    """Remove a file or a folder if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def require_free_disk(folder: str | Path, needed_bytes: int, what: str) -> None:
    """Raise UserError when the disk under `folder` has less room than `what` needs."""
    existing = next(p for p in [Path(folder), *Path(folder).absolute().parents] if p.exists())
    free = shutil.disk_usage(existing).free
    if free < needed_bytes:
        raise UserError(
            f"{existing}: {what} needs about {needed_bytes / 2**20:,.0f} MiB of disk and {free / 2**20:,.0f} MiB "
            "are free: make room, or run in a folder on a larger disk"
        )


def _flush_to_disk(path: Path) -> None:
    with open(path, "rb") as handle:
        os.fsync(handle.fileno())
