"""Who may run on the throwaway cluster, and asking it things."""

import getpass
import os
import subprocess
from pathlib import Path

from workflow_scripts.common.errors import UserError

ACCOUNT = "megadocs"
QOS = "megadocs"
URGENT_QOS = "urgent"
TIMEOUT_S = 15


def user_environment(folder: str | Path) -> dict[str, str]:
    """This process's environment with the cluster's commands first in PATH."""
    return os.environ | {"PATH": f"{Path(folder).absolute()}/bin:{os.environ['PATH']}"}


def register_user(folder: Path) -> None:
    """Only what is named here may run: accounting refuses another account or QOS."""
    user = getpass.getuser()
    for words in [
        "add cluster throwaway",
        f"add qos {QOS}",
        f"add qos {URGENT_QOS} priority=100 preempt={QOS},normal",
        f"add account {ACCOUNT}",
        f"add user {user} account={ACCOUNT}",
        f"modify user {user} where account={ACCOUNT} set qos=normal,{QOS},{URGENT_QOS} defaultqos={QOS}",
        f"modify user {user} set defaultaccount={ACCOUNT} adminlevel=none",
    ]:
        ask(folder, "sacctmgr", "-i", *words.split())


def ask(folder: Path, *command: str) -> str:
    """Output of a cluster's command. Raises UserError with its own words when it fails."""
    try:
        result = subprocess.run(
            command, env=user_environment(folder), capture_output=True, text=True, timeout=TIMEOUT_S, check=True
        )
    except subprocess.SubprocessError as error:
        raise UserError(f"`{' '.join(command)}` failed: {error.stderr or error}; see {folder}/logs") from error
    return result.stdout
