"""The one retry policy: what is run again, where, and what is not."""

import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.training.conftest import ROOT, launch_command, losses
from workflow_scripts.common.errors import UserError
from workflow_scripts.training import launch
from workflow_scripts.training.attempts import Attempt, read_attempts
from workflow_scripts.training.job import end_time, job_id
from workflow_scripts.training.micro_batch import OutOfMemoryEnd, end_out_of_memory, micro_batch
from workflow_scripts.training.outcome import write_outcome
from workflow_scripts.training.owner import Owner

ENDS = """
import os, signal, sys
from workflow_scripts.training.outcome import forget_outcome, write_outcome
folder, outcome, first, saved = sys.argv[1:]
forget_outcome(folder)
if outcome == "killed": os.kill(os.getpid(), signal.SIGKILL)
if outcome == "finished": sys.exit(0)
if outcome == "failed": sys.exit(2)
write_outcome(folder, outcome, f"what is said of {outcome}", first_step=int(first), saved_step=int(saved))
sys.exit(1)  # as torchrun, whatever its processes exited with
"""


@pytest.fixture
def ended(tmp_path, monkeypatch):
    """Launch trainings that end as given; exit status or message of the launcher."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(launch, "REQUEUED_WITHIN_S", 0)
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        monkeypatch.delenv(name)

    def run(*outcomes: str, attempt: int = 1, steps: tuple[int, int] = (3, 5)) -> int | str:
        left, words = list(outcomes), [str(n) for n in steps]
        monkeypatch.setattr(
            launch,
            "command",
            lambda gpus, options, module: [sys.executable, "-c", ENDS, options[1], left.pop(0), *words],
        )
        options = ["--attempt", str(attempt), "--attempts", str(tmp_path / "attempts.jsonl"), "--gpus=2"]
        with pytest.raises((SystemExit, UserError)) as stopped:
            launch.main(
                launch.build_parser().parse_args([*options, "--", "--checkpoint", str(tmp_path / "checkpoint")])
            )
        assert not left
        return stopped.value.code if isinstance(stopped.value, SystemExit) else str(stopped.value)

    return run


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> Path:
    """Commands of SLURM that note what they are asked; job 17 ends at 12:30 and may not be held."""
    folder = tmp_path / "bin"
    folder.mkdir()
    scripts = {
        "scontrol": '[ "$2" != 18 ] || { echo "Job is not requeueable" >&2; exit 1; }',
        "squeue": "case $2 in *=17) echo 2026-11-21T12:30:00;; *) echo NOT_SET;; esac",
    }
    for name, script in scripts.items():
        (folder / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {folder}/asked\n{script}\n')
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder / "asked"


def test_finished_signalled_killed(ended, tmp_path, capfd):
    """0, 75, the signal's status; each is a line of the attempts' file."""
    assert [ended(outcome) for outcome in ("finished", "signal", "taken_over", "killed")] == [0, 75, 75, 137]
    assert "the next attempt continues from the last checkpoint" in capfd.readouterr().err
    lines = read_attempts(tmp_path / "attempts.jsonl")
    assert [line["outcome"] for line in lines] == ["finished", "signal", "taken_over", "killed"]
    assert [line["status"] for line in lines] == [0, 75, 75, 137]
    assert all(line["gpus"] == 2 and line["ended_at"] > line["started_at"] for line in lines)
    assert all(line["made_by"]["source_sha256"] and "torch" in line["made_by"]["packages"] for line in lines)


def test_out_of_memory_is_started_again_in_place(ended, tmp_path):
    """Until it fits or something else happens."""
    for outcomes, status in ((["out_of_memory", "out_of_memory", "finished"], 0), (["out_of_memory", "signal"], 75)):
        assert ended(*outcomes) == status
        lines = read_attempts(tmp_path / "attempts.jsonl")
        assert [line["outcome"] for line in lines[-len(outcomes) :]] == outcomes


def test_an_error_is_not_tried_again(ended, tmp_path):
    """Not by a later attempt of the same call; a new call begins with attempt 1, which tries."""
    assert ended("error") == "error: what is said of error"
    assert ended(attempt=2) == "what is said of error (not run again: attempt 2 would end as the one before)"
    assert ended("finished", attempt=1) == 0


def test_ends_that_the_training_could_not_tell():
    """By hand: status, whether the launcher was told to end, processes; what is noted."""
    cases = [
        (75, False, 1, "signal", 75), (1, True, 8, "signal", 75), (1, False, 8, "killed", 1),
        (2, False, 1, "failed", 2), (-9, False, 1, "killed", 137), (-9, True, 1, "killed", 137),
        (0, True, 1, "finished", 0),
    ]  # fmt: skip
    for status, signalled, gpus, outcome, told in cases:
        for said in (None, {"outcome": "error", "message": "of long ago", "at": 0.0}):
            attempt = Attempt("launch", 1, gpus)
            attempt.end(status, signalled, said)
            assert (attempt.outcome, attempt.status) == (outcome, told), (status, signalled, gpus)


def test_an_unknown_end_is_no_error_of_the_training(ended, tmp_path):
    """Killed, or ended before it could say how: the next attempt runs."""
    assert ended("killed") == 137
    assert ended("finished", attempt=2) == 0


def test_deadline_has_slurm_run_the_job_again(ended, slurm, monkeypatch, capsys):
    """Once, by its own name; not outside SLURM, not after a signal, not when no step was won."""
    assert ended("deadline") == 75 and not slurm.exists()
    assert "not in a SLURM job" in capsys.readouterr().err
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    assert ended("signal") == 75 and ended("deadline", steps=(5, 5)) == 75 and not slurm.exists()
    assert "advanced by no step" in capsys.readouterr().err
    assert ended("deadline") == 75 and slurm.read_text() == "scontrol requeue 17\n"
    assert "SLURM runs it again" in capsys.readouterr().err
    monkeypatch.setenv("SLURM_JOB_ID", "18")
    assert ended("deadline") == 75
    assert "not run again by itself (Job is not requeueable); the next attempt continues" in capsys.readouterr().err
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "16")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "4")
    assert ended("deadline") == 75 and slurm.read_text().splitlines()[-1] == "scontrol requeue 16_4"


def test_end_of_the_job(slurm):
    """As the environment says, else squeue; a job without an end has none."""
    assert end_time({"SLURM_JOB_END_TIME": "123", "SLURM_JOB_ID": "17"}) == 123 and not slurm.exists()
    assert end_time({"SLURM_JOB_ID": "17"}) == datetime(2026, 11, 21, 12, 30).timestamp()
    assert end_time({"SLURM_JOBID": "9"}) is None and end_time({}) is None
    assert slurm.read_text().count("squeue") == 2
    assert job_id({"SLURM_ARRAY_JOB_ID": "16", "SLURM_ARRAY_TASK_ID": "0", "SLURM_JOB_ID": "17"}) == "16_0"


def test_lost_attempts_are_counted(ended, tmp_path):
    """Machine and launcher died together: the training's last sign of life says how long it had run; once."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    now = time.time()
    owner = Owner(folder).process | {"launch": "lost", "machine": "node7", "host": "node7", "started_at": now - 900}
    owner |= {"renewed_at": now - 300, "expires_at": now - 180, "progress": {"gpus": 8}}
    (folder / "owner.json").write_text(json.dumps(owner))
    ended("killed")
    ended("killed")
    lines = read_attempts(tmp_path / "attempts.jsonl")
    assert [line["launch"] == "lost" for line in lines] == [True, False, False]
    assert lines[0]["ended_at"] - lines[0]["started_at"] == pytest.approx(600) and lines[0]["gpus"] == 8
    assert lines[0]["host"] == "node7" and lines[0]["outcome"] == "killed"


def test_an_attempt_that_saved_is_counted_though_its_launcher_was_killed(ended, tmp_path):
    """As when SLURM puts a job back into the queue: the training saves in time, its launcher dies with the job."""
    who = {"launch": "told", "host": "node7", "job": "17", "started_at": time.time() - 60, "gpus": 2}
    write_outcome(tmp_path / "checkpoint", "signal", "interrupted", first_step=0, saved_step=5, **who)
    ended("killed")
    lines = read_attempts(tmp_path / "attempts.jsonl")
    assert [line["launch"] == "told" for line in lines] == [True, False]
    assert (lines[0]["outcome"], lines[0]["saved_step"], lines[0]["gpus"]) == ("signal", 5, 2)


def test_a_folder_to_continue_from_is_needed(ended, tmp_path):
    """Without it no training could be run again."""
    with pytest.raises(UserError, match="needs --checkpoint"):
        launch.main(launch.build_parser().parse_args(["--", "--name=x", "--checkpoint-minutes=3"]))


def test_the_launcher_is_small():
    """It stays in memory beside the training, and starts at once."""
    code = "import sys, workflow_scripts.training.launch; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_a_real_error_ends_the_log(arguments, tmp_path):
    """Too few tokens: a sentence at the end, in a real training; the second attempt does not start it."""
    options = arguments(tmp_path / "out", real_tokens=1024, checkpoint=tmp_path / "checkpoint")
    found = [
        subprocess.run(launch_command(options, f"--attempt={n}"), cwd=ROOT, capture_output=True, text=True)
        for n in (1, 2)
    ]
    assert [result.returncode for result in found] == [1, 1]
    for result in found:
        last = result.stderr.strip().splitlines()[-1]
        assert last.startswith("error: ") and "holds 600 tokens, --real-tokens asks 1,024" in last
    assert "not run again" in found[1].stderr and len(found[1].stderr.splitlines()) == 1


SHORT_OF_MEMORY = """
import os, resource, torch
from pathlib import Path
from workflow_scripts.training import session, train

def run_short_of_memory(trainer, *words):
    if os.environ.get("RANK", "1") == "1":  # of two processes the second one alone
        taken = Path("/proc/self/status").read_text().split("VmSize:")[1].split()[0]
        resource.setrlimit(resource.RLIMIT_AS, (1024 * int(taken) + 1000 * 2**20, -1))
    needed = torch.empty(trainer.setup.micro_batch_sequences * trainer.setup.world.size * 400 * 2**20, dtype=torch.int8)
    return run_steps(trainer, *words)

run_steps, session.run_steps = session.run_steps, run_short_of_memory
train.run_command(train.main, train.build_parser())
"""


@pytest.mark.parametrize("processes", [1, 2])
def test_too_little_memory(arguments, fp32_run, tmp_path, monkeypatch, capfd, processes):
    """A batch of 4 at once needs 1.6 GB and 1 GB is left: an allocation fails; half of it fits, in the same call."""
    script, attempts = tmp_path / "train.py", tmp_path / "attempts.jsonl"
    script.write_text(SHORT_OF_MEMORY)
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"] if processes == 2 else []
    monkeypatch.setattr(
        launch, "command", lambda gpus, options, module: [sys.executable, *torchrun, str(script), *options]
    )
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    options = arguments(tmp_path / "out", checkpoint=tmp_path / "checkpoint")
    with pytest.raises(SystemExit) as stopped:
        launch.main(launch.build_parser().parse_args([f"--gpus={processes}", f"--attempts={attempts}", "--", *options]))
    messages = capfd.readouterr().err
    assert stopped.value.code == 0, messages
    assert [line["outcome"] for line in read_attempts(attempts)] == ["out_of_memory", "finished"]
    assert f"student: {4 // processes} sequences at once do not fit into memory" in messages
    assert "can't allocate memory" in messages and f"takes {2 // processes} of the same batch" in messages
    assert losses(tmp_path / "out") == pytest.approx(losses(fp32_run), abs=1e-5)
    assert not (tmp_path / "checkpoint").exists()


def test_not_even_one_sequence_fits(tmp_path):
    """An error that says what to do; without a folder to remember, the option to give."""
    error = MemoryError("no room for 3 GB")
    with pytest.raises(UserError, match=r"x: not even one sequence .*no room for 3 GB.: give the job more memory"):
        end_out_of_memory("x", 1, tmp_path, error)
    with pytest.raises(UserError, match="start again with --micro-batch-sequences 3"):
        end_out_of_memory("x", 6, None, error)
    with pytest.raises(OutOfMemoryEnd):
        end_out_of_memory("x", 6, tmp_path, error)
    assert [micro_batch(share, None, tmp_path) for share in (6, 4, 2, 5)] == [3, 2, 2, 1]
    assert micro_batch(6, 2, tmp_path) == 2 and micro_batch(6, None, None) == 6
