"""The profiles as their users meet them: found by name from the root, with a reason above every entry."""

import re
import subprocess
import sys

import pytest
import yaml

from tests.workflow.conftest import ROOT

PROFILES = [ROOT / "slurm/profile.v9+.yaml", ROOT / "profiles/default/profile.v9+.yaml"]


@pytest.mark.parametrize("path", PROFILES, ids=["slurm", "default"])
def test_every_entry_has_its_reason(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    entries = [number for number, line in enumerate(lines) if re.match(r"[?\w][^#]*:", line)]
    bare = [lines[n] for n in entries if not lines[n - 1].startswith("#")]
    assert bare == ["__definitions__:"] * (path.parent.name == "default")  # it belongs to the line above


def test_profile_is_found_by_its_name_and_plans_the_paper():
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--profile",
        "slurm",
        "-n",
        "--quiet",
        "rules",
        "--config",
        "scale=paper",
    ]
    found = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    assert found.returncode == 0 and re.search(r"train_student +441\n", found.stdout), found.stdout[-3000:]


def test_profile_avoids_what_makes_the_executor_wait_for_ever():
    """Preempted jobs that nobody queues again; array members that a limit holds back; cancelled jobs under sacct."""
    profile = yaml.safe_load(PROFILES[0].read_text(encoding="utf-8"))
    assert profile["slurm-requeue"] is True and profile["slurm-status-command"] == "squeue"
    assert profile["jobs"] == "unlimited" or "slurm-array-jobs" not in profile
