"""Everything that one training needs, opened and checked before any work."""

import argparse
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Student, Training
from workflow_scripts.config.sizes import total_steps
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.megadocs.tokens import TokenStream
from workflow_scripts.training.device import pick_device
from workflow_scripts.training.distributed import World
from workflow_scripts.training.micro_batch import micro_batch
from workflow_scripts.training.mixing import MixedWindows, open_mixture
from workflow_scripts.training.recipe import learning_rate

if TYPE_CHECKING:
    from workflow_scripts.training.record import Record
    from workflow_scripts.training.trainer import Trainer

# Settings that don't say what is trained: a checkpoint may be continued with others.
RUNNING = {"compile", "seeds"}
OPTIONS = ("real_tokens", "real_epochs", "mixing_ratio", "lr", "weight_decay", "seed")
GIVEN = ("budget_tokens", "stop_share")  # among the options where they are given


@dataclass
class Setup:
    """Everything that one training needs, built once from the command line."""

    arguments: argparse.Namespace
    student: Student
    training: Training
    streams: dict[str, TokenStream]
    windows: MixedWindows
    steps: int
    vocabulary_size: int
    device: torch.device
    world: World = World()
    micro_batch_sequences: int | None = None  # that one process computes at once; none: its whole share of the batch
    schedule_steps: int | None = None  # of the learning rates, where the training stops before their end

    @property
    def options(self) -> dict:
        """Options of the command line that decide what is trained."""
        given = [name for name in GIVEN if getattr(self.arguments, name, None) is not None]
        return {name: getattr(self.arguments, name) for name in (*OPTIONS, *given)}

    def rate(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        return learning_rate(step, self.schedule_steps or self.steps, self.arguments.lr, self.training.warmup_fraction)

    def start(self, trainer: "Trainer") -> None:
        """Before the first step, when model and optimizer are new."""

    def reach(self, trainer: "Trainer", record: "Record") -> bool:
        """After every step; whether it took time of its own."""
        return False

    def finish(self, trainer: "Trainer", record: "Record") -> None:
        """After the last step, before the results are written."""

    @property
    def batch_tokens(self) -> int:
        """Tokens of one optimizer step, of all processes together."""
        return self.training.batch_sequences * self.training.context


def prepare(arguments: argparse.Namespace, world: World = World()) -> Setup:  # noqa: B008  it is frozen
    """Open and check everything before any work. Raises UserError for impossible combinations."""
    student, training = parse_settings(Student, arguments.student), parse_settings(Training, arguments.training)
    _check(arguments)
    check_running(arguments, student, training, world.size)
    torch.set_num_threads(arguments.threads)
    shape = (training.batch_sequences, training.context)
    names = {"real": arguments.real} | ({"synthetic": arguments.synthetic} if arguments.mixing_ratio else {})
    streams = {name: TokenStream(path) for name, path in names.items()}
    validation = [TokenStream(arguments.validation)] if arguments.validation else []
    require_tokenizer(arguments.tokenizer, [*streams.values(), *validation])
    for stream in [*streams.values(), *validation] if world.is_first else []:
        stream.verify()
    tokens = len(streams["real"].tokens) if arguments.real_tokens is None else arguments.real_tokens
    steps = steps_of(arguments, tokens, shape[0] * shape[1])
    block = training.mixing_block_sequences
    mixture = open_mixture(streams, tokens, arguments.mixing_ratio, block, arguments.seed, shape)
    masked = not training.cross_document_attention
    windows = MixedWindows(streams, mixture, training.context, training.batch_sequences, with_rows=masked)
    vocabulary = streams["real"].metadata["vocabulary_size"]
    micro = micro_batch(shape[0] // world.size, arguments.micro_batch_sequences, arguments.checkpoint)
    last = max(1, round(arguments.stop_share * steps)) if arguments.stop_share else steps
    frame = (arguments, student, training, streams, windows, last, vocabulary, pick_device(), world, micro)
    return Setup(*frame, schedule_steps=steps)


def steps_of(arguments: argparse.Namespace, real_tokens: int, batch_tokens: int) -> int:
    """Optimizer steps: of the budget or, without one, of the passes over the real tokens."""
    if arguments.budget_tokens is None:
        return total_steps(real_tokens, batch_tokens, arguments.real_epochs, arguments.mixing_ratio)
    return total_steps(arguments.budget_tokens, batch_tokens, 1, 0.0)


def identity(setup: Setup) -> str:
    """Hex digest of everything that decides what is trained: student, recipe, options and the streams' tokens."""
    content = {
        "student": setup.student.model_dump(mode="json"),
        "training": setup.training.model_dump(mode="json", exclude=RUNNING),
        "options": setup.options,
        "streams": {name: stream.metadata for name, stream in setup.streams.items()},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def require_tokenizer(path: str, streams: list[TokenStream]) -> None:
    """Raise UserError unless every stream was made with this tokenizer."""
    tokenizer = StudentTokenizer(path)
    for stream in streams:
        if stream.metadata["tokenizer_sha256"] != tokenizer.sha256:
            raise UserError(f"{stream.paths.metadata}: made with another tokenizer than {path}")


def check_running(arguments: argparse.Namespace, student: Student, training: Training, processes: int) -> None:
    """Raise UserError for options of any training that can't be followed."""
    for option in ("threads", "checkpoint_minutes"):
        if getattr(arguments, option) <= 0:
            raise UserError(f"--{option.replace('_', '-')} {getattr(arguments, option)}: must be above 0")
    if training.context > student.max_context:
        raise UserError(f"context {training.context} is longer than the student's max_context {student.max_context}")
    _check_shares(training.batch_sequences, arguments.micro_batch_sequences, processes)


def _check(arguments: argparse.Namespace) -> None:
    if not 0 <= arguments.mixing_ratio <= 1:
        raise UserError(f"--mixing-ratio {arguments.mixing_ratio}: must be between 0 and 1")
    if arguments.mixing_ratio == 1 and arguments.budget_tokens is None:
        raise UserError("--mixing-ratio 1 needs --budget-tokens: without real tokens there are no epochs to count")
    if arguments.stop_share is not None and not 0 < arguments.stop_share <= 1:
        raise UserError(f"--stop-share {arguments.stop_share}: must be above 0 and at most 1")
    if arguments.real_epochs < 1:
        raise UserError(f"--real-epochs {arguments.real_epochs}: must be at least 1")
    if arguments.mixing_ratio and not arguments.synthetic:
        raise UserError(f"--mixing-ratio {arguments.mixing_ratio} needs --synthetic, a second stream")


def _check_shares(sequences: int, micro: int | None, processes: int) -> None:
    if sequences % processes:
        raise UserError(f"batch_sequences {sequences} is no multiple of {processes} processes, which share the batch")
    share = f"a process's share of it, {sequences // processes}," if processes > 1 else f"{sequences}"
    if micro and sequences // processes % micro:
        raise UserError(f"batch_sequences {share} is no multiple of --micro-batch-sequences {micro}")
