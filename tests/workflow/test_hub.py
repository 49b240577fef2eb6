"""The hub's own client against a small hub on this machine (needs no network): the cache, offline mode, access."""

import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.workflow.conftest import run_module
from tests.workflow.hub_server import COMMIT, GATED, OPEN, UNKNOWN, Hub
from workflow_scripts.config import corpus as config
from workflow_scripts.corpus.documents import read_documents


def table(texts: list[str]) -> bytes:
    """A Parquet file of texts."""
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": texts}), sink)
    return sink.getvalue()


@pytest.fixture(scope="module")
def hub(corpus):
    """Models that hold a tokenizer and weights, one of them gated; a dataset of two files."""
    model = {"model.safetensors": b"weights", "original/model.safetensors": b"again", "picture.png": b"no"}
    model |= {"tokenizer.json": (corpus.folder / "corpus/tokenizer.json").read_bytes(), "config.json": b"{}"}
    parts = {f"data/train-{i}-of-2.parquet": table([f"text {i}a", f"text {i}b"]) for i in range(2)}
    found = Hub({OPEN: model, GATED: model, "owner/texts": parts | {"README.md": b"# Texts"}, "owner/bare": {"a": b""}})
    yield found
    found.close()


Module = Callable[..., CompletedProcess]
HUB = "workflow_scripts.common.hub"


@pytest.fixture
def run(hub, tmp_path) -> Module:
    """Run a module with the hub at hand and a cache of the test's own."""
    own = {"HF_HOME": str(tmp_path / "cache"), "HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    own |= {key: "" for key in os.environ if key.startswith("HF_") and key not in own}

    def module(name: str, *arguments: object, **environment: str) -> CompletedProcess:
        return run_module(name, *arguments, cwd=tmp_path, **own | environment)

    return module


OFFLINE = {"HF_HUB_OFFLINE": "1"}


def fetch(run: Module, kind: str, name: str, *options: str, **environment: str) -> CompletedProcess:
    return run(HUB, "fetch", "--kind", kind, "--repo", name, "--revision", COMMIT[:7], *options, **environment)


def test_model_is_fetched_once_and_found_offline(run, hub, tmp_path):
    first = fetch(run, "model", OPEN, "--output", "found.json")
    assert first.returncode == 0, first.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    names = {str(path.relative_to(found["path"])) for path in Path(found["path"]).rglob("*") if path.is_file()}
    assert names == {"model.safetensors", "tokenizer.json", "config.json"}
    assert (found["repo"], found["commit"]) == (OPEN, COMMIT) and Path(found["path"]).is_relative_to(tmp_path / "cache")
    assert found["bytes"] == sum(len(hub.repos[OPEN][name]) for name in names)
    hub.asked.clear()
    again = fetch(run, "model", OPEN, **OFFLINE)
    assert json.loads(again.stdout) == found and not hub.asked


def test_missing_snapshot_offline_names_the_command_that_fetches_it(run, hub, tmp_path):
    hub.asked.clear()
    result = fetch(run, "model", OPEN, "--offline")
    assert result.returncode == 1 and "Traceback" not in result.stderr and not hub.asked
    command = result.stderr.split("`")[1].split()
    assert command[:3] == ["python", "-m", HUB]
    assert run(HUB, *command[3:]).returncode == 0
    assert fetch(run, "model", OPEN, "--offline").returncode == 0


def test_snapshot_without_one_of_its_files_is_missing(run):
    found = json.loads(fetch(run, "model", OPEN).stdout)
    Path(found["path"], "model.safetensors").unlink()
    result = fetch(run, "model", OPEN, **OFFLINE)
    assert result.returncode == 1 and "it is not (or not wholly) in the cache" in result.stderr


CHECKS = {
    "open": ([f"model:{OPEN}@main", "dataset:owner/texts", "stream:owner/texts"], "", None),
    "licence not accepted": ([f"model:{GATED}@main"], "outsider", f"gated.*accept its licence at .*/{GATED} with"),
    "no token": ([f"model:{GATED}@main"], "", f"no token.*accept its licence at .*/{GATED}, then run `hf auth login`"),
    "admitted": ([f"model:{GATED}@main"], "member", None),
    "unknown repository": ([f"model:{UNKNOWN}@main"], "member", f"there is no .*/{UNKNOWN}, or it is private"),
    "unknown revision": ([f"model:{OPEN}@v9"], "", f"no such revision; .*/{OPEN}/commits/main"),
}


@pytest.mark.parametrize(("repos", "token", "problem"), CHECKS.values(), ids=CHECKS.keys())
def test_access_is_checked_before_a_run(run, repos, token, problem):
    result = run(HUB, "check", "--repos", *repos, HF_TOKEN=token)
    assert result.returncode == (1 if problem else 0) and "Traceback" not in result.stderr
    assert len(result.stdout.splitlines()) == (0 if problem else 1)
    if problem:
        assert re.search(problem, result.stderr), result.stderr


def test_every_problem_is_told_at_once(run):
    repos = [f"model:{GATED}", f"tokenizer:{UNKNOWN}@1", f"model:{OPEN}@v9", f"dataset:{OPEN}"]
    result = run(HUB, "check", "--repos", *repos, HF_TOKEN="outsider")
    assert "3 of 4 repositories can't be read" in result.stderr
    assert [name in result.stderr for name in (GATED, UNKNOWN, "revision v9", f"dataset {OPEN}")] == [True] * 3 + [
        False
    ]


def test_what_the_cache_holds_is_not_asked_for(run, hub):
    fetch(run, "tokenizer", GATED, HF_TOKEN="member")
    hub.asked.clear()
    result = run(HUB, "check", "--repos", f"tokenizer:{GATED}@{COMMIT[:7]}", HF_TOKEN="outsider")
    assert result.returncode == 0 and not hub.asked


def test_hub_out_of_reach_is_said(run):
    result = run(HUB, "check", "--repos", f"model:{OPEN}", HF_ENDPOINT="http://127.0.0.1:9")
    assert result.returncode == 1 and "the hub can't be reached" in result.stderr and "Traceback" not in result.stderr


def test_repository_without_weights_is_refused(run):
    result = fetch(run, "model", "owner/bare")
    assert result.returncode == 1 and "has no file that ends in .safetensors" in result.stderr


def read_corpus(run: Module, source: config.Source, **environment: str) -> CompletedProcess:
    options = ("--name", "hub", "--output", "documents.parquet", "--counts", "counts.json")
    return run("workflow_scripts.corpus.read", "--settings", source.model_dump_json(), *options, **environment)


SOURCE = config.Source(kind="hub", dataset="owner/texts", revision=COMMIT[:7])


def test_dataset_is_read_from_the_cache_in_order_also_offline(run, tmp_path):
    missing = read_corpus(run, SOURCE, **OFFLINE)
    assert missing.returncode == 1 and "workflow_scripts.common.hub fetch --kind dataset" in missing.stderr
    for environment in ({}, OFFLINE):
        result = read_corpus(run, SOURCE, **environment)
        assert result.returncode == 0, result.stderr
        rows = list(read_documents(tmp_path / "documents.parquet"))
        assert [row["text"] for row in rows] == ["text 0a", "text 0b", "text 1a", "text 1b"]
        (tmp_path / "documents.parquet").unlink()


def test_huge_dataset_is_read_from_the_cache_or_says_that_it_needs_a_network(run, tmp_path):
    huge = SOURCE.model_copy(update={"stop_after": 3})
    result = read_corpus(run, huge, **OFFLINE)
    assert result.returncode == 1 and "read as a stream (stop_after), which needs a network" in result.stderr
    fetch(run, "dataset", "owner/texts")
    assert read_corpus(run, huge, **OFFLINE).returncode == 0
    assert len(list(read_documents(tmp_path / "documents.parquet"))) == 3


def test_tokenizer_comes_from_the_cache(run, corpus, tmp_path):
    settings = config.Tokenizer(kind="hub", name=OPEN, revision=COMMIT[:7]).model_dump_json()
    options = ("--settings", settings, "--train", "unused", "--output", "tokenizer.json")
    missing = run("workflow_scripts.corpus.tokenizer", *options, **OFFLINE)
    assert missing.returncode == 1 and "workflow_scripts.common.hub fetch --kind tokenizer" in missing.stderr
    for environment in ({}, OFFLINE):
        result = run("workflow_scripts.corpus.tokenizer", *options, **environment)
        assert result.returncode == 0, result.stderr
        own, theirs = (json.loads(path.read_text())["model"]["vocab"]
                       for path in (tmp_path / "tokenizer.json", corpus.folder / "corpus/tokenizer.json"))  # fmt: skip
        assert own == theirs
        (tmp_path / "tokenizer.json").unlink()


LOCATE = "import sys; from workflow_scripts.common.hub import located; print(located(*sys.argv[1:]))"


def test_generator_is_a_folder_or_a_snapshot(run, tmp_path):
    """The LLM's tokenizer is part of its snapshot; vLLM gets the folder, which holds not all of the repository."""
    (tmp_path / "locate.py").write_text(LOCATE)
    assert run("locate", "model", tmp_path, "main").stdout == f"{tmp_path}\n"
    weights = run("locate", "model", OPEN, "main")
    assert Path(weights.stdout.strip(), "model.safetensors").read_bytes() == b"weights", weights.stderr
    assert run("locate", "tokenizer", OPEN, "main", **OFFLINE).stdout == weights.stdout
