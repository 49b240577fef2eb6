"""What the daemons of the throwaway cluster read: one small machine with two pretended GPUs."""

import getpass
import socket
from pathlib import Path

from tests.slurm.debian import library_path, plugins

CPUS = 8
MEMORY_MIB = 90_000  # two jobs with vLLM do not fit at once: their threads would fight for the few real cores
GPU_FILES = ["/dev/null", "/dev/zero"]


def write_configuration(folder: Path, root: Path) -> dict[str, int]:
    """Write slurm.conf, slurmdbd.conf and gres.conf; returns the ports, which were free a moment ago."""
    ports = dict(zip(["controller_port", "node_port", "accounting_port"], _free_ports(3), strict=True))
    facts = ports | _facts(folder, root)
    for name in ["slurm.conf", "slurmdbd.conf"]:
        template = Path(__file__).with_name(name).read_text()
        (folder / name).write_text(template.format(**facts))
    # slurmdbd refuses a file that others may read
    (folder / "slurmdbd.conf").chmod(0o600)
    (folder / "gres.conf").write_text("".join(f"Name=gpu File={path}\n" for path in GPU_FILES))
    return ports


def environment(folder: Path, root: Path) -> dict[str, str]:
    """Environment of the daemons; SLURM_CONF also marks every process that belongs to the cluster in `folder`."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LD_LIBRARY_PATH": library_path(root),
        "MYSQL_UNIX_PORT": str(folder / "database.socket"),
        "SLURM_CONF": str(folder / "slurm.conf"),
    }


def _facts(folder: Path, root: Path) -> dict:
    return {
        "host": socket.gethostname().split(".")[0],
        "user": getpass.getuser(),
        "folder": folder,
        "plugins": plugins(root),
        "cpus": CPUS,
        "memory": MEMORY_MIB,
        "gpus": len(GPU_FILES),
    }


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
