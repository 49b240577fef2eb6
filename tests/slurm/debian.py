"""SLURM and what it needs as unpacked Debian packages: nothing is installed, no right of root is asked."""

import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import atomic_directory
from workflow_scripts.common.packages import cache_folder

PACKAGES = ["slurmctld", "slurmd", "slurmdbd", "slurm-client", "munge", "mariadb-server-core"]
TIMEOUT_S = 300


def unpacked_slurm() -> Path:
    """Folder with the unpacked packages (a tree like /); from the cache when it is there, without a network."""
    cached = sorted(cache_folder().glob("slurm-*"))
    return cached[-1] if cached else _fetch()


def program(root: Path, name: str) -> Path:
    """A program of the unpacked packages."""
    return next(path for path in [root / "usr" / "sbin" / name, root / "usr" / "bin" / name] if path.exists())


def plugins(root: Path) -> Path:
    """Folder of SLURM's plugins and of its own library."""
    return next((root / "usr" / "lib").glob("*-linux-gnu/slurm-wlm"))


def library_path(root: Path) -> str:
    """LD_LIBRARY_PATH with which the unpacked programs find their libraries."""
    return f"{plugins(root).parent}:{plugins(root)}"


def _fetch() -> Path:
    _require_debian()
    names = _missing_packages()
    with tempfile.TemporaryDirectory() as download:
        _apt("apt-get", "download", *names, folder=download)
        packages = sorted(Path(download).glob("*.deb"))
        version = next(path.name for path in packages if path.name.startswith("slurmctld_")).split("_")[1]
        destination = cache_folder() / f"slurm-{version}"
        with atomic_directory(destination) as root:
            for package in packages:
                _apt("dpkg", "-x", str(package), str(root))
            _link_daemons(root / "usr" / "sbin")
    return destination


def _link_daemons(folder: Path) -> None:
    """Debian calls the daemons NAME-wlm, but slurmctld looks at its own name and crashes under another one."""
    for path in folder.glob("*-wlm"):
        path.with_name(path.name.removesuffix("-wlm")).symlink_to(path.name)


def _require_debian() -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise UserError(
            f"The throwaway SLURM is made of Debian packages and this machine ({platform.platform()}) has no apt-get: "
            "run these tests on Debian or Ubuntu, for example in a container of the image debian:12"
        )


def _missing_packages() -> list[str]:
    """The packages and those of their dependencies that this machine lacks; asked of apt, which changes nothing."""
    plan = _apt("apt-get", "--simulate", "--no-install-recommends", "--reinstall", "install", *PACKAGES)
    return [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]


def _apt(*command: str, folder: str | None = None) -> str:
    environment = os.environ | {"LC_ALL": "C"}
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(
            f"`{' '.join(command[:4])}` failed ({reason}). The first throwaway SLURM needs a network and apt's lists: "
            f"run `apt-get update` as root and try again; afterwards {cache_folder()} serves it offline."
        )
    return result.stdout
