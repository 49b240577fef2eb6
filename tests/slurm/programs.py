"""Small programs around SLURM's own: the user's commands, and a step daemon that keeps a job's orphans."""

import shlex
import sys
from pathlib import Path

from tests.slurm.debian import library_path, program

COMMANDS = ["sacct", "sacctmgr", "salloc", "sbatch", "scancel", "scontrol", "sdiag", "sinfo", "squeue", "srun", "sstat"]

WRAPPER = """\
#!/bin/sh
export SLURM_CONF={configuration} LD_LIBRARY_PATH={libraries}
exec {program} "$@"
"""

STEP_DAEMON = """\
#!{python} -IS
# Orphans of a job belong to its step daemon, as they do to a job's cgroup on a real cluster, so that they end with it.
import ctypes, os, sys
PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
os.execv("{program}", ["slurmstepd", *sys.argv[1:]])
"""


def write_programs(folder: Path, root: Path) -> None:
    """Write the user's commands to `folder`/bin and the step daemon to `folder`/slurmstepd."""
    (folder / "bin").mkdir()
    for name in COMMANDS:
        _write_program(folder / "bin" / name, _command(folder, root, name))
    step_daemon = STEP_DAEMON.format(python=sys.executable, program=program(root, "slurmstepd"))
    _write_program(folder / "slurmstepd", step_daemon)


def _command(folder: Path, root: Path, name: str) -> str:
    """A command that brings its own environment, so that a caller needs no more than `folder`/bin in PATH."""
    values = {"configuration": folder / "slurm.conf", "libraries": library_path(root), "program": program(root, name)}
    return WRAPPER.format(**{key: shlex.quote(str(value)) for key, value in values.items()})


def _write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
