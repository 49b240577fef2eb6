"""A vLLM server for several jobs: how it starts and ends, and what happens when it dies.

That two jobs of the workflow share one is tested with the whole workflow, in tests/smoke.
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.generation.conftest import LLM, ROOT
from tests.processes import processes_in
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import read_json, write_json
from workflow_scripts.generation import serve
from workflow_scripts.generation.engines import Task, server_engine
from workflow_scripts.generation.engines.server_engine import ServerEngine
from workflow_scripts.generation.engines.server_file import wait_for_server


@pytest.fixture
def stub(tmp_path):
    """A stub server, kept by `serve`, and its file."""
    port = serve.free_port("127.0.0.1")
    command = [sys.executable, str(Path(__file__).with_name("stub_server.py")), str(port)]
    process = serve.start(command, dict(os.environ), tmp_path / "server.log")
    server = {"url": f"http://127.0.0.1:{port}", "log": str(tmp_path / "server.log")}
    write_json(tmp_path / "server.json", server)
    yield process, server, str(tmp_path / "server.json")
    serve.stop(process)
    assert process.poll() is not None


def test_client_keeps_seeds_repeats_what_a_busy_server_refused_and_notices_its_death(stub, monkeypatch):
    process, server, file = stub
    monkeypatch.setattr(server_engine, "PAUSES_S", (0.1, 0.2))
    engine = ServerEngine(file, LLM)
    for number in range(5):
        engine.add(number, Task([1, 2, 3], 7, 100 + number))
    found = {}
    while len(found) < 5:
        found |= dict(engine.step())
    assert {number: answer.text for number, answer in found.items()} == {n: f"seed {100 + n}" for n in range(5)}
    assert {answer.tokens for answer in found.values()} == {7}
    engine.add(5, Task([666], 7, 1))
    threading.Timer(1.0, process.kill).start()
    started = time.monotonic()
    with pytest.raises(UserError, match=r"http://127.0.0.1:\d+ no longer answers .* Finished batches are kept"):
        engine.step()
    assert time.monotonic() - started < 20
    engine.close()
    with pytest.raises(UserError, match=r"the vLLM server .*exit status -9.* the end of .*server.log:\nstub is"):
        serve.keep(process, file, server)


def test_server_that_does_not_start_is_reported_to_its_clients(tmp_path):
    """The command itself, with a model that is an empty folder."""
    (tmp_path / "none").mkdir()
    words = ["--settings", serve.Generation(llm="x", generated=1, counts=[1]).model_dump_json()]
    words += ["--llm", LLM.model_dump_json(), "--model", str(tmp_path / "none"), "--accelerator", "cpu"]
    words += ["--log", str(tmp_path / "log"), "--output", str(tmp_path / "server.json")]
    command = [sys.executable, "-m", "workflow_scripts.generation.serve", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "server.json").exists() and process.poll() is None:
        time.sleep(0.1)
    with pytest.raises(UserError, match=r"the vLLM server did not start \(exit status 1\); the end of .*log:\n"):
        wait_for_server(str(tmp_path / "server.json"), timeout_s=120)
    assert process.wait(30) == 1 and "did not start" in process.stderr.read()
    assert processes_in(tmp_path) == []


def test_model_that_is_not_there_is_reported_to_the_servers_clients(tmp_path, monkeypatch):
    """As in offline mode, when the cache lacks it."""
    settings = serve.Generation(llm="x", generated=1, counts=[1]).model_dump_json()
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    options = {"settings": settings, "llm": LLM.model_dump_json(), "model": str(tmp_path / "none"), "port": None}
    options |= {"accelerator": "cpu", "host": "127.0.0.1", "log": "log", "output": str(tmp_path / "server.json")}
    with pytest.raises(UserError, match="/none' is neither a folder nor a repository of the hub"):
        serve.main(argparse.Namespace(**options))
    assert "neither a folder" in read_json(tmp_path / "server.json")["error"]


def test_ending_the_command_ends_the_server(tmp_path):
    """With a command of the server's kind that would run for ever: the very process group is gone."""
    process = serve.start(["bash", "-c", "sleep 1000 & sleep 1000"], dict(os.environ), tmp_path / "log")
    assert os.killpg(process.pid, 0) is None
    serve.stop(process)
    assert process.returncode == -signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        for _ in range(100):  # ended children are of the group until the system has taken note
            os.killpg(process.pid, 0)
            time.sleep(0.1)
