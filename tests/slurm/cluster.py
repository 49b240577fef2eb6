"""A throwaway SLURM on one machine, for tests: `up`, `down`, or `run` a command between the two.

Everything it writes is in one folder (and the unpacked packages in the project's cache). It has two declared GPUs,
the partitions `gpu` and `cpu`, accounting for `sacct`, the account and the QOS `megadocs`, and a QOS `urgent` that
preempts. Its commands are in FOLDER/bin.
"""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.slurm.accounts import ask, register_user, user_environment
from tests.slurm.configuration import environment, write_configuration
from tests.slurm.daemons import create_database, daemon_commands, kill_all, listens, start, wait_for
from tests.slurm.debian import unpacked_slurm
from tests.slurm.programs import write_programs
from workflow_scripts.common.errors import UserError, run_command

STATE = ["controller", "node", "database", "bin"]
# A UNIX socket's path has at most 108 bytes.
LONGEST_FOLDER = 90


@contextlib.contextmanager
def throwaway_slurm(folder: str | Path) -> Iterator[dict[str, str]]:
    """A cluster as long as the block lasts; gives the environment in which sbatch, squeue, sacct and the rest work.

    Raises UserError without Debian's packages, with a folder that is in use, or when a daemon does not come up.
    """
    up(folder)
    try:
        yield user_environment(folder)
    finally:
        down(folder)


def up(folder: str | Path) -> None:
    """Start a cluster in an empty or new folder and return when its node is idle."""
    folder = _checked(folder)
    root = unpacked_slurm()
    for name in ["logs", "controller", "node"]:
        (folder / name).mkdir(parents=True)
    try:
        _start_all(folder, root)
    except BaseException:
        kill_all(folder)
        raise


def down(folder: str | Path) -> None:
    """End every process of the cluster and remove its state; configuration and logs stay in the folder."""
    folder = Path(folder).absolute()
    kill_all(folder)
    for name in STATE:
        shutil.rmtree(folder / name, ignore_errors=True)
    for path in [*folder.glob("munge.*"), *folder.glob("database.*"), *folder.glob("*.pid")]:
        path.unlink(missing_ok=True)


def _start_all(folder: Path, root: Path) -> None:
    ports = write_configuration(folder, root)
    write_programs(folder, root)
    variables = environment(folder, root)
    commands = daemon_commands(folder, root)
    _write_key(folder / "munge.key")
    start("munged", commands["munged"], folder, variables)
    create_database(folder, root, variables)
    start("mariadbd", commands["mariadbd"], folder, variables)
    wait_for((folder / "database.socket").exists, "database", folder)
    start("slurmdbd", commands["slurmdbd"], folder, variables)
    wait_for(lambda: listens(ports["accounting_port"]), "accounting", folder)
    register_user(folder)
    start("slurmctld", commands["slurmctld"], folder, variables)
    wait_for(lambda: listens(ports["controller_port"]), "controller", folder)
    start("slurmd", commands["slurmd"], folder, variables)
    wait_for(lambda: "idle" in ask(folder, "sinfo", "-h", "-o", "%T"), "idle node", folder)


def _write_key(path: Path) -> None:
    path.touch(mode=0o600)
    path.write_bytes(os.urandom(128))


def _checked(folder: str | Path) -> Path:
    folder = Path(folder).absolute()
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty: give the throwaway SLURM a folder of its own")
    if len(str(folder)) > LONGEST_FOLDER:
        raise UserError(f"{folder} has more than {LONGEST_FOLDER} characters, too many for its sockets: choose another")
    return folder


def _run(folder: Path, command: list[str]) -> None:
    # so that `timeout` and a cancelled CI job end the cluster too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with throwaway_slurm(folder) as variables:
        status = subprocess.run(command, env=variables, check=False).returncode
    sys.exit(status)


def _main(arguments: argparse.Namespace) -> None:
    if arguments.action == "up":
        up(arguments.folder)
        print(f"export PATH={arguments.folder.absolute()}/bin:$PATH")
    elif arguments.action == "down":
        down(arguments.folder)
    else:
        _run(arguments.folder, arguments.command)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    actions = parser.add_subparsers(dest="action", required=True)
    for action in ["up", "down", "run"]:
        sub = actions.add_parser(action)
        sub.add_argument("--folder", type=Path, required=True, help="the cluster's own folder")
        if action == "run":
            sub.add_argument("command", nargs="+", help="after --, the command to run; its status is returned")
    run_command(_main, parser)
