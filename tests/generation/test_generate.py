"""Real generation with vLLM and the real LLM: sharding, interruption and repetition do not change a text."""

from pathlib import Path

from tests.generation.conftest import LLM, Worker, generation_settings
from workflow_scripts.common.files import read_json
from workflow_scripts.generation.shards import read_rows


def job(corpus, llm_folder: Path, output: Path, **changes) -> list:
    documents, tokenizer = corpus
    return [
        *("generation.generate", "--real-tokens", "100000"),
        *("--settings", generation_settings(**changes).model_dump_json(), "--llm", LLM.model_dump_json()),
        *("--model", llm_folder, "--documents", documents, "--tokenizer", tokenizer),
        *("--journal", output / "journal", "--output", output),
    ]


def texts(output: Path) -> dict:
    rows = [row for path in sorted(output.glob("*.parquet")) for row in read_rows(path)]
    found = {(row["doc_id"], row["method"], row["generation"]): row["text"] for row in rows}
    assert len(found) == len(rows)
    return found


def test_killed_and_sharded_otherwise_gives_the_same_texts(corpus, llm_folder, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    resumed = job(corpus, llm_folder, parts, shards_per_job=3)
    killed, worker = Worker(), Worker()
    killed.give(*resumed)
    worker.give(*job(corpus, llm_folder, whole))
    finished = killed.kill_after_first_batch(parts / "journal")
    assert finished, "killed before the first batch was done"
    for path in parts.glob("*.parquet"):
        read_rows(path)  # whatever has a final name is whole
    worker.give(*resumed)
    assert worker.finish() == 0
    assert {path: path.stat().st_mtime_ns for path in finished} == finished, "finished batches were generated again"
    assert texts(parts) == texts(whole)
    assert_complete_and_described(whole)


def assert_complete_and_described(output: Path) -> None:
    assert len(texts(output)) == 6 * 2 + 6 * 3  # G=2 rephrases; thoughts at 1/2, 1/3 and 2/3
    rows = [row for path in output.glob("*.parquet") for row in read_rows(path)]
    assert all(row["text"].strip() or "empty" in row["flags"] for row in rows)
    assert {row["boundary"] for row in rows if row["method"] == "latent_thoughts"} == {"1/2", "1/3", "2/3"}
    record = read_json(output / "rephrase-0.0.json")
    assert record["rows"] == 12 and record["tokens_per_second"] > 0 and len(record["documents"]) == 6
