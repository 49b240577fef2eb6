"""Install one pinned environment; only Python >= 3.11 is needed. Does nothing when it is up to date.

python3 envs/install.py workflow              the workflow's own, in .venv
python3 envs/install.py training generation   torch in .venv-training, vLLM in .venv-generation
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("workflow", "training", "generation")
UV = "uv==0.13.8"
# As pip does, modules are compiled now: where Python may not write them later, every start of a job would compile them.
UV_INSTALL = ["pip", "install", "--quiet", "--no-deps", "--compile-bytecode", "--python"]
LOCAL_VERSION = "+cpu"  # torch's CPU build is not on the ordinary package index


def lock_of(stage: str, accelerator: str) -> Path:
    """Pins of an environment."""
    return ROOT / "envs" / ("workflow.txt" if stage == "workflow" else f"{stage}-{accelerator}.txt")


def folder_of(stage: str) -> Path:
    """Where an environment lives."""
    return ROOT / (".venv" if stage == "workflow" else f".venv-{stage}")


def is_current(marker: Path, lock: Path) -> bool:
    """Whether the environment was completely installed from these pins."""
    return marker.exists() and marker.read_text() == digest(lock)


def digest(lock: Path) -> str:
    """Identity of an installation: its pins and the interpreter's version."""
    return (
        hashlib.sha256(lock.read_bytes()).hexdigest() + f" python {sys.version_info.major}.{sys.version_info.minor}\n"
    )


def make_venv(folder: Path) -> Path:
    """Create an empty environment, also where only pip exists; return its interpreter."""
    shutil.rmtree(folder, ignore_errors=True)
    python = folder / "bin" / "python"
    if attempt([sys.executable, "-m", "venv", "--without-pip", folder]) or attempt(["virtualenv", "--no-pip", folder]):
        return python
    sys.exit(f"error: {sys.executable} has neither the module venv nor virtualenv; `pip install virtualenv` gives one")


def find_uv(python: Path) -> list[str] | None:
    """uv from the PATH or the workflow's environment, else installed beside `python` with pip; None: pip alone."""
    for place in (shutil.which("uv"), folder_of("workflow") / "bin" / "uv", python.parent / "uv"):
        if place and Path(place).exists():
            return [str(place)]
    if attempt([*pip(python), "install", "--quiet", UV]) and (python.parent / "uv").exists():
        return [str(python.parent / "uv")]
    return None


def pip(python: Path) -> list[str]:
    """pip of this interpreter, working on `python`'s environment."""
    own = subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode == 0
    return [str(python), "-m", "pip"] if own else [sys.executable, "-m", "pip", "--python", str(python)]


def install(python: Path, lock: Path) -> None:
    """Install all pins, torch's CPU build first. The lock is complete, so dependencies are not looked at again."""
    uv = find_uv(python)
    by_uv = [*uv, *UV_INSTALL, str(python)] if uv else None
    by_pip = [*pip(python), "install", "--quiet", "--no-deps"]
    special = [line for line in lock.read_text().splitlines() if LOCAL_VERSION in line.split("#")[0]]
    for line in special:
        ways = [by_uv and [*by_uv, line], [*by_pip, line], by_uv and [*by_uv, "--torch-backend", "cpu", line]]
        if not any(way and attempt(way) for way in ways):
            sys.exit(
                f"error: {line} is on none of the configured package indexes and PyTorch's own index of CPU builds "
                "can't be reached. Download that wheel by hand and name its folder: PIP_FIND_LINKS=FOLDER make venv"
            )
    rest = python.parent / "pins.txt"
    rest.write_text("\n".join(line for line in lock.read_text().splitlines() if line not in special) + "\n")
    ways = [by_uv and [*by_uv, "-r", rest], [*by_pip, "-r", rest]]
    if not any(way and attempt(way, show=way is ways[-1]) for way in ways):
        sys.exit(f"error: {lock} could not be installed; the lines above say why (is there a network?)")


def attempt(command: list, show: bool = False) -> bool:
    """Run a command; whether it succeeded. Its messages are shown only where asked."""
    try:
        result = subprocess.run(list(map(str, command)), capture_output=not show, env=environment())
    except FileNotFoundError:
        return False
    return result.returncode == 0


def environment() -> dict[str, str]:
    """The caller's environment, with pip's configured places made known to uv."""
    values = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    result = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True)
    for line in result.stdout.splitlines():
        key, _, value = line.partition("=")
        name = {"find-links": "UV_FIND_LINKS", "index-url": "UV_DEFAULT_INDEX"}.get(key.split(".")[-1])
        if name:
            values.setdefault(name, value.strip("'\"").replace(" ", ","))
    return values


def main(arguments: argparse.Namespace) -> None:
    """Install what is missing and say what is done."""
    for stage in arguments.stages:
        lock = lock_of(stage, arguments.accelerator)
        folder = Path(arguments.into) if arguments.into else folder_of(stage)
        marker = folder / f"ready-{arguments.accelerator}"
        if is_current(marker, lock):
            print(f"{folder.name}: up to date", file=sys.stderr)
            continue
        print(f"{folder.name}: installing {lock.relative_to(ROOT)}", file=sys.stderr)
        python = folder / "bin" / "python" if arguments.into else make_venv(folder)
        install(python, lock)
        marker.write_text(digest(lock))


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036  an older interpreter is what this is for
        sys.exit(f"error: Python >= 3.11 is needed, this is {sys.version.split()[0]}; name one: make PYTHON=python3.12")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="+", choices=STAGES)
    parser.add_argument("--accelerator", choices=["cpu", "cuda"], default="cpu", help="default: %(default)s")
    parser.add_argument("--into", help="an existing environment, e.g. $CONDA_PREFIX, instead of .venv*")
    main(parser.parse_args())
