"""However often and however badly a training is interrupted, its results are those of one that was not."""

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.training.conftest import ROOT, launch_command, train_command
from workflow_scripts.training import interruption
from workflow_scripts.training import owner as ownership
from workflow_scripts.training.attempts import read_attempts
from workflow_scripts.training.checkpoint import PATTERN, read_checkpoint
from workflow_scripts.training.interruption import INTERRUPTED
from workflow_scripts.training.job import Deadline
from workflow_scripts.training.outcome import read_outcome
from workflow_scripts.training.owner import read_owner
from workflow_scripts.training.prepare import identity, prepare
from workflow_scripts.training.record import Progress, Record
from workflow_scripts.training.train import main
from workflow_scripts.training.trainer import Trainer

LONG = {"real_epochs": 12, "lr": 0.001}  # 192 steps
OFTEN = {"checkpoint_minutes": 1e-9}  # after every step
RESULTS = ("metrics.json", "curve.csv", "model/model.safetensors")


def stop(command: list[str], when: Callable[[], bool], do: Callable[[subprocess.Popen], None]) -> tuple[int, str]:
    """Start a training, do something to it when `when()` is true; its exit status and messages."""
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        while not when() and process.poll() is None:
            time.sleep(0.002)
        do(process)
        return process.wait(timeout=120), process.stderr.read()


def steps_saved(folder: Path) -> list[int]:
    """Steps of the checkpoints in a folder."""
    return sorted(int(path.stem.split("-")[1]) for path in folder.glob(PATTERN))


def newest(folder: Path) -> int:
    """Steps of the newest checkpoint, 0 without one."""
    return max(steps_saved(folder), default=0)


def same_results(found: Path, expected: Path) -> None:
    """All that later stages read."""
    for file in RESULTS:
        assert (found / file).read_bytes() == (expected / file).read_bytes(), file


@pytest.fixture(scope="session")
def uninterrupted(train) -> Path:
    """Results of the longer training, in one go."""
    return train("uninterrupted", **LONG)


def test_an_unlucky_training_ends_with_the_same_bytes(arguments, command, uninterrupted, tmp_path):
    """kill -9 under the launcher; told to end; at its job's end; then the newest checkpoint has lost its end."""
    folder, attempts = tmp_path / "checkpoint", tmp_path / "attempts.jsonl"
    options = arguments(tmp_path, checkpoint=folder, **LONG)
    launch = launch_command([*options, "--checkpoint-minutes=1e-9"], f"--attempts={attempts}")
    status, _ = stop(launch, lambda: newest(folder) >= 10, lambda _: os.kill(read_owner(folder)["pid"], signal.SIGKILL))
    before = newest(folder)
    assert status == 128 + signal.SIGKILL and 10 <= before < 192 and read_outcome(folder) is None
    assert read_owner(folder)["progress"]["steps"] == 192
    assert len(steps_saved(folder)) in (2, 3)  # three where it was killed before the oldest one went

    status, messages = stop(launch, lambda: newest(folder) >= before + 10, lambda p: p.send_signal(signal.SIGTERM))
    after = newest(folder)
    assert status == INTERRUPTED and before < after < 192, messages
    assert f"continues after step {before} of 192" in messages
    assert f"interrupted after step {after} of 192, saved in {folder}, since a signal asked for it" in messages
    assert {path.suffix for path in folder.iterdir()} == {".safetensors", ".json"}  # what the killed one left is gone
    assert not (folder / "owner.json").exists()

    result = subprocess.run([*launch, "--end-time=1"], cwd=ROOT, capture_output=True, text=True)  # long over
    assert result.returncode == INTERRUPTED and newest(folder) == after + 1, result.stderr
    assert "since the job's time is over" in result.stderr and "not in a SLURM job" in result.stderr

    path = folder / f"checkpoint-{after + 1:09d}.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    result = command(options)
    assert f"{path}: not used, since it is damaged" in result.stderr
    assert f"continues after step {after} of 192" in result.stderr
    assert result.returncode == 0, result.stderr
    same_results(tmp_path, uninterrupted)
    assert not folder.exists()

    lines = read_attempts(attempts)
    assert [line["outcome"] for line in lines] == ["killed", "signal", "deadline"]
    assert [(line["first_step"], line["saved_step"]) for line in lines[1:]] == [(before, after), (after, after + 1)]
    assert all(1 < line["ended_at"] - line["started_at"] < 120 for line in lines)


@pytest.mark.parametrize("masked", [False, True])
def test_each_signal_saves_and_ends(parse, tmp_path, monkeypatch, masked):
    """Without periodic checkpoints; the step in which the signal comes is finished, and the last one never saves.

    What reaches a process twice is one wish.
    """
    training, step = {"cross_document_attention": not masked}, Trainer.step
    main(parse(tmp_path / "whole", training=training))
    sent = {3: signal.SIGTERM, 9: signal.SIGINT, 10: signal.SIGUSR1, 31: signal.SIGTERM}

    def step_and_signal(self, number: int):
        if number in sent:
            signal.raise_signal(sent[number])
            signal.raise_signal(sent[number])
        return step(self, number)

    monkeypatch.setattr(Trainer, "step", step_and_signal)
    options = parse(tmp_path / "parts", checkpoint=tmp_path / "checkpoint", training=training)
    for done in (4, 10, 11):
        with pytest.raises(SystemExit) as stopped:
            main(options)
        assert stopped.value.code == INTERRUPTED and newest(tmp_path / "checkpoint") == done
    main(options)
    same_results(tmp_path / "parts", tmp_path / "whole")


def test_another_number_of_processes_continues(arguments, parse, uninterrupted, tmp_path):
    """Two, of which one is killed; then one; then two that are told to end. Checkpoints don't depend on the number."""
    folder = tmp_path / "checkpoint"
    options, end = arguments(tmp_path, checkpoint=folder, **OFTEN, **LONG), lambda p: p.send_signal(signal.SIGTERM)
    two = launch_command(options, "--gpus=2")
    status, messages = stop(
        two, lambda: newest(folder) >= 5, lambda _: os.kill(read_owner(folder)["pid"], signal.SIGKILL)
    )
    assert status not in (0, INTERRUPTED) and read_outcome(folder) is None, messages  # to be left alone is no error
    assert "the next attempt continues from the last checkpoint" in messages.splitlines()[-1]
    for command in ([*train_command(), *options], two):
        before = newest(folder)
        status, messages = stop(command, lambda before=before: newest(folder) >= before + 10, end)
        assert status == INTERRUPTED and f"continues after step {before} of 192" in messages, messages
    record, _ = read_checkpoint(folder, identity(prepare(parse(tmp_path, **LONG))))
    expected = (uninterrupted / "curve.csv").read_text().splitlines()[1:]
    expected = [[float(number) for number in line.split(",")] for line in expected[: len(record["curve"])]]
    assert record["step"] == newest(folder) >= 25 and expected[-1][0] > record["step"] - 6
    assert record["curve"] == [pytest.approx(point, abs=1e-3) for point in expected]


def test_full_disk_ends_no_training(parse, fp32_run, tmp_path, capsys, monkeypatch):
    """Files of a checkpoint's size can't be written after step 3; it goes on with the older ones, and without them."""
    folder, step, limits = tmp_path / "checkpoint", Trainer.step, resource.getrlimit(resource.RLIMIT_FSIZE)

    def step_on_a_disk_that_fills(self, number: int):
        if number == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
        if number == 20:
            assert steps_saved(folder) == [2, 3] and not list(folder.glob(".*.partial"))
            if ending:
                signal.raise_signal(signal.SIGTERM)
        if number == 30:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        return step(self, number)

    monkeypatch.setattr(Trainer, "step", step_on_a_disk_that_fills)
    options = parse(tmp_path, checkpoint=folder, **OFTEN)
    try:
        for ending in (True, False):
            if ending:
                with pytest.raises(SystemExit) as stopped:
                    main(options)
                assert stopped.value.code == INTERRUPTED
                messages = capsys.readouterr().err
                assert "warning: step 20 is not saved" in messages and "the checkpoint after step 3 stays" in messages
                assert "after step 21 of 32, not saved, since a signal asked for it; the same command" in messages
                assert read_outcome(folder)["saved_step"] == 3
            else:
                main(options)
                messages = capsys.readouterr().err
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "continues after step 3 of 32" in messages and "warning: step 29 is not saved" in messages
    assert "step 31 is not saved" not in messages
    same_results(tmp_path, fp32_run)


def test_the_other_one_finishes_meanwhile(arguments, parse, uninterrupted, tmp_path, capsys):
    """A workflow died and was called again while its training went on: that student is not trained twice."""
    folder, options = tmp_path / "checkpoint", {"checkpoint": tmp_path / "checkpoint", **LONG}
    with subprocess.Popen(
        [*train_command(), *arguments(tmp_path, **options)], cwd=ROOT, stderr=subprocess.DEVNULL
    ) as p:
        while p.poll() is None and not (read_owner(folder) or {"progress": {}})["progress"]:
            time.sleep(0.01)
        main(parse(tmp_path, **options))
        assert p.wait() == 0
    messages = capsys.readouterr().err
    assert f"waits, since process {p.pid}" in messages and "another process has finished this training" in messages
    assert "tokens/s" not in messages and not folder.exists()
    same_results(tmp_path, uninterrupted)


def test_a_student_that_another_process_took_over(parse, tmp_path, monkeypatch):
    """This process had stood still; it leaves, and what is now the other one's stays as it is."""
    folder, step = tmp_path / "checkpoint", Trainer.step

    def step_and_lose(self, number: int):
        if number == 3:
            while read_owner(folder)["token"] != "another":  # it may be renewing just now
                ownership.create_file(folder / "new", read_owner(folder) | {"token": "another"})
                os.replace(folder / "new", folder / "owner.json")
                time.sleep(0.1)
        return step(self, number)

    monkeypatch.setattr(ownership, "RENEWED_EVERY_S", 0.01)
    monkeypatch.setattr(Trainer, "step", step_and_lose)
    with pytest.raises(SystemExit) as stopped:
        main(parse(tmp_path, checkpoint=folder))
    assert stopped.value.code == INTERRUPTED and newest(folder) == 4
    assert read_owner(folder)["token"] == "another" and read_outcome(folder) is None


def test_deadline(monkeypatch):
    """By hand: saving once took 40 s and a step 10 s, so that 100 s are kept; at least 30 s; without an end, never."""
    now = 1000.0
    monkeypatch.setattr("workflow_scripts.training.job.time", lambda: now)
    assert Deadline(1100.0, 40.0, 10.0).is_near() and not Deadline(1100.1, 40.0, 10.0).is_near()
    assert Deadline(1030.0, 0.1, 0.1).is_near() and not Deadline(1030.1, 0.1, 0.1).is_near()
    assert not Deadline(None, 40.0).is_near()


def test_progress(parse, tmp_path, monkeypatch):
    """By hand: continued after 10 of 192 steps of 128 tokens; from step 12 to 22 in 5 s; so 170 steps take 85 s."""
    now, record = 100.0, Record(step=10, curve=[(6, 768, 5.5, 1.0)])
    monkeypatch.setattr("workflow_scripts.training.record.time.monotonic", lambda: now)
    progress = Progress(prepare(parse(tmp_path, **LONG)), record, "mine")
    assert progress.facts()["tokens_per_second"] is progress.facts()["eta_seconds"] is None
    record.step = 12
    assert progress.facts()["eta_seconds"] is None
    record.step, now = 22, 105.0
    expected = {"step": 22, "steps": 192, "tokens": 2816, "tokens_per_second": 256.0, "eta_seconds": 85.0, "gpus": 0}
    expected |= {"loss_nats": 5.5, "identity": "mine", "output": str(tmp_path)}
    assert progress.facts() == expected


def test_the_same_wish_much_later_ends_at_once(parse, tmp_path, monkeypatch):
    """A person who asks twice does not want to wait for the step."""
    ended = []
    monkeypatch.setattr(interruption, "SAME_REQUEST_S", -1)
    monkeypatch.setattr(signal, "raise_signal", ended.append)
    keeper = interruption.Keeper.__new__(interruption.Keeper)
    keeper.signalled_at = None
    keeper._note(signal.SIGTERM, None)
    assert not ended
    keeper._note(signal.SIGTERM, None)
    assert ended == [signal.SIGTERM] and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
