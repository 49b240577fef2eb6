"""Pretrain one student on a pool of streams at a learning rate that stays, to its plateau and on (arXiv 2605.17849).

All windows of all --streams are passed once per epoch, in a new order each time. Every --evaluate-every steps the
losses on the --evaluate sets are noted; where the plateau was, the student's state is kept in
OUTPUT/plateau.safetensors, with OUTPUT/plateau.json. Another pretraining goes on from such a state, weights and moments
of the optimizer, with --continue-from: on the same organic text and what was generated since. Writes besides:
evaluations.csv, parts.csv (losses by part of the documents), curve.csv, throughput.json, plateau_model/ (the
student there), model/ and, last, metrics.json. Interrupted, it continues as `train` does.
"""

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import torch

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import sha256, write_text
from workflow_scripts.common.tables import csv_text
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Student, Training
from workflow_scripts.config.synpro import Plateau
from workflow_scripts.megadocs.tokens import TokenStream
from workflow_scripts.training.checkpoint import read_state, restore_state
from workflow_scripts.training.device import pick_device
from workflow_scripts.training.distributed import World
from workflow_scripts.training.export import export_student, student_of_state
from workflow_scripts.training.micro_batch import micro_batch
from workflow_scripts.training.milestones import STATE_NAME, EvaluationSet, Milestones
from workflow_scripts.training.pool import PooledWindows, limits_of
from workflow_scripts.training.prepare import Setup, check_running, require_tokenizer
from workflow_scripts.training.record import Record
from workflow_scripts.training.session import run_training
from workflow_scripts.training.train import SMALL_STUDENT, add_running_options
from workflow_scripts.training.trainer import Trainer

OPTIONS = ("steps", "warmup_steps", "lr", "weight_decay", "seed", "evaluate_every", "kind", "synthetic_tokens")


@dataclass
class Pretraining(Setup):
    """A training on a pool, whose learning rate stays after the warm-up."""

    plateau: Plateau = Plateau()
    sets: list[EvaluationSet] = field(default_factory=list)
    about: dict = field(default_factory=lambda: {"step": 0, "tokens": 0})  # of the state that it continues
    state: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def options(self) -> dict:
        """Options of the command line that decide what is trained."""
        before = {"continued": sha256(self.arguments.continue_from)} if self.state else {}
        sets = {s.name: [s.stream.metadata["tokens_sha256"], s.kind] for s in self.sets}
        return {name: getattr(self.arguments, name) for name in OPTIONS} | before | {"sets": sets}

    def rate(self, step: int) -> float:
        """Learning rate of a step, counted from 0: linear warm-up, then constant; no warm-up of a continued student."""
        warmup = 0 if self.state else self.arguments.warmup_steps
        return self.arguments.lr * min(1.0, (step + 1) / max(1, warmup))

    def start(self, trainer: Trainer) -> None:
        """Take over weights and moments of the student that is continued."""
        if self.state:
            restore_state(trainer.model, trainer.optimizer, self.state)

    def reach(self, trainer: Trainer, record: Record) -> bool:
        """Evaluate and keep the state where it is time to."""
        return self.milestones(trainer).reach(record)

    def finish(self, trainer: Trainer, record: Record) -> None:
        """Write what the evaluations found."""
        if not record.evaluations:
            return
        self.milestones(trainer).finish(record)
        output = Path(self.arguments.output)
        for name, rows in (("evaluations.csv", record.evaluations), ("parts.csv", record.parts)):
            write_text(output / name, csv_text(rows))
        model = student_of_state(read_state(output / STATE_NAME)[1], self.student, self.vocabulary_size)
        export_student(model, self.vocabulary_size, self.arguments.tokenizer, output / "plateau_model")

    def milestones(self, trainer: Trainer) -> Milestones:
        """What is done at intervals."""
        return Milestones(trainer, self.sets, self.arguments.evaluate_every, self.plateau, self.about)


def prepare(arguments: argparse.Namespace, world: World = World()) -> Pretraining:  # noqa: B008  it is frozen
    """Open and check everything before any work. Raises UserError for impossible combinations."""
    student, training = parse_settings(Student, arguments.student), parse_settings(Training, arguments.training)
    plateau, sets = parse_settings(Plateau, arguments.plateau), [evaluation_set(text) for text in arguments.evaluate]
    check(arguments, plateau, [s.name for s in sets])
    check_running(arguments, student, training, world.size)
    torch.set_num_threads(arguments.threads)
    streams = {Path(prefix).name: TokenStream(prefix) for prefix in arguments.streams}
    opened = [*streams.values(), *(s.stream for s in sets)]
    require_tokenizer(arguments.tokenizer, opened)
    for stream in opened if world.is_first else []:
        stream.verify()
    masked, shape = not training.cross_document_attention, (training.context, training.batch_sequences)
    sizes = {name: len(stream.tokens) for name, stream in [*streams.items()][1:]}
    limits = limits_of(sizes, arguments.synthetic_tokens)
    windows = PooledWindows(streams, arguments.seed, *shape, with_rows=masked, kind=arguments.kind, limits=limits)
    about, state = read_state(arguments.continue_from) if arguments.continue_from else ({"step": 0, "tokens": 0}, {})
    micro = micro_batch(shape[1] // world.size, arguments.micro_batch_sequences, arguments.checkpoint)
    return Pretraining(
        arguments, student, training, streams, windows, arguments.steps, opened[0].metadata["vocabulary_size"],
        pick_device(), world, micro,
        plateau=plateau, sets=sets, about=about, state=state,
    )  # fmt: skip


def evaluation_set(text: str) -> EvaluationSet:
    """NAME=PREFIX or NAME=PREFIX:KIND. Raises UserError for anything else."""
    name, found, place = text.partition("=")
    if not found or not place:
        raise UserError(f"--evaluate {text}: write NAME=PREFIX, or NAME=PREFIX:KIND for one kind of rows")
    prefix, _, kind = place.partition(":")
    return EvaluationSet(name, TokenStream(prefix), kind or None)


def check(arguments: argparse.Namespace, plateau: Plateau, sets: list[str]) -> None:
    """Raise UserError for options that make no sense together."""
    for option in ("steps", "evaluate_every"):
        if getattr(arguments, option) < 1:
            raise UserError(f"--{option.replace('_', '-')} {getattr(arguments, option)}: must be at least 1")
    if sets and plateau.of not in sets:
        raise UserError(f"--plateau: of {plateau.of!r}, which is not among the sets of --evaluate: {', '.join(sets)}")
    if len({Path(prefix).name for prefix in arguments.streams}) < len(arguments.streams):
        raise UserError(f"--streams {' '.join(arguments.streams)}: two streams have the same name")


def main(arguments: argparse.Namespace) -> None:
    """Pretrain, evaluate, export."""
    run_training(arguments, prepare)


def build_parser() -> argparse.ArgumentParser:
    """Command line of a pretraining."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="student", help="shown in the progress line and kept in metrics.json")
    parser.add_argument("--streams", nargs="+", required=True, help="prefixes of the pool's streams")
    parser.add_argument("--synthetic-tokens", type=int, help="of all streams but the first together, each its share "
                        "(default: all)")  # fmt: skip
    parser.add_argument("--kind", help="rows whose tokens are to be predicted, others being context (default: all)")
    parser.add_argument("--evaluate", nargs="*", default=[], metavar="NAME=PREFIX[:KIND]",
                        help="sets whose losses are noted, of one kind of rows where one is named")  # fmt: skip
    parser.add_argument("--evaluate-every", type=int, default=100, help="steps (default: %(default)s)")
    parser.add_argument("--plateau", default="{}", help="JSON of a `plateau` section (default: its defaults)")
    parser.add_argument("--continue-from", help="plateau.safetensors of the pretraining that goes on")
    parser.add_argument("--steps", type=int, required=True, help="optimizer steps, of this pretraining alone")
    parser.add_argument("--warmup-steps", type=int, default=0, help="of a new student (default: %(default)s)")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json, exported with the student")
    parser.add_argument("--lr", type=float, default=3e-3, help="learning rate (default: %(default)s)")
    parser.add_argument("--weight-decay", type=float, default=0.1, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of initialisation and window order (default: 0)")
    parser.add_argument("--student", default=SMALL_STUDENT.model_dump_json(), help="JSON of a `students` entry")
    parser.add_argument("--training", default='{"student": "small", "context": 512, "batch_sequences": 8}',
                        help="JSON of a `training` section (default: %(default)s)")  # fmt: skip
    parser.add_argument("--output", required=True, help="folder of the results")
    parser.add_argument("--checkpoint", help="folder of the state that an interrupted pretraining continues from, as "
                        "`train` describes it")  # fmt: skip
    add_running_options(parser)
    parser.set_defaults(validation=None)
    return parser


if __name__ == "__main__":
    run_command(main, build_parser())
