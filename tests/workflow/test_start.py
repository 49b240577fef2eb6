"""What a call is refused for before its first job: nothing is run or submitted then, and one sentence says why."""

import os
import subprocess
import sys

import pytest

from tests.workflow.conftest import ROOT


def call(folder, *options: str, **environment: str) -> subprocess.CompletedProcess:
    """`snakemake`, for real, in an empty folder."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder]
    command += ["--workflow-profile", ROOT / "profiles/default", "--configfile", ROOT / "config.yaml", *options]
    return subprocess.run(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | environment, timeout=120,
    )  # fmt: skip


REFUSED = {
    "too small a budget": (
        ["--config", "scale=smoke", "budget_gpu_hours=0.0001"],
        ["of 0.0001 budgeted CPU core-hours", "raise budget_gpu_hours", "`snakemake plan` says which figures fit"],
    ),
    "a cluster without its site file": (
        ["--executor", "slurm", "--jobs", "2", "--config", "scale=smoke"],
        ["slurm/site.yaml: no such file", "copy slurm/site.example.yaml"],
    ),
    "what the hub can't give": (
        ["--config", "scale=paper"],
        ["7 of 7 repositories can't be read", "meta-llama/Llama-3.1-8B-Instruct", "mlfoundations/dclm-baseline-1.0"],
    ),
}


@pytest.mark.parametrize(("options", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_call_is_refused_before_any_job(tmp_path, options, words):
    found = call(tmp_path, *options, HF_HUB_OFFLINE="1", HF_HUB_CACHE=str(tmp_path / "hub"))
    assert found.returncode and [word for word in words if word not in found.stdout] == [], found.stdout[-3000:]
    assert not (tmp_path / "results").exists() and "Traceback" not in found.stdout


def test_plan_runs_beside_another_call(tmp_path):
    """It changes nothing, so it needs no lock and no budget."""
    (tmp_path / ".snakemake").mkdir()
    lock = (
        "import sys, workflow_scripts.common.lock as l; l.hold_workflow_lock(sys.argv[1]); print(flush=True); input()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", lock, str(tmp_path / ".snakemake/workflow.lock")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    holder.stdout.readline()
    small = ["--config", "scale=smoke", "budget_gpu_hours=0"]
    planned, refused = call(tmp_path, *small, "--", "plan"), call(tmp_path, *small)
    holder.communicate(b"\n")
    assert planned.returncode == 0 and "# Plan of scale smoke" in planned.stdout, planned.stdout[-3000:]
    assert refused.returncode and f"process {holder.pid} runs this workflow" in refused.stdout
