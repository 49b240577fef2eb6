"""Resuming equals never having stopped; a checkpoint that is damaged or of another training is not used."""

import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch

from tests.training.conftest import ROOT, train_command
from workflow_scripts.training.checkpoint import PATTERN, read_checkpoint, write_checkpoint
from workflow_scripts.training.interruption import INTERRUPTED, SIGNALS
from workflow_scripts.training.prepare import identity, prepare
from workflow_scripts.training.train import main
from workflow_scripts.training.trainer import Trainer

LONG = {"real_epochs": 12, "lr": 0.001}  # 192 steps
OFTEN = {"checkpoint_minutes": 1e-9}  # after every step
RESULTS = ("metrics.json", "curve.csv", "model/model.safetensors")


@pytest.fixture(autouse=True)
def own_signals():
    """Trainings inside this process leave its signals as they were."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def stop(options: list[str], number: signal.Signals, when, processes: int = 1) -> tuple[int, str]:
    """Start a training, send it a signal when `when()` is true; its exit status and messages."""
    command = [*train_command(processes), *options]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        while not when() and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(number)
        return process.wait(timeout=120), process.stderr.read()


def newest(folder: Path) -> int:
    """Steps of the newest checkpoint, 0 without one."""
    return max((int(path.stem.split("-")[1]) for path in folder.glob(PATTERN)), default=0)


@pytest.fixture(scope="session")
def uninterrupted(train) -> Path:
    """Results of the longer training, in one go."""
    return train("uninterrupted", **LONG)


def test_killed_and_interrupted_training_ends_with_the_same_bytes(arguments, command, uninterrupted, tmp_path):
    """kill -9 in mid-training; the next process is asked to end; the third one finishes."""
    folder = tmp_path / "checkpoint"
    options = arguments(tmp_path, checkpoint=folder, training=OFTEN, **LONG)
    status, _ = stop(options, signal.SIGKILL, lambda: newest(folder) >= 20)
    assert status == -signal.SIGKILL and 20 <= newest(folder) < 192
    before = newest(folder)
    status, messages = stop(options, signal.SIGTERM, lambda: newest(folder) >= before + 10)
    assert status == INTERRUPTED, messages
    after = newest(folder)
    assert f"continues after step {before} of 192" in messages
    assert f"interrupted after step {after} of 192, saved in {folder}" in messages and before < after < 192
    assert len(list(folder.iterdir())) == 1  # what the killed process left is gone too
    result = command(options)
    assert result.returncode == 0, result.stderr
    for file in RESULTS:
        assert (tmp_path / file).read_bytes() == (uninterrupted / file).read_bytes(), file
    assert not folder.exists()


@pytest.mark.parametrize("masked", [False, True])
def test_each_signal_saves_and_ends(parse, tmp_path, monkeypatch, masked):
    """Without periodic checkpoints; the step in which the signal comes is finished, and the last one never saves."""
    training, step = {"cross_document_attention": not masked}, Trainer.step
    main(parse(tmp_path / "whole", training=training))
    sent = {3: signal.SIGTERM, 9: signal.SIGINT, 10: signal.SIGUSR1, 31: signal.SIGTERM}

    def step_and_signal(self, number: int):
        if number in sent:
            signal.raise_signal(sent[number])
        return step(self, number)

    monkeypatch.setattr(Trainer, "step", step_and_signal)
    options = parse(tmp_path / "parts", checkpoint=tmp_path / "checkpoint", training=training)
    for done in (4, 10, 11):
        with pytest.raises(SystemExit) as stopped:
            main(options)
        assert stopped.value.code == INTERRUPTED and newest(tmp_path / "checkpoint") == done
    main(options)
    for file in RESULTS:
        assert (tmp_path / "parts" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes(), file


def test_interrupted_processes_are_continued_by_one(arguments, command, uninterrupted, tmp_path):
    """torchrun hands the signal on; weights and moments don't depend on the number of processes."""
    folder = tmp_path / "checkpoint"
    options = arguments(tmp_path, checkpoint=folder, training=OFTEN, **LONG)
    status, messages = stop(options, signal.SIGTERM, lambda: newest(folder) >= 20, processes=2)
    assert status != 0 and messages.count("interrupted after step") == 1
    assert 20 <= newest(folder) < 192
    result = command(options)
    assert result.returncode == 0 and "continues after step" in result.stderr
    found, expected = (
        [float(line.split(",")[2]) for line in (path / "curve.csv").read_text().splitlines()[1:]]
        for path in (tmp_path, uninterrupted)
    )
    assert found == pytest.approx(expected, abs=1e-3)


@pytest.fixture
def folder(tmp_path) -> Path:
    """With one checkpoint of training `mine` after 7 steps."""
    write_checkpoint(tmp_path, 7, "mine", {"step": 7}, {"weight/a": torch.arange(1000.0), "step/a": torch.tensor(7.0)})
    return tmp_path


def test_what_is_read_is_what_was_written(folder):
    """Record and tensors; the next checkpoint takes the place of the last."""
    record, state = read_checkpoint(folder, "mine")
    assert record == {"step": 7} and state["step/a"] == 7 and torch.equal(state["weight/a"], torch.arange(1000.0))
    write_checkpoint(folder, 8, "mine", {"step": 8}, state)
    assert [path.name for path in folder.iterdir()] == ["checkpoint-000000008.safetensors"]
    assert read_checkpoint(folder, "mine")[0] == {"step": 8}


def test_checkpoint_of_another_training(folder, capsys):
    """Not used, and the message says why."""
    assert read_checkpoint(folder, "yours") is None
    assert "not used, since it is of another training: student, recipe, options or streams" in capsys.readouterr().err


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 100, 2000, -1])
def test_half_written_checkpoint(folder, capsys, cut):
    """Cut at the start, in the header, in the tensors, before the last byte."""
    (path,) = folder.glob(PATTERN)
    path.write_bytes(path.read_bytes()[:cut])
    assert read_checkpoint(folder, "mine") is None
    assert f"{path}: not used, since it is damaged" in capsys.readouterr().err


def test_every_changed_byte_is_noticed(folder):
    """One bit, anywhere in the file; the older checkpoint is used instead."""
    (older,) = folder.glob(PATTERN)
    good = older.read_bytes()
    newer = folder / "checkpoint-000000008.safetensors"
    for place in [*range(0, len(good), 97), len(good) - 1]:
        newer.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        found = read_checkpoint(folder, "mine", tell=False)
        assert found is not None
        older.rename(folder / "away")
        assert read_checkpoint(folder, "mine", tell=False) is None, place
        (folder / "away").rename(older)


def test_foreign_checkpoint_changes_nothing(parse, arguments, fp32_run, tmp_path, capsys):
    """A training with another learning rate left one in the same folder; a new one starts from the beginning."""
    folder = tmp_path / "checkpoint"
    other = prepare(parse(tmp_path, lr=0.02))
    write_checkpoint(folder, 31, identity(other), {"step": 31}, {"weight/a": torch.zeros(1)})
    main(parse(tmp_path, checkpoint=folder))
    assert "another training" in capsys.readouterr().err
    assert (tmp_path / "curve.csv").read_bytes() == (fp32_run / "curve.csv").read_bytes()
    assert not folder.exists()


def test_identity(parse, tmp_path):
    """What is trained changes it; how it runs does not."""
    options = {"gpus": 2, "threads": 2, "compile": True, "micro_batch_sequences": 2, "checkpoint_minutes": 1.0}
    mine = identity(prepare(parse(tmp_path)))
    assert identity(prepare(parse(tmp_path, training=options | {"seeds": [3]}, name="other"))) == mine
    torch.set_num_threads(1)
    others = [
        {"lr": 0.02}, {"seed": 1}, {"weight_decay": 0.1}, {"real_epochs": 3}, {"real_tokens": 256},
        {"mixing_ratio": 0.5}, {"student": {"rope_theta": 5.0}}, {"training": {"beta2": 0.9}},
        {"training": {"recipe": 99}}, {"training": {"precision": "bf16"}}, {"training": {"curve_points": 3}},
        {"training": {"cross_document_attention": False}},
    ]  # fmt: skip
    found = {identity(prepare(parse(tmp_path, **other))) for other in others}
    assert len(found) == len(others) and mine not in found
