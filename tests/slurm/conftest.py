"""A new user's copy of the repository on the throwaway SLURM, and the same work done without SLURM."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.slurm.cluster import throwaway_slurm

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
# The first look at jobs comes after 40 s otherwise, which is right for a busy cluster and long for a test.
SLURM = ["--profile", "slurm", "--slurm-init-seconds-before-status-checks", "3"]
WITHOUT_HISTORY = ["--rerun-triggers", "mtime"]  # in a copy, Snakemake has no records of what made a file
RESULTS = ("metrics.json", "curve.csv", "model/model.safetensors")  # of a student: all that later stages read
CALL_TIMEOUT_S = 600


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--everything", action="store_true", help="the whole smoke scale, with its studies, and all faults"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "more: run with --everything only (make test-slurm-faults)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("more") and not config.getoption("--everything"):
            item.add_marker(pytest.mark.skip(reason="make test-slurm-faults"))


class Project:
    """A copy of the repository, as `git clone` and `make venv environments` would give it, with a site file."""

    def __init__(self, folder: Path, environment: dict[str, str], site: str | None = "site.yaml") -> None:
        self.folder, self.results = folder, folder / "results/smoke"
        self.calls: list[Call] = []
        self.environment = environment | {"PATH": f"{ROOT}/.venv/bin:{environment['PATH']}"}
        for name in subprocess.check_output(["git", "-C", ROOT, "ls-files", "-z"], text=True).strip("\0").split("\0"):
            if (ROOT / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        for path in ROOT.glob(".venv*"):
            (folder / path.name).symlink_to(path)
        for path in HERE.glob("*.yaml"):
            shutil.copy(path, folder / "slurm")
        if site is None:
            (folder / "slurm/site.yaml").unlink()

    def command(self, *options: object, config: str = "gpus", scale: str = "scale=smoke") -> list[str]:
        """`snakemake` as a user types it, with a further config file."""
        files = ["--configfile", "config.yaml", f"slurm/{config}.yaml"]
        return ["snakemake", *files, "--config", scale, *map(str, options)]

    def call(self, *options: object, status: int = 0, **keywords: str) -> str:
        """What a call prints; it must end with this status (1: any but 0)."""
        result = subprocess.run(
            self.command(*options, **keywords), cwd=self.folder, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=CALL_TIMEOUT_S,
        )  # fmt: skip
        assert bool(result.returncode) == bool(status), result.stdout[-8000:]
        return result.stdout

    def start(self, *options: object, **keywords: str) -> "Call":
        """A call that runs on while other things happen."""
        self.calls.append(Call(self, self.command(*options, **keywords)))
        return self.calls[-1]

    def finish(self) -> None:
        """Wait for all calls, which must succeed."""
        for call in self.calls:
            call.finish()

    def leave(self) -> None:
        """End what still runs of this copy: a test that fails leaves nothing behind."""
        for call in self.calls:
            call.kill()
        if shutil.which("scancel", path=self.environment["PATH"]):
            self.tell("scancel", "--full", "--me")

    def tell(self, *command: str) -> str:
        """Output of a command of the cluster."""
        return subprocess.check_output(command, cwd=self.folder, env=self.environment, text=True, timeout=60).strip()


class Call:
    """A running call of Snakemake; its messages are in `log`."""

    def __init__(self, project: Project, command: list[str]) -> None:
        self.log = project.folder / f"call-{time.time_ns()}.log"
        with open(self.log, "w") as log:
            streams = {"stdout": log, "stderr": log, "stdin": subprocess.DEVNULL}
            self.process = subprocess.Popen(command, cwd=project.folder, env=project.environment, **streams)

    def finish(self, timeout_s: float = CALL_TIMEOUT_S) -> str:
        """Messages of the call, which must succeed."""
        try:
            assert self.process.wait(timeout=timeout_s) == 0, self.log.read_text()[-8000:]
        finally:
            self.kill()
        return self.log.read_text()

    def kill(self) -> None:
        """kill -9: nothing is tidied up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def wait_until(condition: Callable[[], object], what: str, call: Call | None = None, timeout_s: float = 120) -> None:
    """Return when the condition holds; fails when it doesn't in time, or when the call has ended."""
    end = time.monotonic() + timeout_s
    while not condition():
        messages = call.log.read_text()[-5000:] if call else ""
        assert time.monotonic() < end, f"waited in vain for {what}\n{messages}"
        assert call is None or call.process.poll() is None, f"the call ended before {what}\n{messages}"
        time.sleep(0.2)


def with_streams(project: Project, folder: Path, environment: dict[str, str], site: str | None) -> Project:
    """Another copy that has a project's documents, token streams and LLM, and nothing that was made from them."""
    other = Project(folder, environment, site)
    for part in ("packages", "llms", "smoke/corpus", "smoke/streams"):
        shutil.copytree(project.folder / "results" / part, folder / "results" / part)
    return other


def made_locally(project: Project, folder: Path, *targets: str, config: str = "gpus") -> Project:
    """Targets made from a project's own streams on one machine, without SLURM and without an interruption.

    They are there after `finish()`.
    """
    other = with_streams(project, folder, dict(os.environ), site=None)
    other.start("--cores", "2", *WITHOUT_HISTORY, "--", *(f"results/smoke/{path}" for path in targets), config=config)
    return other


def same_student(project: Project, other: Project, run: str) -> None:
    """All that later stages read of a student is the same bytes in both, for the other as soon as it is there."""
    other.finish()
    for name in RESULTS:
        found, expected = (each.results / "runs" / run / name for each in (project, other))
        assert found.read_bytes() == expected.read_bytes(), found


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment with the commands of a cluster, as long as the tests last."""
    with throwaway_slurm(tmp_path_factory.mktemp("slurm")) as variables:
        yield variables


@pytest.fixture(scope="session")
def smoke(slurm: dict[str, str], tmp_path_factory: pytest.TempPathFactory, targets: list[str]) -> Project:
    """The smoke scale, made by one call from an empty folder."""
    project = Project(tmp_path_factory.mktemp("smoke"), slurm)
    project.call(*SLURM, *targets)
    return project


@pytest.fixture(scope="session")
def targets(request: pytest.FixtureRequest) -> list[str]:
    """What the call is asked for: without studies, whose jobs are of the same kinds, it is two minutes shorter."""
    return [] if request.config.getoption("--everything") else ["--", "figures"]
