"""Tiny tokenizer, token streams and student, and a training of them through its real command line."""

import csv
import hashlib
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from workflow_scripts.config import models as config
from workflow_scripts.config.corpus import Tokenizer
from workflow_scripts.corpus.documents import document, write_documents
from workflow_scripts.corpus.tokenizer import train_bpe
from workflow_scripts.megadocs.tokens import TokenRow, TokenStream, write_stream
from workflow_scripts.training.export import export_student
from workflow_scripts.training.interruption import SIGNALS
from workflow_scripts.training.model import Llama
from workflow_scripts.training.train import build_parser

ROOT = Path(__file__).resolve().parents[2]
VOCABULARY, CONTEXT, BOS, EOS = 260, 32, 0, 1
STUDENT = config.Student(hidden=32, feed_forward=48, layers=2, heads=4, key_value_heads=2, max_context=64)
TRAINING = config.Training(
    student="test",
    context=CONTEXT,
    batch_sequences=4,
    mixing_block_sequences=8,
    precision="fp32",
    compile=False,
    curve_points=32,
)

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def own_signals():
    """Trainings inside this process leave its signals as they were."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def tokenizer_path(tmp_path_factory) -> Path:
    """tokenizer.json of a byte-level BPE with 260 ids: two special tokens, 256 bytes, two merges."""
    folder = tmp_path_factory.mktemp("tokenizer")
    write_documents(folder / "pool.parquet", [document("the cat and the hat", "test")])
    tokenizer = train_bpe(Tokenizer(vocabulary_size=VOCABULARY), folder / "pool.parquet")
    (folder / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    return folder / "tokenizer.json"


def write_tiny_stream(prefix: str | Path, lengths: list[int], seed: int, tokenizer: str = "tiny") -> TokenStream:
    """A stream of rows with these lengths; ids between BOS and EOS are from a seed, low ones more often."""
    random = np.random.default_rng(seed)
    rows = (
        TokenRow(f"doc-{i}", "real", -1, [BOS, *np.minimum(1 + random.geometric(0.1, length - 2), 99), EOS])
        for i, length in enumerate(lengths)
    )
    write_stream(prefix, rows, VOCABULARY, {"tokenizer_sha256": hashlib.sha256(tokenizer.encode()).hexdigest()})
    return TokenStream(prefix)


@pytest.fixture
def write_stream_of(tmp_path) -> Callable[..., TokenStream]:
    """Writer of a named stream into the test's folder: (name, lengths, seed=0, tokenizer=...)."""
    return lambda name, lengths, seed=0, **more: write_tiny_stream(tmp_path / name, lengths, seed, **more)


@pytest.fixture(scope="session")
def streams(tmp_path_factory, tokenizer_path) -> dict[str, Path]:
    """Prefixes of a real (600 tokens), a synthetic (1,030) and a validation stream (150)."""
    folder, text = tmp_path_factory.mktemp("streams"), tokenizer_path.read_text(encoding="utf-8")
    lengths = {"real": [20, 40] * 10, "synthetic": [10, 93] * 10, "validation": [50, 7, 30, 63]}
    for seed, (name, rows) in enumerate(lengths.items()):
        write_tiny_stream(folder / name, rows, seed, text)
    return {name: folder / name for name in lengths}


@pytest.fixture(scope="session")
def arguments(streams, tokenizer_path) -> Callable[..., list[str]]:
    """Command line of a training of 32 steps of 4 x 32 tokens, three quarters of them synthetic."""

    def build(output: Path, student: dict | None = None, training: dict | None = None, **options) -> list[str]:
        options = {
            "real": streams["real"], "synthetic": streams["synthetic"], "validation": streams["validation"],
            "tokenizer": tokenizer_path, "real_tokens": 512, "real_epochs": 2, "mixing_ratio": 0.75, "lr": 0.01,
            "weight_decay": 0.4, "student": STUDENT.model_copy(update=student or {}).model_dump_json(),
            "training": TRAINING.model_copy(update=training or {}).model_dump_json(), "output": output,
        } | options  # fmt: skip
        return [f"--{name.replace('_', '-')}={value}" for name, value in options.items() if value is not None]

    return build


@pytest.fixture(scope="session")
def parse(arguments) -> Callable:
    """The same command line, parsed, for tests inside this process."""
    return lambda *words, **options: build_parser().parse_args(arguments(*words, **options))


def train_command(processes: int = 1) -> list[str]:
    """Start of a training's command line, to be run from the repository's root."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return [sys.executable, *(torchrun if processes > 1 else []), "-m", "workflow_scripts.training.train"]


def launch_command(options: list[str], *more: str) -> list[str]:
    """A training's command line through the launcher, whose own options are `more`."""
    return [sys.executable, "-m", "workflow_scripts.training.launch", *more, "--", *options]


def losses(folder: Path) -> list[float]:
    """Training losses of curve.csv."""
    with open(folder / "curve.csv", encoding="utf-8") as handle:
        return [float(row["train_loss_nats"]) for row in csv.DictReader(handle)]


@pytest.fixture(scope="session")
def command() -> Callable[..., subprocess.CompletedProcess]:
    """Runs a training in one or more processes to its end: (options, processes=1)."""

    def run(options: list[str], processes: int = 1) -> subprocess.CompletedProcess:
        return subprocess.run([*train_command(processes), *options], cwd=ROOT, capture_output=True, text=True)

    return run


@pytest.fixture(scope="session")
def train(tmp_path_factory, arguments, command) -> Callable[..., Path]:
    """Train in a process of its own, or in several; the folder of its results."""

    def run(name: str, processes: int = 1, **options) -> Path:
        output = tmp_path_factory.mktemp(name)
        result = command(arguments(output, **options), processes)
        assert result.returncode == 0, result.stderr
        return output

    return run


@pytest.fixture(scope="session")
def fp32_run(train) -> Path:
    """Results of the tiny training in fp32, uncompiled."""
    return train("fp32")


def export_distant_students(folder: Path, tokenizer_path: Path) -> None:
    """Two students whose weights are far from each other, in the folders `1` and `2`."""
    for seed in (1, 2):
        model = Llama(STUDENT, VOCABULARY, torch.float32).initialise(seed)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter *= 5 if parameter.ndim == 2 else 1
        export_student(model, VOCABULARY, tokenizer_path, folder / str(seed))
