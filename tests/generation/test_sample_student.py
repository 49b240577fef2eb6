"""A student that was really trained writes its own texts with vLLM: killed and resumed, by one job or by two."""

import random
from pathlib import Path

import pytest

from tests.generation.conftest import TEXTS, Worker, generation_settings
from workflow_scripts.common.files import read_json
from workflow_scripts.config.models import Student, Training
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.generation.shards import read_rows
from workflow_scripts.megadocs.tokens import TokenRow, write_stream
from workflow_scripts.training import train

TOKENS, CONTEXT = 3000, 96


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


def sampling(student: Path, job: int, jobs: int, folder: Path) -> list:
    settings = generation_settings(jobs=jobs, batch_documents=4).model_dump_json()
    options = ["generation.sample_student", "--settings", settings, "--model", student, "--tokens", TOKENS]
    return [*options, "--job", job, "--journal", folder / f"journal-{job}", "--output", folder]


def samples(path: Path) -> dict[str, str]:
    return {row["doc_id"]: row["text"] for row in read_rows(path)}


def test_killed_and_shared_among_jobs_gives_the_same_texts(student, tmp_path):
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    killed, worker = Worker(), Worker()
    killed.give(*sampling(student, 0, 2, shared))
    worker.give(*sampling(student, 0, 1, alone))
    worker.give(*sampling(student, 1, 2, shared))
    finished = killed.kill_after_first_batch(shared / "journal-0")
    assert finished and not (shared / "self_distilled-0.parquet").exists(), "killed too early or too late"
    worker.give(*sampling(student, 0, 2, shared))
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
