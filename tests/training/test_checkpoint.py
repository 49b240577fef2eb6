"""A checkpoint is used whole and unharmed, or not at all; the last two are kept."""

import resource
from pathlib import Path

import pytest
import torch

from workflow_scripts.training.checkpoint import PATTERN, read_checkpoint, write_checkpoint
from workflow_scripts.training.prepare import identity, prepare
from workflow_scripts.training.train import main


@pytest.fixture
def folder(tmp_path) -> Path:
    """With one checkpoint of training `mine` after 7 steps."""
    write_checkpoint(tmp_path, 7, "mine", {"step": 7}, {"weight/a": torch.arange(1000.0), "step/a": torch.tensor(7.0)})
    return tmp_path


def test_what_is_read_is_what_was_written(folder):
    """Record and tensors; two checkpoints stay, and none that a foreign training or a damaged disk left."""
    record, state = read_checkpoint(folder, "mine")
    assert record == {"step": 7} and state["step/a"] == 7 and torch.equal(state["weight/a"], torch.arange(1000.0))
    (folder / "checkpoint-000000099.safetensors").write_bytes(b"of another training")
    for step in (8, 9):
        write_checkpoint(folder, step, "mine", {"step": step}, state)
        names = [f"checkpoint-{n:09d}.safetensors" for n in (step - 1, step)]
        assert sorted(path.name for path in folder.iterdir()) == names
        assert read_checkpoint(folder, "mine")[0] == {"step": step}


def test_full_disk(folder):
    """A checkpoint of 8 KB does not fit: the folder holds what it held before."""
    before, limits = {path: path.read_bytes() for path in folder.iterdir()}, resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        with pytest.raises(OSError, match="checkpoint-000000008.safetensors"):
            write_checkpoint(folder, 8, "mine", {"step": 8}, {"weight/a": torch.zeros(2000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


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
    mine, same = identity(prepare(parse(tmp_path))), {"compile": True, "seeds": [3]}
    options = {"threads": 2, "micro_batch_sequences": 2, "checkpoint_minutes": 1.0, "end_time": 1.0, "name": "other"}
    assert identity(prepare(parse(tmp_path, training=same, **options))) == mine
    torch.set_num_threads(1)
    others = [
        {"lr": 0.02}, {"seed": 1}, {"weight_decay": 0.1}, {"real_epochs": 3}, {"real_tokens": 256},
        {"mixing_ratio": 0.5}, {"student": {"rope_theta": 5.0}}, {"training": {"beta2": 0.9}},
        {"training": {"recipe": 99}}, {"training": {"precision": "bf16"}}, {"training": {"curve_points": 3}},
        {"training": {"cross_document_attention": False}},
    ]  # fmt: skip
    found = {identity(prepare(parse(tmp_path, **other))) for other in others}
    assert len(found) == len(others) and mine not in found
