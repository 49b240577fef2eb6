"""A working folder at the smoke scale, and how Snakemake is called in one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[2]
SMOKE = ["--configfile", ROOT / "config.yaml", "--config", "scale=smoke"]


def snakemake(folder: Path, *options: object, code: Path = ROOT) -> list[str]:
    """Command line of the workflow of a copy of the code, with two cores, in a folder."""
    base = [sys.executable, "-m", "snakemake", "--snakefile", code / "Snakefile", "--directory", folder, "--cores", "2"]
    return list(map(str, [*base, "--workflow-profile", code / "profiles/default", *options]))


def run(folder: Path, *options: object, code: Path = ROOT) -> str:
    """What it prints; it has to end without an error."""
    result = subprocess.run(snakemake(folder, *options, code=code), capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-6000:]
    return result.stdout + result.stderr


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A working folder in which the smoke scale was killed with -9 in the middle and then called again."""
    folder = tmp_path_factory.mktemp("smoke")
    process = subprocess.Popen(
        snakemake(folder, *SMOKE), start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    journal = folder / "results/smoke/generations/journal"
    deadline = time.monotonic() + 300
    while len(list(journal.glob("*.json"))) < 1 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run(["pkill", "-9", "-f", str(folder)])  # nothing of it lives on
    assert list(journal.glob("*.json")), "killed before generation had begun"
    for path in (folder / "results").rglob("[!.]*.parquet"):
        pq.read_metadata(path)  # whole, or not there
    for path in (folder / "results").rglob("[!.]*.json"):
        json.loads(path.read_text())
    run(folder, *SMOKE)
    return folder
