"""The site file: clear errors before anything is submitted, and what jobs get from it."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.workflow.conftest import ROOT
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.site import Site, read_site
from workflow_scripts.planning.cluster import check_site

LIMITS = {"gpus_per_node": 8, "cpus_per_node": 64, "memory_gb": 500, "runtime_hours": {"gpu": 24, "cpu": 12}}
SMALLEST = {"partitions": {"gpu": "h200", "cpu": "batch"}, "limits": LIMITS}
CLUSTER = {
    "sinfo": "printf 'batch*\\nh200\\nlong\\n'",
    "sacctmgr": 'case "$*" in *qos*) printf "normal\\nurgent\\n";; *) printf "physics\\nlinguistics\\n";; esac',
}


def site(**facts) -> Site:
    """The smallest valid site with further facts."""
    return Site.model_validate(SMALLEST | facts)


def write_site(folder: Path, content: dict) -> Path:
    """A site file."""
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """Commands that answer as a small cluster's do; tests may exchange one."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def install(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    for name, script in CLUSTER.items():
        install(name, script)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return install


def test_the_example_is_valid_also_with_every_optional_line(tmp_path, monkeypatch):
    monkeypatch.setenv("WORK", "/shared/me")
    monkeypatch.setenv("SCRATCH", "/scratch/me")
    lines = (ROOT / "slurm/site.example.yaml").read_text(encoding="utf-8").splitlines()
    optional = {f"# {key}:" for key in Site.model_fields if key not in {"partitions", "limits", "gpu_request"}}
    filled = [line[2:] if any(line.startswith(start) for start in optional) else line for line in lines]
    (tmp_path / "site.yaml").write_text("\n".join(filled), encoding="utf-8")
    assert read_site(ROOT / "slurm/site.example.yaml").account is None
    found = read_site(tmp_path / "site.yaml")
    assert found.model_fields_set == set(Site.model_fields)
    assert (found.cache, found.scratch) == ("/shared/me/megadocs-cache", "/scratch/me")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"acount": "x"}, ["acount", "unknown key", "spelling"]),
        ({"gpu_request": "gpus"}, ["gpu_request", "'gpu' or 'gres'", "'gpus'"]),
        ({"gpu_model": "a100-80gb"}, ["gpu_model", "'a100-80gb'", "`constraint`"]),
        ({"cache": "shared/cache"}, ["cache", "absolute path", "'shared/cache'"]),
        ({"scratch": "$NO_SUCH_VARIABLE/x"}, ["scratch", "$VARIABLES", "'$NO_SUCH_VARIABLE/x'"]),
        ({"email": "me at home"}, ["email", "address", "'me at home'"]),
        ({"limits": LIMITS | {"memory_gb": 0}}, ["limits.memory_gb", "greater than 0"]),
        ({"limits": {}}, ["limits.gpus_per_node", "limits.runtime_hours", "Field required"]),
    ],
)
def test_each_wrong_key_is_named_with_its_value(tmp_path, wrong, words):
    path = write_site(tmp_path, SMALLEST | wrong)
    with pytest.raises(UserError) as error:
        read_site(path)
    for word in [str(path), "site.example.yaml", *words]:
        assert word in str(error.value)


def test_a_missing_file_says_what_to_copy(tmp_path):
    with pytest.raises(UserError, match=r"no such file; copy slurm/site\.example\.yaml"):
        read_site(tmp_path / "site.yaml")


def test_what_the_cluster_knows_passes(cluster, tmp_path):
    check_site(site(account="physics", qos="normal", scratch=str(tmp_path / "a/b"), cache=str(tmp_path / "c")))
    assert list((tmp_path / "a/b").iterdir()) == []


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"partitions": {"gpu": "a100", "cpu": "batch"}}, "partitions.gpu: .*'a100'.* batch, h200, long"),
        ({"partitions": {"gpu": "h200", "cpu": "cpu"}}, "partitions.cpu: .*'cpu'.* batch, h200, long"),
        ({"account": "biology"}, "account: .*'biology'.* linguistics, physics"),
        ({"qos": "high"}, "qos: .*'high'.* normal, urgent"),
        ({"scratch": "/proc/version/x"}, "scratch: /proc/version/x can't be written"),
    ],
)
def test_what_the_cluster_does_not_know_is_refused(cluster, facts, words):
    with pytest.raises(UserError, match=words):
        check_site(site(**facts))


def test_a_cluster_without_accounting_is_not_asked_for_accounts(cluster):
    cluster("sacctmgr", "echo 'You are not running a supported accounting_storage plugin' >&2; exit 1")
    check_site(site(account="anything", qos="any"))


def test_a_silent_cluster_is_an_error(cluster):
    cluster("sinfo", "echo 'Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(UserError, match="Unable to contact slurm controller"):
        check_site(site())


def test_jobs_get_modules_and_shared_caches(tmp_path):
    settings = site(modules=["gcc/13"], cache="/shared/cache", hub_offline=True).shell_settings()
    modules = 'module() { echo "$1 $2 $UNSET_VARIABLE"; }; '
    shown = 'echo "$HF_HUB_CACHE $MEGADOCS_CACHE $HF_HUB_OFFLINE"'
    script = f"set -euo pipefail; {modules}{settings}{shown}; echo $UNSET_VARIABLE"
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert result.stdout.split() == ["load", "gcc/13", "/shared/cache/hub", "/shared/cache/packages", "1"]
    assert result.returncode == 1  # unset variables are errors again
    assert "UNSET_VARIABLE: unbound variable" in result.stderr
