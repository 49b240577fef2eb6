"""Whether the site file is true: what the SLURM cluster says of itself, and folders.

An empty answer means that the cluster can't be asked.
"""

import getpass
import shutil
import subprocess
import tempfile
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.site import Site

PATIENCE_SECONDS = 60


def check_site(site: Site) -> None:
    """Raises UserError for a name that the cluster does not know, or a folder that can't be written."""
    known_partitions, known_accounts, known_qualities = partitions(), accounts(), qualities()
    _check_known("partitions.gpu", site.partitions.gpu, known_partitions)
    _check_known("partitions.cpu", site.partitions.cpu, known_partitions)
    _check_known("account", site.account, known_accounts)
    _check_known("qos", site.qos, known_qualities)
    for key in ("cache", "scratch"):
        _check_writable(key, getattr(site, key))


def _check_known(key: str, value: str | None, known: set[str]) -> None:
    if value and known and value not in known:
        raise UserError(f"site file, {key}: the cluster has no '{value}' for you; it has {', '.join(sorted(known))}")


def _check_writable(key: str, folder: str | None) -> None:
    try:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(
            f"site file, {key}: {folder} can't be written ({error.strerror}): name another folder"
        ) from None


def partitions() -> set[str]:
    """Names of all partitions. Raises UserError when SLURM is here and does not answer."""
    answer = _ask("sinfo", "--noheader", "--format", "%P")
    if answer is None:
        return set()
    if answer.returncode:
        raise UserError(f"sinfo does not answer ({answer.stderr.strip()}): is the cluster up?")
    return _names(answer.stdout)


def accounts() -> set[str]:
    """Accounts that this user may charge; empty without accounting."""
    user = f"user={getpass.getuser()}"
    return _accounting("show", "assoc", user, "format=account")


def qualities() -> set[str]:
    """Names of all qualities of service; empty without accounting."""
    return _accounting("show", "qos", "format=name")


def _accounting(*question: str) -> set[str]:
    answer = _ask("sacctmgr", "--noheader", "--parsable2", *question)
    return set() if answer is None or answer.returncode else _names(answer.stdout)


def _names(text: str) -> set[str]:
    """One name per line; sinfo marks the default partition with a star."""
    return {line.strip().rstrip("*") for line in text.splitlines() if line.strip()}


def _ask(*command: str) -> subprocess.CompletedProcess | None:
    """None where the command does not exist."""
    if not shutil.which(command[0]):
        return None
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        raise UserError(f"{command[0]} has not answered for {PATIENCE_SECONDS} s: is the cluster up?") from None
