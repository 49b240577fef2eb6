"""Real generation with vLLM and the real LLM: sharding, interruption and repetition do not change a text."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.generation.conftest import LLM, ROOT, generation_settings
from workflow_scripts.common.files import read_json
from workflow_scripts.generation.shards import read_rows


def command(corpus, llm_folder: Path, output: Path, **changes) -> list:
    documents, tokenizer = corpus
    return [
        *(sys.executable, "-m", "workflow_scripts.generation.generate", "--real-tokens", "100000"),
        *("--settings", generation_settings(**changes).model_dump_json(), "--llm", LLM.model_dump_json()),
        *("--model", llm_folder, "--documents", documents, "--tokenizer", tokenizer),
        *("--journal", output / "journal", "--output", output),
    ]


def texts(output: Path) -> dict:
    rows = [row for path in sorted(output.glob("*.parquet")) for row in read_rows(path)]
    found = {(row["doc_id"], row["method"], row["generation"]): row["text"] for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.fixture(scope="module")
def undisturbed(corpus, llm_folder, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("undisturbed")
    subprocess.run(list(map(str, command(corpus, llm_folder, output))), check=True, cwd=ROOT)
    return output


def test_shards_are_complete_and_described(undisturbed):
    found = texts(undisturbed)
    assert len(found) == 6 * 2 + 6 * 3  # G=2 rephrases; thoughts at 1/2, 1/3 and 2/3
    rows = [row for path in undisturbed.glob("*.parquet") for row in read_rows(path)]
    assert all(row["text"].strip() or "empty" in row["flags"] for row in rows)
    assert {row["boundary"] for row in rows if row["method"] == "latent_thoughts"} == {"1/2", "1/3", "2/3"}
    record = read_json(undisturbed / "rephrase-0.0.json")
    assert record["rows"] == 12 and record["tokens_per_second"] > 0 and len(record["documents"]) == 6


def test_killed_and_sharded_otherwise_gives_the_same_texts(undisturbed, corpus, llm_folder, tmp_path):
    job = list(map(str, command(corpus, llm_folder, tmp_path, shards_per_job=3)))
    process = subprocess.Popen(job, cwd=ROOT, start_new_session=True)
    deadline = time.monotonic() + 240
    while not list((tmp_path / "journal").glob("*.json")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = sorted((tmp_path / "journal").glob("*.json"))
    assert finished, "killed before the first batch was done"
    for path in tmp_path.glob("*.parquet"):
        read_rows(path)  # whatever has a final name is whole
    before = {path: path.stat().st_mtime_ns for path in finished}
    subprocess.run(job, check=True, cwd=ROOT)
    assert {path: path.stat().st_mtime_ns for path in finished} == before, "finished batches were generated again"
    assert texts(tmp_path) == texts(undisturbed)
