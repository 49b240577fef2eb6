"""What a SLURM cluster says of itself: names that a job may use. An empty answer means that it can't be asked."""

import getpass
import shutil
import subprocess

from workflow_scripts.common.errors import UserError

PATIENCE_SECONDS = 60


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
