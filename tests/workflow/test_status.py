"""`snakemake status`: what a person sees while students train, wait, fail and are interrupted."""

import os
import re
import resource
import time
from argparse import Namespace
from pathlib import Path

import pytest

from tests.workflow.conftest import ROOT, run_module
from workflow_scripts.common.files import write_json
from workflow_scripts.config.load import load_config
from workflow_scripts.config.models import Config
from workflow_scripts.config.studies import expand_runs
from workflow_scripts.planning.plan import make_plan
from workflow_scripts.planning.work import Work
from workflow_scripts.status import show as status
from workflow_scripts.status.hours import hours_used
from workflow_scripts.status.screen import clock, duration
from workflow_scripts.status.situation import observe
from workflow_scripts.status.totals import hours_left
from workflow_scripts.training.attempts import Attempt, append_attempt
from workflow_scripts.training.outcome import write_outcome
from workflow_scripts.training.owner import Owner

NOW = 1_795_269_600.0  # Saturday 21 November 2026, 14:00 UTC
REAL = "real-D{}k-e{}-lr0.003-wd0.4-s0"


class Site:
    """A made-up scale in a folder of its own, written by what trainings write with."""

    def __init__(self, folder: Path, config: Config) -> None:
        self.folder, self.config = folder, config
        self.results, self.checkpoints = f"results/{config.scale}", f"results/{config.scale}/checkpoints"
        self.runs = [run.run_id for run in expand_runs(config)]

    def done(self, run: str) -> None:
        """Metrics of a student."""
        write_json(f"{self.results}/runs/{run}/metrics.json", {"name": run})

    def training(self, run: str, gpus: int = 0, **progress) -> Owner:
        """This process as the one that trains a student since an hour."""
        owner = Owner(f"{self.checkpoints}/{run}")
        owner.process["started_at"] = NOW - 3600
        owner.progress = lambda: {"gpus": gpus} | progress
        owner.acquire(0)
        return owner

    def died(self, run: str, gpus: int = 0, **more) -> None:
        """A training of another machine whose last sign of life is half an hour old."""
        content = Owner(f"{self.checkpoints}/{run}").process | {"machine": "node7", "launch": "lost"}
        times = {"started_at": NOW - 3600, "renewed_at": NOW - 1800, "expires_at": NOW - 1680}
        write_json(f"{self.checkpoints}/{run}/owner.json", content | times | {"progress": {"gpus": gpus}} | more)

    def attempted(
        self, run: str, outcome: str, message: str, gpus: int = 0, hours: float = 1, ago: float = 600
    ) -> None:
        """An attempt at a student as its launcher notes it, and as the training itself said."""
        end = NOW - ago
        if outcome in ("error", "deadline"):
            write_outcome(f"{self.checkpoints}/{run}", outcome, message)
        facts = {"outcome": outcome, "message": message, "started_at": end - 3600 * hours, "ended_at": end}
        append_attempt(f"{self.results}/attempts/{run}.jsonl", Attempt(launch=run, attempt=1, gpus=gpus, **facts))

    def checkpoint(self, run: str, step: int) -> None:
        """A checkpoint, of which nothing but its name is read."""
        path = Path(self.checkpoints, run, f"checkpoint-{step:09d}.safetensors")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def queue(self, *rows: tuple[str, str, str], status: int = 0) -> None:
        """An `squeue` that shows these jobs: state, folder and comment."""
        lines = [f"{41 + number}|{'|'.join(row)}" for number, row in enumerate(rows)]
        (self.folder / "bin").mkdir(exist_ok=True)
        Path("bin/squeue.txt").write_text("".join(line + "\n" for line in lines))
        expected = '[ "$1 $2 $6" = "--noheader --array %i|%T|%Z|%k" ] || exit 2'
        Path("bin/squeue").write_text(f"#!/bin/sh\n{expected}\ncat {self.folder}/bin/squeue.txt\nexit {status}\n")
        Path("bin/squeue").chmod(0o755)

    def files(self) -> dict[Path, tuple]:
        """All files, with what would show that one was touched."""
        paths = (path for path in Path("results").rglob("*") if path.is_file())
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}

    def show(self, capsys, **options) -> str:
        """The screen."""
        names = {"config": self.config.model_dump_json(), "results": self.results, "checkpoints": self.checkpoints}
        status.main(Namespace(**(names | {"all": False} | options)))
        return capsys.readouterr().out

    def student(self, run: str):
        """What is known of one student."""
        return observe(self.config, self.results, self.checkpoints).students[run]


STUDIES = {  # so that the screen does not depend on those of the config
    "ordering": {
        "title": "",
        "rows": [{"stream": ["stitched_real_first"], "generations": [2], "tuned_as": "stitched"}],
    },
    "masked": {
        "title": "",
        "rows": [{"stream": ["stitched"], "generations": [2], "cross_document_attention": [False]}],
    },
    "no_real_stream": {"title": "t", "rows": [{"stream": ["stitched"], "generations": [2], "alone": True}]},
    "ensembles": {"title": "", "ensembles": True, "rows": [{"stream": ["real"], "seeds": [0, 1]}]},
    "self_distillation": {"title": "t", "rows": [{"stream": ["self_distilled"]}]},
}


@pytest.fixture
def site(tmp_path, monkeypatch, shipped):
    """Makes a scale's folder, at a fixed time, on a terminal of 120 columns, without SLURM."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "time", lambda: NOW)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    table = {"hyperparameters": str(ROOT / "results/shipped/hyperparameters.csv")}
    shipped["scales"]["smoke"] |= {"studies": STUDIES, "comparison": None}
    yield lambda scale="smoke", **more: Site(tmp_path, load_config(shipped | table | {"scale": scale} | more))
    monkeypatch.undo()
    time.tzset()


ERROR = "not even one sequence fits into memory (mmap failed): give the job more memory"


def build(place: Site) -> None:
    """Two students done, one trains, one has just been started, two wait, two failed alike, two were interrupted."""
    real, streams = [REAL.format(size, 2) for size in ("1.024", "2.048", "4.096", "8.192")], place.runs[4:10]
    for run in real[:2]:
        place.done(run)
        place.attempted(run, "finished", "")
    place.training(real[2], step=1500, steps=24576, tokens_per_second=41234.5, loss_nats=3.21678, eta_seconds=11520)
    place.died(real[3])
    place.checkpoint(real[3], 900)
    place.checkpoint(real[3], 1800)
    here = str(place.folder)
    place.queue(
        ("PENDING", here, f"rule_train_student_wildcards_{streams[0]}"),
        ("PENDING", here, f"rule_train_student_wildcards_{streams[1]}"),
        ("PENDING", "/elsewhere", f"rule_train_student_wildcards_{streams[4]}"),
        ("RUNNING", here, f"rule_train_student_wildcards_{place.runs[10]}"),
        ("RUNNING", here, "rule_generate_texts_wildcards_0"),
        ("PENDING", here, "rule_write_run_table"),
        ("RUNNING", here, "(null)"),
    )
    place.attempted(streams[1], "error", "an earlier error; the job that waits is its second chance")
    for run in streams[2:4]:
        place.attempted(run, "error", f"{run}: {ERROR}")
    place.attempted(streams[5], "deadline", "interrupted after step 0", hours=0.5)
    write_json(f"{place.results}/logs/status.log", {})  # its own log is no sign of life
    for path in place.files():
        os.utime(path, (NOW - 7200, NOW - 7200))
    os.utime(f"{place.results}/runs/{real[1]}/metrics.json", (NOW - 125, NOW - 125))
    os.utime(f"{place.results}/logs/status.log", (NOW, NOW))


SCREEN = """\
scale smoke, Sat 21 Nov 14:00: results in results/smoke, checkpoints in results/smoke/checkpoints

study                   students  planned  queued  running  done  failed
data_efficiency               10        3       2        1     2       2
generation_scaling             7        2       2        -     1       2
ordering                       1        -       -        1     -       -
masked                         1        1       -        -     -       -
no_real_stream                 1        1       -        -     -       -
ensembles                      2        1       -        -     1       -
self_distillation              1        1       -        -     -       -
all, each student once        15        7       2        2     2       2

SynPro                all  done
pretrainings            6     0
generators trained      1     0
jobs that write sets    2     0

running                                                              step  tokens/s        loss   time left   ends
real-D4.096k-e2-lr0.003-wd0.4-s0                          1,500 of 24,576    41,234  3.217 nats  3 h 12 min  17:12
stitched_real_first-G2-D2.048k-e2-m0.75-lr0.003-wd0.4-s0    job 44 starts         -           -           -      -

failed
stitched-G1-D2.048k-e2-m0.75-lr0.003-wd0.4-s0 and 1 more for the same reason: not even one sequence fits into memory
    (mmap failed): give the job more memory
    log: results/smoke/logs/train_student/stitched-G1-D2.048k-e2-m0.75-lr0.003-wd0.4-s0.log

interrupted, among the planned ones
real-D8.192k-e2-lr0.003-wd0.4-s0             continues from step 1,800  it was killed
latent-G2-D2.048k-e2-m0.75-lr0.003-wd0.4-s0  begins anew                its job's time was over

CPU core-hours     7.0 used, lost work included; N left as planned; budget 20
generation         0 of 1 jobs done, 1 running
self-distillation  0 of 1 jobs done
newest file        2 min ago, runs/real-D2.048k-e2-lr0.003-wd0.4-s0/metrics.json
"""


def test_screen(site, capsys):
    """Every state; nothing is written."""
    place = site(budget_gpu_hours=20)
    build(place)
    before = place.files()
    assert re.sub(r"[\d.,]+ left", "N left", place.show(capsys)) == SCREEN  # the estimate has tests of its own
    assert place.files() == before


def test_nothing_has_begun(site, capsys):
    """No folder, no cluster: everything is planned."""
    out = site().show(capsys)
    assert "all, each student once        15       15       -        -     -       -" in out
    assert "0 used, lost work included" in out and out.endswith("newest file        none\n")
    assert not any(word in out for word in ("tokens/s", "log:", "interrupted", "note"))


@pytest.mark.parametrize(
    "content", [b'{"pid": 12, "mach', b"{}", b"[]", b"\xff\x00", b'{"machine": 1, "expires_at": "x"}']
)
def test_a_damaged_owner_is_named(site, capsys, content):
    """It also keeps the student from being trained, so the user must know."""
    place = site()
    place.checkpoint(place.runs[0], 7)
    Path(place.checkpoints, place.runs[0], "owner.json").write_bytes(content)
    out = place.show(capsys)
    assert f"note: {place.checkpoints}/{place.runs[0]}/owner.json can't be read" in out
    assert "continues from step 7" in out


def test_half_a_line_of_attempts(site, capsys):
    place = site()
    place.attempted(place.runs[0], "error", "no such file")
    with open(f"{place.results}/attempts/{place.runs[0]}.jsonl", "a") as handle:
        handle.write('{"launch": "4')
    out = place.show(capsys)
    assert f"{place.runs[0]}: no such file" in out and f"attempts/{place.runs[0]}.jsonl can't be read" in out


def test_squeue_that_does_not_answer(site, capsys):
    place = site()
    place.queue(("PENDING", str(place.folder), f"rule_train_student_wildcards_{place.runs[0]}"), status=1)
    out = place.show(capsys)
    assert "note: squeue does not say what is queued (exit status 1)" in out
    assert "all, each student once        15       15       -" in out


def test_the_newest_sign_counts(site):
    """An error is forgotten when a later training was killed, and so is a death when a later one failed."""
    place = site()
    first, second = place.runs[:2]
    place.attempted(first, "failed", "its messages are above", ago=3000)
    assert place.student(first).state == "failed" and "exit status" in place.student(first).message
    place.died(first)
    assert place.student(first).interrupted
    place.died(second)
    place.attempted(second, "error", "no such file")
    assert place.student(second).state == "failed"
    place.done(second)
    assert place.student(second).state == "done"


def test_a_failed_student_trains_again(site, capsys):
    """Its numbers are not there before its first step."""
    place = site()
    place.attempted(place.runs[0], "error", "no such file")
    place.training(place.runs[0])
    out = place.show(capsys)
    assert "no such file" not in out
    assert out.split("running ")[2].splitlines()[1].split() == [place.runs[0], "starts", "-", "-", "-", "-"]


def test_students_outside_the_run_table(site, capsys):
    """Candidates of the tuning search train, too."""
    place = site()
    place.done("real-D2.048k-e4-lr0.003-wd0.4-s0")
    place.training("real-D2.048k-e1-lr0.003-wd0.4-s0", step=3, steps=8)
    out = place.show(capsys)
    assert "not in the run table           2        -       -        1     1       -" in out
    assert "real-D2.048k-e1-lr0.003-wd0.4-s0  3 of 8" in out


def test_hours_used(site):
    """All GPUs of all attempts; of a dead one until its last sign of life; of a running one until now; texts once."""
    place = site("paper")
    lost, running, mended = place.runs[:3]
    place.attempted(lost, "killed", "", gpus=8, hours=2)
    place.died(lost, gpus=8)  # half an hour
    place.training(running, gpus=2)  # an hour
    place.attempted(mended, "out_of_memory", "", gpus=1, hours=0.25)
    place.attempted(mended, "finished", "", gpus=1, hours=0.75)
    shards = {"rephrase-0.0": (1800, 60), "latent_thoughts-3.1": (1740, 0), "self_distilled-1": (3600, 0)}
    for name, (seconds, start) in shards.items():
        write_json(f"{place.results}/generations/{name}.json", {"seconds": seconds, "engine_start_seconds": start})
    write_json(f"{place.results}/generations/card.json", {"rephrase": {}})
    seen = observe(place.config, place.results, place.checkpoints)
    used = hours_used(place.config, seen.tree, place.results, seen.students.values(), seen.now)
    assert used == pytest.approx(8 * 2 + 8 * 0.5 + 2 * 1 + 1 + 2)


def test_hours_left(site):
    """Half of a training that runs, a quarter of one that was interrupted, nothing of what is done."""
    place = site()
    running, interrupted, done, planned = place.runs[:4]
    place.training(running, step=50, steps=100)
    place.checkpoint(running, 10)
    place.checkpoint(interrupted, 75)
    students = {run: place.student(run) for run in place.runs}
    work = [Work("training", run, (), steps=100, device_hours=8.0, done=run == done) for run in place.runs[:4]]
    work.append(Work("evaluation", running, (), device_hours=0.5))
    assert hours_left(work, students) == 4 + 2 + 8 + 0.5
    assert hours_left(make_plan(place.config, place.results).work, students) > 0


def test_generation_jobs(site, capsys):
    """A job is done when all its shards are there with their records."""
    place = site("paper")
    for job, parts in {0: 4, 1: 3}.items():
        for name in (f"{method}-{job}.{part}" for method in ("rephrase", "latent_thoughts") for part in range(parts)):
            Path(place.results, "generations").mkdir(parents=True, exist_ok=True)
            Path(place.results, f"generations/{name}.parquet").touch()
            write_json(f"{place.results}/generations/{name}.json", {"seconds": 1, "engine_start_seconds": 0})
    comment = "rule_generate_texts_wildcards_1"  # of all members of an array
    place.queue(*[(state, str(place.folder), comment) for state in ("RUNNING", "PENDING", "PENDING")])
    assert "generation         1 of 40 jobs done, 1 running, 2 queued" in place.show(capsys)


def test_numbers_for_people(site):
    site()
    spans = {-5: "0 s", 59: "59 s", 61: "1 min", 3599: "1 h 0 min", 11520: "3 h 12 min", 3600 * 53: "2 d 5 h"}
    assert {seconds: duration(seconds) for seconds in spans} == spans
    assert clock(NOW + 3 * 3600, NOW) == "17:00" and clock(NOW + 12 * 3600, NOW) == "Sun 22 Nov 02:00"


def test_the_paper_in_full(site, capsys):
    """All students of both papers in every state: one screen of 120 columns, in under 2 s of computing."""
    place = site("paper")
    for number, run in enumerate(place.runs):
        for _ in range(5):
            place.attempted(run, "killed", "", gpus=8)
        if number % 4 == 0:
            place.done(run)
        elif number % 4 == 1:
            place.died(run, gpus=8, expires_at=4e9, progress={"step": 1, "steps": 9, "eta_seconds": number})
        elif number % 4 == 2:
            place.attempted(run, "error", f"{run}: reason {number} " + "because " * 40, ago=1)
        else:
            place.checkpoint(run, 5)
    short, every = place.show(capsys).splitlines(), place.show(capsys, all=True).splitlines()

    assert max(map(len, short)) <= 120 and len(short) <= 56
    failed = len(range(2, len(place.runs), 4))
    more = next(int(line.split()[1]) for line in short if re.fullmatch(r"and \d+ more", line))
    assert failed - 8 <= more < failed and len(every) > len(place.runs) - failed
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    options = [
        "--config",
        place.config.model_dump_json(),
        "--results",
        place.results,
        "--checkpoints",
        place.checkpoints,
    ]
    assert run_module("workflow_scripts.status.show", *options, cwd=place.folder).returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2


def test_help(tmp_path):
    shown = run_module("workflow_scripts.status.show", "--help", cwd=tmp_path)
    assert shown.returncode == 0 and "it changes nothing" in shown.stdout
