"""Self-distillation: which texts a job samples and when it stops, what is counted, and what stands in the stream."""

from pathlib import Path

import numpy as np
import pytest

from tests.workflow.conftest import SETTINGS, UNICODE, Corpus, generation_row, run_main
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import read_json, write_json
from workflow_scripts.config.models import Llm
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.generation.samples import METHOD, SampleShard, sample_batches, tokens_of
from workflow_scripts.generation.shards import read_rows, write_rows
from workflow_scripts.megadocs import self_distilled
from workflow_scripts.megadocs.tokens import TokenStream, read_batches

LLM = Llm(model="student", revision="0")
SIZE = SETTINGS.sequences
TEXTS = ["One text.", "", UNICODE, " A third, with blanks. ", "The last one."]


def run_job(corpus: Corpus, folder: Path, share: int, texts: list[str], job: int = 0, jobs: int = 1) -> list:
    """All requests of a job whose student always writes `texts`, as many as a batch has."""
    path = folder / f"{METHOD}-{job}.parquet"
    shard = SampleShard(path, METHOD, [], 0, share=share, tokenizer=corpus.tokenizer)
    settings, asked = SETTINGS.model_copy(update={"jobs": jobs}), []
    answers = [{"text": text, "tokens": 4, "finish_reason": "stop", "attempt": 0} for text in texts]
    for batch in sample_batches(shard, job, settings, 32):
        asked += batch.requests
        batch.finish({"answers": answers, "engine": "vllm 1", "seconds": 1.0, "engine_start_seconds": 0.0}, LLM)
    return asked


def tokens(tokenizer: StudentTokenizer, texts: list[str]) -> int:
    return sum(map(len, tokenizer.rows(texts)))


def test_a_job_stops_at_its_share_with_a_whole_batch(corpus, tmp_path):
    texts = [*TEXTS, *["x"] * (SIZE - len(TEXTS))]
    per_batch = tokens(corpus.tokenizer, [text for text in texts if text])
    assert len(run_job(corpus, tmp_path, 2 * per_batch, texts)) == 2 * SIZE
    assert len(run_job(corpus, tmp_path, 2 * per_batch + 1, texts)) == 3 * SIZE
    record = read_json(tmp_path / f"{METHOD}-0.json")
    assert (record["rows"], record["stream_tokens"], record["flags"]) == (3 * SIZE, 3 * per_batch, {"empty": 3})
    assert [row["text"] for row in read_rows(tmp_path / f"{METHOD}-0.parquet")] == 3 * texts


def test_two_jobs_sample_the_texts_of_one(corpus, tmp_path):
    share = 4 * tokens(corpus.tokenizer, ["x"] * SIZE)
    alone = {r.doc_id: r.seed(0) for r in run_job(corpus, tmp_path, share, ["x"] * SIZE)}
    halves = [run_job(corpus, tmp_path, share // 2, ["x"] * SIZE, job, jobs=2) for job in (0, 1)]
    assert {request.doc_id: request.seed(0) for half in halves for request in half} == alone
    assert len(set(alone.values())) == len(alone) == 4 * SIZE


@pytest.mark.parametrize(("engine", "sampled_as"), [("vllm 1", 1 + 1), ("transformers 5", 1)])
def test_texts_that_are_other_tokens_when_read_again_are_counted(corpus, engine, sampled_as):
    """One letter is one token; vLLM counts EOS, too."""
    shard = SampleShard(Path("none"), METHOD, [], 0, share=1, tokenizer=corpus.tokenizer)
    answers = [{"text": text, "tokens": sampled_as, "finish_reason": "stop"} for text in ("a", "\ufffd", " ")]
    shard.count(answers, engine)
    assert (shard.stream_tokens, shard.retokenised) == (3 + 2 + 3, 1)  # U+FFFD, of a cut character, is three bytes


def test_a_student_that_writes_nothing_is_an_error(corpus, tmp_path):
    with pytest.raises(UserError, match="first 1000 texts are all empty"):
        run_job(corpus, tmp_path, 1, [" "] * SIZE)


@pytest.fixture
def shards(tmp_path) -> list[str]:
    """TEXTS in two shards, the empty one flagged."""
    paths = []
    for part, places in enumerate([range(0, 3), range(3, 5)]):
        rows = [generation_row(f"sample-{i}", METHOD, 0, TEXTS[i], flags=[] if TEXTS[i] else ["empty"]) for i in places]
        paths.append(str(tmp_path / f"{METHOD}-{part}.parquet"))
        write_rows(paths[-1], rows)
        record = {"rows": len(rows), "flags": {"empty": 1} if part == 0 else {}, "retokenised": part + 1}
        write_json(tmp_path / f"{METHOD}-{part}.json", record)
    return paths


def build(corpus: Corpus, shards: list[str], count: int, output: Path) -> TokenStream:
    options = {"shards": shards, "tokens": count, "tokenizer": corpus.folder / "corpus/tokenizer.json"}
    run_main(self_distilled.main, output=output, name="self_distilled", **options)
    return TokenStream(output)


def test_stream_is_the_first_texts_that_have_the_tokens(corpus, shards, tmp_path):
    kept = [TEXTS[0], TEXTS[2], TEXTS[3]]
    least, most = tokens(corpus.tokenizer, kept[:2]) + 1, tokens(corpus.tokenizer, kept)
    for count in (least, most):
        stream = build(corpus, shards, count, tmp_path / f"stream-{count}")
        (batch,) = read_batches(stream, np.arange(stream.metadata["rows"]))
        rows = np.split(batch.ids, np.cumsum(batch.lengths)[:-1])
        assert [row.tolist() for row in rows] == corpus.tokenizer.rows(kept)
        assert (batch.doc_ids, batch.generations) == (["sample-0", "sample-2", "sample-3"], [0, 0, 0])
        assert stream.metadata["tokens_by_kind"] == {"sample": most}
        assert stream.metadata["sampled"] == {"texts": 5, "empty": 1, "retokenised": 3}


def test_too_few_texts_are_an_error_and_no_stream(corpus, shards, tmp_path):
    there = tokens(corpus.tokenizer, [text for text in TEXTS if text])
    assert build(corpus, shards, there, tmp_path / "all").metadata["rows"] == 4
    with pytest.raises(UserError, match=f"have {there} tokens, of {there + 1}: sample again"):
        build(corpus, shards, there + 1, tmp_path / "more")
    assert not list(tmp_path.glob("more*"))


def test_tokens_are_a_number_or_those_of_a_stream(tmp_path):
    write_json(tmp_path / "simple-G8.json", {"tokens": 77})
    assert (tokens_of("12"), tokens_of(str(tmp_path / "simple-G8.json"))) == (12, 77)
    with pytest.raises(UserError, match="neither a number nor"):
        tokens_of("1e9")
