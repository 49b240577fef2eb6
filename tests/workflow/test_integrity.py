"""Damaged files: found by their digest, named, set aside, and made again as they were."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.workflow.conftest import SETTINGS, run_main
from tests.workflow.test_generation_parts import WordTokenizer
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Llm
from workflow_scripts.generation import generate
from workflow_scripts.generation.engines import Completion
from workflow_scripts.generation.shards import read_generations, read_rows
from workflow_scripts.megadocs import build, shuffle
from workflow_scripts.megadocs.tokens import TokenStream

LLM = Llm(model="test").model_dump_json()


def change_a_byte(path: Path) -> None:
    """Another byte in the middle; size and time stay."""
    times, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def truncate(path: Path) -> None:
    """Half of the file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


class Engine:
    """Answers everything at once, by the seed."""

    identity = "test"

    def __init__(self) -> None:
        self.queue: list[tuple[int, int]] = []

    def add(self, number, task) -> None:
        self.queue.append((number, task.seed))

    def step(self) -> list[tuple[int, Completion]]:
        asked, self.queue = self.queue, []
        return [(number, Completion(f"text {seed}", 2, "stop")) for number, seed in asked]

    def forget(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def job(corpus, tmp_path, monkeypatch):
    """Run the generation job with an engine, or with none to be had."""
    tokenizers = SimpleNamespace(from_pretrained=lambda *_: WordTokenizer())
    monkeypatch.setitem(sys.modules, "transformers", SimpleNamespace(AutoTokenizer=tokenizers))

    def run(engine: Engine | None) -> list[Path]:
        monkeypatch.setattr(generate, "start_engine", lambda *_: engine or pytest.fail("the LLM was started"))
        run_main(
            generate.main, settings=SETTINGS.model_dump_json(), llm=LLM, model=str(tmp_path), weights=None, server=None,
            documents=corpus.documents, real_tokens=10**6, tokenizer=corpus.folder / "corpus/tokenizer.json", job=0,
            journal=tmp_path / "generations/journal", output=tmp_path / "generations",
        )  # fmt: skip
        return sorted((tmp_path / "generations").glob("rephrase-*.parquet"))

    return run


@pytest.mark.parametrize("damage", [change_a_byte, truncate])
def test_damaged_shard_is_set_aside_and_made_again_without_the_llm(job, corpus, tmp_path, damage):
    first, second = job(Engine())
    files = {path.name: path.read_bytes() for path in first.parent.iterdir() if path.is_file()}
    damage(second)
    damaged = second.read_bytes()
    with pytest.raises(UserError) as error:
        run_main(
            build.main, stream="stitched", generations=2, settings=SETTINGS.model_dump_json(),
            shards=[str(first), str(second)], documents=corpus.documents,
            tokenizer=corpus.folder / "corpus/tokenizer.json", output=tmp_path / "stitched-G2",
        )  # fmt: skip
    for words in (
        str(second),
        "its sha256 is",
        f"set aside as {second.name}.damaged",
        "workflow_scripts.audit.repair` makes it again",
    ):
        assert words in str(error.value)
    assert not list(tmp_path.glob("stitched*")) and first.exists()
    assert not second.exists() and not second.with_suffix(".json").exists()
    assert second.with_name(f"{second.name}.damaged").read_bytes() == damaged
    job(None)
    assert {name: (first.parent / name).read_bytes() for name in files} == files


def test_shards_are_checked_before_the_first_generation_is_read(job):
    shards = job(Engine())
    change_a_byte(shards[-1])
    with pytest.raises(UserError, match=shards[-1].name):
        next(read_generations(shards, 2, SETTINGS))
    assert read_rows(shards[0])


def test_damaged_record_is_set_aside_with_its_shard(job):
    shard = job(Engine())[0]
    shard.with_suffix(".json").write_text("{")
    with pytest.raises(UserError, match="rephrase-0.0.json: the file is damaged: it should be JSON"):
        next(read_generations([shard], 2, SETTINGS))
    assert not shard.exists()


@pytest.fixture
def stream(corpus, tmp_path) -> TokenStream:
    """A stream on disk."""
    run_main(
        build.main, stream="stitched", generations=2, settings=SETTINGS.model_dump_json(),
        shards=corpus.shards["rephrase"], documents=corpus.documents,
        tokenizer=corpus.folder / "corpus/tokenizer.json", output=tmp_path / "stitched-G2",
    )  # fmt: skip
    return TokenStream(tmp_path / "stitched-G2")


def set_aside(stream: TokenStream) -> bool:
    """Whether all files of the stream were renamed, so that its rule's outputs are missing."""
    return all(not path.exists() and path.with_name(f"{path.name}.damaged").exists() for path in stream.paths)


@pytest.mark.parametrize("suffix", ["tokens.bin", "rows.parquet"])
def test_changed_byte_of_a_stream_is_found_by_its_digest(stream, tmp_path, suffix):
    stream.verify()
    change_a_byte(tmp_path / f"stitched-G2.{suffix}")
    reopened = TokenStream(tmp_path / "stitched-G2")
    with pytest.raises(UserError, match=rf"stitched-G2.{suffix}: .* sha256 is \w+ and was \w+ when it was written"):
        reopened.verify()
    assert set_aside(stream)


@pytest.mark.parametrize("suffix", ["tokens.bin", "json"])
def test_truncated_stream_is_found_when_it_is_opened(stream, tmp_path, suffix):
    truncate(tmp_path / f"stitched-G2.{suffix}")
    with pytest.raises(UserError, match=f"stitched-G2.{suffix}: the file is damaged"):
        TokenStream(tmp_path / "stitched-G2")
    assert set_aside(stream)


def test_damaged_stream_is_not_shuffled(stream, tmp_path):
    change_a_byte(stream.paths.tokens)
    with pytest.raises(UserError, match=r"stitched-G2.tokens.bin: the file is damaged"):
        run_main(shuffle.main, stream="simple-G2", input=tmp_path / "stitched-G2", output=tmp_path / "simple-G2")
    assert not list(tmp_path.glob("simple*"))
