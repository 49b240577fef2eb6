"""A student that was really trained writes its own texts with vLLM: killed and resumed, by one job or by two."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.generation.conftest import ROOT, TEXTS, generation_settings
from workflow_scripts.common.files import read_json
from workflow_scripts.config.models import Student, Training
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.generation.samples import METHOD
from workflow_scripts.generation.shards import read_rows
from workflow_scripts.megadocs.tokens import TokenRow, write_stream
from workflow_scripts.training import train

TOKENS, CONTEXT = 3000, 96
JOBS = """
import argparse, json, sys
from workflow_scripts.generation.sample_student import main
for options in sys.stdin:
    main(argparse.Namespace(**json.loads(options)))
"""


@pytest.fixture(scope="module")
def student(corpus, tmp_path_factory) -> Path:
    """Has read the sentences of a few documents many times."""
    folder, tokenizer = tmp_path_factory.mktemp("student"), StudentTokenizer(corpus[1])
    sentences = [sentence for text in TEXTS for sentence in text.split(". ")]
    orders = [sentence for seed in range(20) for sentence in random.Random(seed).sample(sentences, len(sentences))]
    rows = [TokenRow(str(i), "real", -1, ids) for i, ids in enumerate(tokenizer.rows(orders))]
    metadata = {"tokenizer_sha256": tokenizer.sha256}
    tokens = write_stream(folder / "real", rows, tokenizer.vocabulary_size, metadata)["tokens"]
    shape = Student(hidden=64, feed_forward=128, layers=2, heads=2, key_value_heads=2, max_context=CONTEXT)
    recipe = Training(student="test", context=64, batch_sequences=4, mixing_block_sequences=4, compile=False)
    options = {"--real": folder / "real", "--real-tokens": tokens, "--real-epochs": 2, "--tokenizer": corpus[1]}
    models = {"--student": shape.model_dump_json(), "--training": recipe.model_dump_json(), "--output": folder}
    command = [str(part) for option in (options | models).items() for part in option]
    train.main(train.build_parser().parse_args(command))
    return folder / "model"


class Worker:
    """A process that runs the jobs it is given, one after another: imports of vLLM take longer than a job."""

    def __init__(self, student: Path) -> None:
        self.student = str(student)
        one_core = os.environ | {"OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
        options = {"cwd": ROOT, "env": one_core, "start_new_session": True, "stdin": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, "-c", JOBS], **options)

    def give(self, job: int, jobs: int, folder: Path) -> None:
        settings = generation_settings(jobs=jobs, batch_documents=4).model_dump_json()
        options = {"settings": settings, "model": self.student, "name": METHOD, "tokens": TOKENS, "job": job}
        options |= {"journal": str(folder / f"journal-{job}"), "output": str(folder)}
        self.process.stdin.write(json.dumps(options) + "\n")
        self.process.stdin.flush()

    def finish(self) -> int:
        self.process.stdin.close()
        return self.process.wait()


def kill_after_first_batch(process: subprocess.Popen, journal: Path) -> dict[Path, int]:
    """Kill a job without warning; its finished batches, with their times."""
    deadline = time.monotonic() + 240
    while not list(journal.glob("*.json")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return {path: path.stat().st_mtime_ns for path in journal.glob("*.json")}


def samples(path: Path) -> dict[str, str]:
    return {row["doc_id"]: row["text"] for row in read_rows(path)}


def test_killed_and_shared_among_jobs_gives_the_same_texts(student, tmp_path):
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    killed, worker = Worker(student), Worker(student)
    killed.give(0, 2, shared)
    worker.give(0, 1, alone)
    worker.give(1, 2, shared)
    finished = kill_after_first_batch(killed.process, shared / "journal-0")
    assert finished and not (shared / "self_distilled-0.parquet").exists(), "killed too early or too late"
    worker.give(0, 2, shared)
    assert worker.finish() == 0
    assert {path: path.stat().st_mtime_ns for path in finished} == finished, "finished batches were sampled again"

    whole = samples(alone / "self_distilled-0.parquet")
    first, second = (samples(shared / f"self_distilled-{job}.parquet") for job in (0, 1))
    assert not set(first) & set(second), "a text of both jobs"
    together = first | second
    common = set(whole) & set(together)
    assert len(common) > 0.8 * len(whole) and all(whole[name] == together[name] for name in common)
    assert len(set(together.values())) > 0.5 * len(together), "texts repeat: seeds make no difference"
    records = [read_json(shared / f"self_distilled-{job}.json") for job in (0, 1)]
    assert all(record["stream_tokens"] >= TOKENS / 2 for record in records)
    tokenizer = StudentTokenizer(student / "tokenizer.json")
    rows = tokenizer.rows([text for text in together.values() if text.strip()])
    assert sum(map(len, rows)) == sum(record["stream_tokens"] for record in records) >= TOKENS
    assert "library" in " ".join(together.values()), "the student writes what it has read"
    rows = read_rows(alone / "self_distilled-0.parquet")
    assert {row["finish_reason"] for row in rows} == {"stop", "length"} and max(r["tokens"] for r in rows) < CONTEXT
