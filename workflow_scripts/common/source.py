"""Which code made something: the commit it was in, and a digest of exactly the source files that it consists of."""

import ast
import hashlib
import os
import platform
import subprocess
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "workflow_scripts"


def source_files(module: str) -> list[Path]:
    """Files of a module of ours and of all of ours that it imports, at whatever depth, in order of their paths.

    They are read and not imported. C++ files beside a module of the same name belong to it.
    """
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        path = _file_of(waiting.pop())
        if path and path not in found:
            found.add(path)
            waiting += _imports(path)
    return sorted(found | {path.with_suffix(".cpp") for path in found if path.with_suffix(".cpp").exists()})


def source_sha256(module: str) -> str:
    """Hex digest of the names and the bytes of `source_files`."""
    digest = hashlib.sha256()
    for path in source_files(module):
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def commit() -> dict:
    """Commit of this working copy and whether tracked files differ from it; None for both outside of git."""
    head = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return {"commit": head, "dirty": None if head is None or changed is None else bool(changed)}


def made_by(module: str) -> dict:
    """What decides beside the command line what a module's results are: code, packages and machine."""
    return {
        **commit(),
        "module": module,
        "source_sha256": source_sha256(module),
        "python": platform.python_version(),
        "packages": dict(sorted((found.name.lower(), found.version) for found in distributions())),
        "platform": platform.platform(),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }


def processor() -> str:
    """Model of the CPU, as far as the system says."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """Names that a file may mean modules of ours by: `from a.b import c` is a.b or a.b.c."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(name for name in names if name.partition(".")[0] == PACKAGE)


def _file_of(module: str) -> Path | None:
    place = ROOT.joinpath(*module.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.exists()), None)


def _git(*words: str) -> str | None:
    try:
        result = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() if result.returncode == 0 else None
