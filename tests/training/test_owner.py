"""One process at a time trains a student, whatever happens to the others."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.training.conftest import ROOT
from workflow_scripts.common.errors import UserError
from workflow_scripts.training import owner as module
from workflow_scripts.training.owner import Owner, is_live, owned, read_owner

OWN = """
import sys, time
from workflow_scripts.common.errors import UserError
from workflow_scripts.training.owner import owned
with owned(sys.argv[1]):
    with open(sys.argv[2], "a") as log: log.write("begin\\n")
    time.sleep(float(sys.argv[3]))
    with open(sys.argv[2], "a") as log: log.write("end\\n")
"""


def start(folder: Path, log: Path, seconds: float) -> subprocess.Popen:
    """A process that owns the folder for so long."""
    return subprocess.Popen([sys.executable, "-c", OWN, str(folder), str(log), str(seconds)], cwd=ROOT)


def wait_for(condition) -> None:
    """At most 20 s."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def elsewhere(folder: Path, expires_in_s: float, **more) -> dict:
    """An owner on another machine."""
    now = time.time()
    content = Owner(folder).process | {"host": "node7", "machine": "node7", "pid": 12, "job": "345", "progress": {}}
    content |= {"renewed_at": now + expires_in_s - 120, "expires_at": now + expires_in_s} | more
    folder.mkdir(exist_ok=True)
    (folder / "owner.json").write_text(json.dumps(content))
    return content


def test_the_second_waits_for_the_first(tmp_path, capfd):
    """It says for whom, once, and goes on when the first one ends; then nothing is left."""
    first = start(tmp_path / "student", tmp_path / "log", 1)
    wait_for(lambda: read_owner(tmp_path / "student"))
    with owned(tmp_path / "student"):
        assert (tmp_path / "log").read_text() == "begin\nend\n"
        assert read_owner(tmp_path / "student")["pid"] == os.getpid()
    assert first.wait() == 0 and not (tmp_path / "student").exists()
    assert capfd.readouterr().err.count(f"waits, since process {first.pid} on {socket.gethostname()}, started") == 1


def test_an_owner_that_stays_is_named(tmp_path):
    """Another machine's process counts until it expires; files of the student are left alone."""
    content = elsewhere(tmp_path, expires_in_s=60)
    with pytest.raises(UserError, match=r"owner.json: process 12 of job 345 on node7, started .* still trains"):
        with owned(tmp_path, wait_s=0.1):
            pass
    assert read_owner(tmp_path) == content and len(list(tmp_path.iterdir())) == 1


def test_an_owner_that_expired_is_replaced(tmp_path, capsys):
    """Also when a process died between its claim and its own file, a while later."""
    content = elsewhere(tmp_path, expires_in_s=-10)
    (tmp_path / f".owner-{content['token']}-1").touch()  # the turn of the first two minutes after the last renewal
    with pytest.raises(UserError, match="still trains"), owned(tmp_path, wait_s=0.1):
        pass
    elsewhere(tmp_path, expires_in_s=-130, token=content["token"])
    with owned(tmp_path, wait_s=0.1):
        assert read_owner(tmp_path)["pid"] == os.getpid() and len(list(tmp_path.iterdir())) == 1
    assert "process 12 of job 345 on node7" in capsys.readouterr().err


def test_a_damaged_file_that_nobody_renews_is_replaced(tmp_path):
    """One that is fresh may be about to be replaced by its owner."""
    path = tmp_path / "owner.json"
    path.write_text('{"token": "ab')
    with pytest.raises(UserError, match="a file that can't be read still trains"), owned(tmp_path, wait_s=0.1):
        pass
    os.utime(path, (0, time.time() - 130))
    with owned(tmp_path, wait_s=0.1):
        assert read_owner(tmp_path)["pid"] == os.getpid()


def test_a_dead_process_is_replaced_at_once(tmp_path):
    """On the same machine its death is known, also before its parent has looked."""
    first = start(tmp_path / "student", tmp_path / "log", 60)
    wait_for(lambda: (tmp_path / "log").exists())
    assert is_live(read_owner(tmp_path / "student"))
    first.send_signal(signal.SIGKILL)
    with owned(tmp_path / "student", wait_s=5):
        assert first.wait() == -signal.SIGKILL


def test_many_that_want_the_same_student(tmp_path):
    """All see the same expired owner at once; they own the student one after the other."""
    elsewhere(tmp_path / "student", expires_in_s=-500)
    processes = [start(tmp_path / "student", tmp_path / "log", 0.05) for _ in range(6)]
    assert [process.wait() for process in processes] == [0] * 6
    assert (tmp_path / "log").read_text() == "begin\nend\n" * 6


def test_what_is_shown_is_renewed(tmp_path, monkeypatch):
    """Expiry and progress, by a thread; a reader always finds a whole file."""
    monkeypatch.setattr(module, "RENEWED_EVERY_S", 0.001)
    with owned(tmp_path / "student") as owner:
        before, seen = read_owner(tmp_path / "student"), set()
        owner.progress = lambda: {"step": int(1e6 * time.time())}
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            now = json.loads((tmp_path / "student" / "owner.json").read_text())
            seen.add(now["progress"].get("step"))
        assert now["expires_at"] > before["expires_at"] and now["expires_at"] == now["renewed_at"] + 120
        assert len(seen) > 10


def test_an_owner_that_was_replaced_knows(tmp_path):
    """A process that was stopped for long and goes on does not overwrite the new owner."""
    with owned(tmp_path) as owner:
        owner.renew()
        assert not owner.lost
        content = elsewhere(tmp_path, expires_in_s=60)
        owner.renew()
        assert owner.lost
    assert read_owner(tmp_path) == content
