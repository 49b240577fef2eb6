"""Programs of Debian packages, unpacked into the cache folder: nothing is installed, no right of root is asked."""

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import atomic_directory
from workflow_scripts.common.packages import cache_folder

TIMEOUT_S = 300


def unpacked(name: str, packages: list[str], finish: Callable[[Path], None] = lambda root: None) -> Path:
    """Folder with the unpacked packages (a tree like /); from the cache when it is there, without a network.

    name: of the folder, before the first package's version. finish: what is changed in the tree once.
    Raises UserError where there are no Debian packages.
    """
    cached = sorted(cache_folder().glob(f"{name}-*"))
    return cached[-1] if cached else _fetch(name, packages, finish)


def _fetch(name: str, packages: list[str], finish: Callable[[Path], None]) -> Path:
    _require_debian(name)
    wanted = _missing_packages(packages)
    with tempfile.TemporaryDirectory() as download:
        _apt("apt-get", "download", *wanted, folder=download)
        files = sorted(Path(download).glob("*.deb"))
        version = next(path.name for path in files if path.name.startswith(f"{packages[0]}_")).split("_")[1]
        destination = cache_folder() / f"{name}-{version}"
        with atomic_directory(destination) as root:
            for file in files:
                _apt("dpkg", "-x", str(file), str(root))
            finish(root)
    return destination


def _require_debian(name: str) -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise UserError(
            f"The tests' {name} is made of Debian packages and this machine ({platform.platform()}) has no apt-get: "
            "run these tests on Debian or Ubuntu, for example in a container of the image debian:12"
        )


def _missing_packages(packages: list[str]) -> list[str]:
    """The packages and those of their dependencies that this machine lacks; asked of apt, which changes nothing."""
    plan = _apt("apt-get", "--simulate", "--no-install-recommends", "--reinstall", "install", *packages)
    return [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]


def _apt(*command: str, folder: str | None = None) -> str:
    environment = os.environ | {"LC_ALL": "C"}
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(
            f"`{' '.join(command[:4])}` failed ({reason}). The first use needs a network and apt's lists: run "
            f"`apt-get update` as root and try again; afterwards {cache_folder()} serves it offline."
        )
    return result.stdout
