"""What happens to jobs on a cluster, and that each story ends with the bytes of a quiet one."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from tests.slurm.conftest import (
    ROOT,
    SLURM,
    WITHOUT_HISTORY,
    Call,
    Project,
    made_locally,
    same_student,
    wait_until,
    with_streams,
)
from workflow_scripts.training.attempts import read_attempts
from workflow_scripts.training.owner import is_live, read_owner

SHORT, LONG = (f"real-D8.192k-e{epochs}-lr0.003-wd0.4-s0" for epochs in (400, 900))
STEPS_BETWEEN_FAULTS = 300  # two seconds
DOWN_S = 12  # the controller forgets nothing of a node that was away for ten seconds


class Training:
    """A student on the cluster, trained by calls of Snakemake and watched from outside."""

    def __init__(self, project: Project, run: str, *options: str) -> None:
        self.project, self.run = project, run
        self.checkpoints = project.results / "checkpoints" / run
        self.attempts = project.results / "attempts" / f"{run}.jsonl"
        self.options = [*SLURM, *WITHOUT_HISTORY, *options, "--", f"results/smoke/runs/{run}/metrics.json"]
        self.launch: str | None = None  # name of the last one that met a fault
        self.reached = 0  # steps saved then

    def call(self) -> Call:
        return self.project.start(*self.options, config="faults")

    def step(self) -> int:
        """Steps of the newest checkpoint."""
        return max((int(path.stem.split("-")[1]) for path in self.saved()), default=0)

    def saved(self) -> list[Path]:
        return sorted(self.checkpoints.glob("checkpoint-*.safetensors"))

    def is_back(self) -> bool:
        """Whether another process than at the last fault trains, and has come further."""
        owner = read_owner(self.checkpoints)
        is_new = owner is not None and is_live(owner) and owner["launch"] != self.launch
        return is_new and self.step() >= self.reached + STEPS_BETWEEN_FAULTS

    def wait_until_back(self, call: Call) -> dict:
        """The owner that the next fault meets."""
        wait_until(self.is_back, f"{self.run} to continue after step {self.reached}", call)
        owner, self.reached = read_owner(self.checkpoints), self.step()
        self.launch = owner["launch"]
        return owner

    def never_twice_at_once(self) -> list[str]:
        """How each attempt ended; none began before the one before it had ended."""
        lines = sorted(read_attempts(self.attempts), key=lambda line: line["started_at"])
        assert all(before["ended_at"] <= after["started_at"] for before, after in pairwise(lines)), lines
        return [line["outcome"] for line in lines]


@pytest.fixture(scope="module")
def undisturbed(
    smoke: Project, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Project]:
    """Both students, in one go each, while other things happen to the same ones elsewhere."""
    runs = [SHORT, LONG] if request.config.getoption("--everything") else [SHORT]
    targets = (f"runs/{run}/metrics.json" for run in runs)
    copy = made_locally(smoke, tmp_path_factory.mktemp("undisturbed"), *targets, config="faults")
    yield copy
    copy.leave()


@pytest.fixture
def project(smoke: Project, slurm: dict[str, str], tmp_path: Path) -> Iterator[Project]:
    copy = with_streams(smoke, tmp_path, slurm, "site.yaml")
    yield copy
    copy.leave()


def test_a_student_that_meets_everything_at_once(project: Project, undisturbed: Project):
    """Requeued; kill -9 of the trainer; scancel; kill -9 of Snakemake; and its jobs are half a minute long."""
    training = Training(project, SHORT, "--set-resources", "train_student:runtime=1")
    first = training.call()
    project.tell("scontrol", "requeue", training.wait_until_back(first)["job"])
    os.kill(training.wait_until_back(first)["pid"], signal.SIGKILL)
    project.tell("scancel", training.wait_until_back(first)["job"])
    job = training.wait_until_back(first)["job"]
    first.kill()
    assert project.tell("squeue", "-h", "-j", job, "-o", "%T") == "RUNNING"
    messages = training.call().finish()
    assert f"1 jobs of an earlier call are ended and submitted again: {job}" in messages
    same_student(project, undisturbed, SHORT)
    assert not training.checkpoints.exists()
    outcomes = training.never_twice_at_once()
    assert len(outcomes) >= 6 and outcomes[-1] == "finished" and {"killed", "deadline"} < set(outcomes), outcomes


@pytest.mark.more
def test_node_goes_down_and_the_newest_checkpoint_is_truncated(project: Project, undisturbed: Project):
    """SLURM queues the job again; it continues from the checkpoint before."""
    training = Training(project, SHORT)
    call = training.call()
    owner = training.wait_until_back(call)
    with node_down(project):
        wait_until(lambda: project.tell("squeue", "-h", "-j", owner["job"], "-o", "%T") == "PENDING", "requeue", call)
        wait_until(lambda: not psutil.pid_exists(owner["pid"]), "the trainer's end", call)
        *_, before, newest = training.saved()
        newest.write_bytes(newest.read_bytes()[:-1000])
        time.sleep(DOWN_S)
    training.wait_until_back(call)
    call.finish()
    log = (project.results / f"logs/train_student/{SHORT}.log").read_text()
    assert f"{newest.name}: not used, since it is damaged" in log
    assert f"continues after step {int(before.stem.split('-')[1]):,} of" in log
    same_student(project, undisturbed, SHORT)


@pytest.mark.more
def test_a_job_that_does_not_see_its_time_limit_coming(project: Project, undisturbed: Project):
    """The limit is lowered while it runs: SLURM kills it, the executor submits it again."""
    training = Training(project, LONG)
    call = training.call()
    job = training.wait_until_back(call)["job"]
    project.tell("scontrol", "update", f"jobid={job}", "timelimit=1")
    wait_until(lambda: project.tell("squeue", "-h", "-t", "all", "-j", job, "-o", "%T") == "TIMEOUT", "the limit", call)
    training.reached = training.step()
    assert training.wait_until_back(call)["job"] != job
    call.finish()
    same_student(project, undisturbed, LONG)
    training.never_twice_at_once()


@pytest.mark.more
def test_disk_is_full_while_a_student_trains(project: Project, undisturbed: Project, tmp_path: Path):
    """Nothing is saved then, and the training goes on; killed, it continues from what was saved before."""
    with small_disk(tmp_path / "scratch") as disk:
        site = project.folder / "slurm/site.yaml"
        site.write_text(site.read_text() + f"scratch: {disk}\n")
        training = Training(project, SHORT)
        call = training.call()
        wait_until(lambda: list(disk.glob(f"*/smoke/checkpoints/{SHORT}")), "checkpoints on the small disk", call)
        (training.checkpoints,) = disk.glob(f"*/smoke/checkpoints/{SHORT}")
        owner = training.wait_until_back(call)
        fill(disk / "filler")
        log = project.results / f"logs/train_student/{SHORT}.log"
        wait_until(lambda: log.read_text().count("is not saved") >= 2, "a checkpoint that is not saved", call)
        saved = training.step()
        os.kill(owner["pid"], signal.SIGKILL)
        (disk / "filler").unlink()
        training.wait_until_back(call)
        call.finish()
        assert f"continues after step {saved:,} of" in log.read_text()
    same_student(project, undisturbed, SHORT)


@pytest.mark.more
def test_vllm_is_killed_inside_a_shard(project: Project, smoke: Project):
    """Batches that were finished are not generated again, and the shards are those of a quiet job."""
    targets = [f"results/smoke/generations/{method}-0.0.parquet" for method in ("rephrase", "latent_thoughts")]
    call = project.start(*SLURM, *WITHOUT_HISTORY, "--", *targets, config="gpus")
    journal = project.results / "generations/journal"
    wait_until(lambda: len(list(journal.glob("*.json"))) >= 2, "two batches in the journal", call, timeout_s=180)
    kept = {path: path.stat().st_mtime_ns for path in journal.glob("*.json")}
    (engine,) = (one for one in psutil.process_iter(["cmdline", "cwd"]) if is_generation(one, project.folder))
    os.kill(engine.pid, signal.SIGKILL)
    call.finish()
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    for target in targets:
        assert (project.folder / target).read_bytes() == (smoke.folder / target).read_bytes()


@pytest.mark.more
@pytest.mark.parametrize(
    ("damaged", "read_by"),
    [
        ("streams/real.tokens.bin", "runs/real-D8.192k-e2-lr0.003-wd0.4-s0/metrics.json"),
        ("generations/rephrase-0.0.parquet", "streams/stitched-G2.json"),
    ],
)
def test_truncated_file_is_found_named_and_made_again(project: Project, smoke: Project, damaged: str, read_by: str):
    """Found by checksum where it is used; set aside; made again by the repair, and then what uses it is made, too."""
    shutil.copytree(smoke.results / "generations", project.results / "generations")
    path, target = project.results / damaged, ["--", f"results/smoke/{read_by}"]
    (project.results / read_by).unlink(missing_ok=True)
    content, times = path.read_bytes(), path.stat()
    path.write_bytes(content[:-100])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # a disk that fails tells nobody
    options = [*SLURM, *WITHOUT_HISTORY, "--retries", "0"]  # each would wait a minute for the file
    printed = project.call(*options, *target, status=1, config="faults")
    assert f"results/smoke/{damaged}: the file is damaged" in printed
    assert path.with_name(f"{path.name}.damaged").exists() and not path.exists()
    assert "was found damaged and set aside" in project.call(*options, *target, status=1, config="faults")
    repair = [f"{ROOT}/.venv/bin/python", "-m", "workflow_scripts.audit.repair"]
    command = [*repair, *project.command(*options, config="faults")[1:]]
    result = subprocess.run(command, cwd=project.folder, env=project.environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert path.read_bytes() == content
    project.call(*options, *target, config="faults")
    assert (project.results / read_by).read_bytes() == (smoke.results / read_by).read_bytes()


@contextmanager
def node_down(project: Project) -> Iterator[None]:
    """The only node is set down, and resumed after the block."""
    update = ["scontrol", "update", f"nodename={project.tell('sinfo', '-h', '-p', 'gpu', '-o', '%n')}"]
    project.tell(*update, "state=down", "reason=test")
    try:
        yield
    finally:
        project.tell(*update, "state=resume")


def is_generation(process: psutil.Process, folder: Path) -> bool:
    """Whether a process runs vLLM for this project."""
    command = process.info["cmdline"] or []
    return process.info["cwd"] == str(folder) and command[1:3] == ["-m", "workflow_scripts.generation.generate"]


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 12 MiB: room for three checkpoints of 2 MiB and little else."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", folder]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with open(path, "wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(2**12))
