"""Starting and ending the daemons of the throwaway cluster."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from tests.slurm.debian import program
from workflow_scripts.common.errors import UserError

DATABASE_OPTIONS = ["--no-defaults", "--skip-networking", "--skip-log-bin", "--innodb-log-file-size=8M"]
SYSTEM_TABLES = ["mysql_system_tables.sql", "mysql_system_tables_data.sql"]


def create_database(folder: Path, root: Path, environment: dict[str, str]) -> None:
    """An empty MariaDB in `folder`/database, with the system tables that slurmdbd's stored procedures need."""
    (folder / "database").mkdir()
    share = root / "usr" / "share" / "mysql"
    script = "create database mysql;\nuse mysql;\n" + "".join((share / name).read_text() for name in SYSTEM_TABLES)
    with open(folder / "logs" / "database-bootstrap.log", "w") as log:
        command = [*_database(folder, root), "--bootstrap"]
        subprocess.run(command, input=script.encode(), env=environment, stdout=log, stderr=log, timeout=60, check=True)


def daemon_commands(folder: Path, root: Path) -> dict[str, list[str | Path]]:
    """The command line of each daemon, in the foreground."""
    munge = {"socket": "munge.socket", "key-file": "munge.key", "pid-file": "munge.pid", "seed-file": "munge.seed"}
    munge_options = [f"--{option}={folder / name}" for option, name in munge.items()]
    return {
        # --force: a folder that others may enter is no reason to refuse here
        "munged": [program(root, "munged"), "--foreground", "--force", "--num-threads=10", *munge_options],
        "mariadbd": [
            *_database(folder, root),
            f"--socket={folder}/database.socket",
            f"--pid-file={folder}/database.pid",
            "--skip-grant-tables",
        ],
        "slurmdbd": [program(root, "slurmdbd"), "-D"],
        "slurmctld": [program(root, "slurmctld"), "-D", "-i"],
        "slurmd": [program(root, "slurmd"), "-D", "-d", folder / "slurmstepd"],
    }


def start(name: str, command: list[str | Path], folder: Path, environment: dict[str, str]) -> None:
    """Start a daemon in its own session; its output goes to `folder`/logs/NAME.log."""
    with open(folder / "logs" / f"{name}.log", "w") as log:
        streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **streams)


def wait_for(condition: Callable[[], bool], what: str, folder: Path, timeout_s: float = 20) -> None:
    """Return when the condition holds. Raises UserError naming the logs when it doesn't in time."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise UserError(f"the throwaway SLURM has no {what} after {timeout_s:.0f} s: see {folder}/logs")
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Whether something accepts connections at this port of this machine."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def kill_all(folder: Path, timeout_s: float = 5) -> None:
    """Kill every process of the cluster in `folder`: daemons, job steps, and what the jobs started."""
    end = time.monotonic() + timeout_s
    while found := list(processes(folder)):
        if time.monotonic() > end:
            raise UserError(f"processes of the throwaway SLURM in {folder} do not end: {[p.pid for p in found]}")
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(found, timeout=1)


def processes(folder: Path) -> Iterator[psutil.Process]:
    """Processes whose environment names this cluster, apart from this one and its parents.

    The bytes are searched, because a step daemon writes its title over the first part of its environment.
    """
    mark = b"SLURM_CONF=" + os.fsencode(folder / "slurm.conf") + b"\0"
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid not in own and mark in Path(f"/proc/{process.pid}/environ").read_bytes():
                yield process


def _database(folder: Path, root: Path) -> list[str]:
    places = [f"--basedir={root}/usr", f"--lc-messages-dir={root}/usr/share/mysql", f"--datadir={folder}/database"]
    as_root = ["--user=root"] if os.geteuid() == 0 else []
    return [str(program(root, "mariadbd")), *DATABASE_OPTIONS, *places, *as_root]
