"""Small real inputs for the workflow's tests: texts, a corpus with its tokenizer and generations, commands."""

import argparse
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from workflow_scripts.common.files import write_json
from workflow_scripts.config import models as config
from workflow_scripts.config.corpus import Tokenizer
from workflow_scripts.corpus import sample
from workflow_scripts.corpus.documents import document, read_documents, write_documents
from workflow_scripts.corpus.tokenizer import StudentTokenizer, train_bpe
from workflow_scripts.generation.shards import write_rows
from workflow_scripts.generation.splitting import studied_thoughts
from workflow_scripts.scaling import fit

ROOT = Path(__file__).resolve().parents[2]
UNICODE = "Zoë paid 5 € for naïve 東京 soup 🙂🙂.\n\n\tDone – e\u0301 is two characters."
SETTINGS = config.Generation(llm="test", generated=4, counts=[2, 4], batch_documents=2)


def make_texts(count: int, seed: int = 0, words: int = 60) -> list[str]:
    """Different texts of `words` words each, from a lexicon of 300 made-up words."""
    chance = random.Random(seed)
    syllables = ["ka", "lo", "mi", "ren", "tas", "vu", "sho", "pel", "dor", "ing"]
    lexicon = ["".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(300)]
    return [" ".join(chance.choices(lexicon, k=words)).capitalize() + "." for _ in range(count)]


def run_main(main: Callable[[argparse.Namespace], None], **options) -> None:
    """Call a command's `main` with its options."""
    main(argparse.Namespace(**options))


def run_module(module: str, *arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess:
    """`python -m module ...` in a folder of the test's own."""
    env = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)


@pytest.fixture
def few_starts(monkeypatch):
    """Fits that search from few places, which is enough for losses without much noise."""
    monkeypatch.setattr(fit, "STARTS", 6)
    monkeypatch.setattr(fit, "POLISHED", 1)


@pytest.fixture
def shipped() -> dict:
    """config.yaml as a fresh dictionary."""
    return yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


def generation_row(doc_id: str, method: str, generation: int, text: str, boundary=None, flags: Iterable = ()) -> dict:
    """One row of a generation shard."""
    return {
        "doc_id": doc_id, "method": method, "generation": generation, "boundary": boundary, "prompt_version": "v1",
        "prompt_sha256": "0", "model": "test", "model_revision": "main", "engine": "test", "temperature": 1.0,
        "top_p": 1.0, "seed": 0, "attempt": 0, "prompt_tokens": 1, "source_cut": False, "text": text, "tokens": 3,
        "finish_reason": "stop", "flags": list(flags),
    }  # fmt: skip


def write_shard(path: Path, method: str, doc_ids: list[str], rows: list[dict]) -> Path:
    """A shard as a generation job leaves it: rows, and the record that names its documents."""
    write_rows(path, rows)
    write_json(path.with_suffix(".json"), {"method": method, "documents": doc_ids, "rows": len(rows)})
    return path


@dataclass
class Corpus:
    """Five documents with their generations (G = 4) in two shards per method; document 3 lacks rephrase 1."""

    folder: Path
    tokenizer: StudentTokenizer
    documents: Path
    rows: list[dict]
    shards: dict[str, list[str]]

    def rephrase(self, number: int, generation: int) -> str:
        """Text of a rephrase of document `number`."""
        return f"Rephrase {generation} of document {number}."

    def thought(self, number: int, boundary: str) -> str:
        """Text of the thought at a boundary of document `number`."""
        return f"Thought at {boundary} of document {number}."


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Corpus:
    """The corpus on disk; tests only read it."""
    folder = tmp_path_factory.mktemp("corpus")
    pool = [document(text, "train") for text in [*make_texts(4, words=40), UNICODE]]
    write_documents(folder / "pool.parquet", pool)
    (folder / "corpus").mkdir()
    tokenizer_path = folder / "corpus/tokenizer.json"
    bpe = train_bpe(Tokenizer(vocabulary_size=300), folder / "pool.parquet")
    tokenizer_path.write_text(bpe.to_str(), encoding="utf-8")
    documents = folder / "documents.parquet"
    run_main(
        sample.main, documents=[str(folder / "pool.parquet")], tokenizer=tokenizer_path, tokens=0, output=documents
    )
    found = Corpus(folder, StudentTokenizer(tokenizer_path), documents, list(read_documents(documents)), {})
    for method, write in {"rephrase": _rephrases, "latent_thoughts": _thoughts}.items():
        found.shards[method] = [
            str(write_shard(folder / f"{method}-0.{part}.parquet", method, *write(found, places)))
            for part, places in enumerate([range(0, 3), range(3, 5)])
        ]
    return found


def _rephrases(corpus: Corpus, places: range) -> tuple[list[str], list[dict]]:
    ids = [corpus.rows[i]["doc_id"] for i in places]
    rows = [
        generation_row(d, "rephrase", g, corpus.rephrase(i, g))
        for i, d in zip(places, ids, strict=True)
        for g in range(4)
    ]
    for row in rows:
        if row["doc_id"] == corpus.rows[3]["doc_id"] and row["generation"] == 1:
            row.update(text="", flags=["empty"])
        if row["doc_id"] == corpus.rows[0]["doc_id"] and row["generation"] == 0:
            row.update(flags=["truncated"])
    return ids, rows


def _thoughts(corpus: Corpus, places: range) -> tuple[list[str], list[dict]]:
    ids = [corpus.rows[i]["doc_id"] for i in places]
    names = list(enumerate(studied_thoughts(SETTINGS.counts)))
    rows = [
        generation_row(d, "latent_thoughts", g, corpus.thought(i, name), boundary=name)
        for i, d in zip(places, ids, strict=True)
        for g, name in names
    ]
    return ids, rows
