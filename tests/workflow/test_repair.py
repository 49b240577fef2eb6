"""A damaged file is made again, and what was made from it stays: content decides, not the time of a file."""

import os
import subprocess
import sys

import pytest

from tests.workflow.conftest import ROOT
from workflow_scripts.audit.repair import require_repaired, set_aside
from workflow_scripts.common.errors import UserError

# A workflow in small: a stream with its record, and a student that is dear.
SNAKEFILE = """
rule all:
    input: "results/smoke/student.txt"
rule stream:
    output: "results/smoke/streams/real.tokens.bin", "results/smoke/streams/real.json"
    shell:
        "seq 300000 > {output[0]}; cat NOTE >> {output[0]};"
        "printf '{{\\"tokens_sha256\\": \\"%s\\"}}' $(sha256sum < {output[0]} | cut -c1-64) > {output[1]}"
rule student:
    input: "results/smoke/streams/real.tokens.bin"
    output: "results/smoke/student.txt"
    shell: "echo trained >> LOG; cp LOG {output}"
"""


@pytest.fixture
def folder(tmp_path):
    """The small workflow, finished, whose stream was then found damaged."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "NOTE").write_text("as it was")
    subprocess.run([sys.executable, "-m", "snakemake", "-c1"], cwd=tmp_path, check=True, capture_output=True)
    for name in ("real.tokens.bin", "real.json"):
        path = tmp_path / f"results/smoke/streams/{name}"
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime))
        path.rename(f"{path}.damaged")
    return tmp_path


def call(folder, *command: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def test_what_was_made_from_it_stays(folder):
    assert [path.name for path in set_aside(folder / "results")] == ["real.json", "real.tokens.bin"]
    assert "2 files are there again" in call(folder, "workflow_scripts.audit.repair", "-c1")
    assert "Nothing to be done" in call(folder, "snakemake", "-c1")
    assert (folder / "LOG").read_text() == "trained\n" and not set_aside(folder / "results")


def test_other_content_makes_what_follows_anew(folder):
    (folder / "NOTE").write_text("otherwise")
    assert "its content is not what it was" in call(folder, "workflow_scripts.audit.repair", "-c1")
    call(folder, "snakemake", "-c1")
    assert (folder / "LOG").read_text() == "trained\ntrained\n"


def test_other_calls_wait_for_the_repair(folder, monkeypatch):
    with pytest.raises(UserError, match=r"real.json: was found damaged .*2 files.* workflow_scripts.audit.repair"):
        require_repaired(folder / "results/smoke")
    monkeypatch.setenv("MEGADOCS_REPAIRING", "1")
    require_repaired(folder / "results/smoke")
