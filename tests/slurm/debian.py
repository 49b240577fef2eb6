"""SLURM and what it needs as unpacked Debian packages: nothing is installed, no right of root is asked."""

from pathlib import Path

from tests.debian import unpacked

PACKAGES = ["slurmctld", "slurmd", "slurmdbd", "slurm-client", "munge", "mariadb-server-core"]


def unpacked_slurm() -> Path:
    """Folder with the unpacked packages (a tree like /); from the cache when it is there, without a network."""
    return unpacked("slurm", PACKAGES, _link_daemons)


def program(root: Path, name: str) -> Path:
    """A program of the unpacked packages."""
    return next(path for path in [root / "usr" / "sbin" / name, root / "usr" / "bin" / name] if path.exists())


def plugins(root: Path) -> Path:
    """Folder of SLURM's plugins and of its own library."""
    return next((root / "usr" / "lib").glob("*-linux-gnu/slurm-wlm"))


def library_path(root: Path) -> str:
    """LD_LIBRARY_PATH with which the unpacked programs find their libraries."""
    return f"{plugins(root).parent}:{plugins(root)}"


def _link_daemons(root: Path) -> None:
    """Debian calls the daemons NAME-wlm, but slurmctld looks at its own name and crashes under another one."""
    for path in (root / "usr" / "sbin").glob("*-wlm"):
        path.with_name(path.name.removesuffix("-wlm")).symlink_to(path.name)
