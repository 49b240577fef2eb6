"""The throwaway SLURM itself: it schedules pretended GPUs, keeps accounts, requeues, and leaves nothing behind.

Run by `.venv/bin/python -m pytest tests/slurm`; `tests/run` does not call it.
"""

import getpass
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.slurm.accounts import user_environment
from tests.slurm.cluster import down, throwaway_slurm, up
from tests.slurm.daemons import processes
from tests.slurm.debian import unpacked_slurm
from workflow_scripts.common.errors import UserError


class Cluster:
    """The commands of a running cluster, called in one working folder."""

    def __init__(self, variables: dict[str, str], folder: Path):
        self.variables = variables
        self.folder = folder

    def call(self, *command: str, status: int = 0) -> str:
        result = subprocess.run(
            command, cwd=self.folder, env=self.variables, capture_output=True, text=True, timeout=60, check=False
        )
        assert result.returncode == status, result.stderr
        return result.stdout.strip() + result.stderr.strip()

    def submit(self, command: str, *options: str) -> str:
        return self.call("sbatch", "--parsable", "-t", "5", "-o", "%j.out", *options, f"--wrap={command}")

    def state(self, job: str) -> str:
        return self.call("squeue", "-h", "-t", "all", "-j", job, "-o", "%T")

    def accounted(self, job: str) -> str:
        return self.call("sacct", "-nXP", "-j", job, "-o", "state,account,alloctres")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("slurm")
    with throwaway_slurm(folder) as variables:
        yield Cluster(variables, tmp_path_factory.mktemp("jobs"))


@pytest.fixture(autouse=True)
def no_job_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "cluster" in request.fixturenames:
        request.getfixturevalue("cluster").call("scancel", "--full", "-u", getpass.getuser())


def wait_until(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


def test_two_gpus_are_shared_out_and_a_third_job_waits(cluster: Cluster) -> None:
    jobs = [cluster.submit("echo GPU $CUDA_VISIBLE_DEVICES; sleep 60", "--gpus=1") for _ in range(3)]
    wait_until(lambda: sorted(map(cluster.state, jobs)) == ["PENDING", "RUNNING", "RUNNING"])
    running = [job for job in jobs if cluster.state(job) == "RUNNING"]
    wait_until(lambda: all((cluster.folder / f"{job}.out").read_text() for job in running))
    seen = {(cluster.folder / f"{job}.out").read_text() for job in running}
    assert seen == {"GPU 0\n", "GPU 1\n"}


def test_what_the_cluster_lacks_is_refused_at_submission(cluster: Cluster) -> None:
    for wrong in ["--gpus=3", "--account=unknown", "--qos=unknown", "--partition=unknown", "--cpus-per-task=9"]:
        assert "error" in cluster.call("sbatch", wrong, "--wrap=true", status=1)


def test_accounting_knows_account_gpus_and_the_end(cluster: Cluster) -> None:
    good, bad = cluster.submit("true", "--gpus=2"), cluster.submit("exit 3", "-p", "cpu")
    wait_until(lambda: cluster.accounted(good).startswith("COMPLETED|megadocs|"))
    assert "gres/gpu=2" in cluster.accounted(good)
    wait_until(lambda: cluster.accounted(bad).startswith("FAILED|"))


def test_a_requeued_job_comes_back_and_takes_its_orphans_along(cluster: Cluster) -> None:
    script = "(trap '' TERM; exec setsid sleep 1000.25) & echo start ${SLURM_RESTART_COUNT:-0}; sleep 1000.25"
    job = cluster.submit(script, "--requeue", "--open-mode=append")
    output = cluster.folder / f"{job}.out"
    wait_until(lambda: output.exists() and "start 0" in output.read_text())
    cluster.call("scontrol", "requeue", job)
    wait_until(lambda: "start 1" in output.read_text())
    found = [one.pid for one in processes(_folder(cluster)) if one.cmdline() == ["sleep", "1000.25"]]
    assert len(found) == 2


def test_down_ends_everything_it_started(tmp_path: Path) -> None:
    before = _daemons()
    up(tmp_path / "slurm")
    variables = user_environment(tmp_path / "slurm")
    submit = ["sbatch", "-o", "/dev/null", "--wrap=setsid sleep 1000.5 & exec sleep 1000.5"]
    subprocess.run(submit, cwd=tmp_path, env=variables, timeout=60, check=True)
    wait_until(lambda: sum(one.name() == "sleep" for one in processes(tmp_path / "slurm")) == 2)
    with pytest.raises(UserError, match="not empty"):
        up(tmp_path / "slurm")
    start_s = time.monotonic()
    down(tmp_path / "slurm")
    assert time.monotonic() - start_s < 5
    assert not _daemons() - before
    assert not [one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", "1000.5"]]
    left = {path.name for path in (tmp_path / "slurm").iterdir()}
    assert left == {"logs", "slurm.conf", "slurmdbd.conf", "gres.conf", "slurmstepd"}


def _folder(cluster: Cluster) -> Path:
    return Path(cluster.variables["PATH"].split(":")[0]).parent


def _daemons() -> set[int]:
    """Process ids of all daemons of unpacked packages, found by their program and not by the harness's own mark."""
    return {
        one.pid for one in psutil.process_iter(["exe"]) if (one.info["exe"] or "").startswith(str(unpacked_slurm()))
    }
