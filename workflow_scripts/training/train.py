"""Train one student on a real and, with --mixing-ratio above 0, a synthetic token stream.

Works outside the workflow on any streams of `workflow_scripts.megadocs.build`. Writes into --output:
curve.csv, throughput.json, model/ and, last, metrics.json.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import require_free_disk, write_json, write_text
from workflow_scripts.common.progress import progress
from workflow_scripts.common.seeds import named_seed
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Student, Training
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.evaluation.losses import stream_loss
from workflow_scripts.megadocs.tokens import TokenStream
from workflow_scripts.training.device import PRECISIONS, compiled, matmul_ceiling, pick_device
from workflow_scripts.training.export import export_student
from workflow_scripts.training.mixing import MixedWindows, open_mixture, total_steps
from workflow_scripts.training.model import Llama, document_mask, flops_per_token, parameter_counts
from workflow_scripts.training.recipe import build_optimizer, learning_rate

SMALL_STUDENT = Student(hidden=128, feed_forward=448, layers=4, heads=4, key_value_heads=4, tied_embeddings=True)


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

    @property
    def batch_tokens(self) -> int:
        """Tokens of one optimizer step."""
        return self.training.batch_sequences * self.training.context


def prepare(arguments: argparse.Namespace) -> Setup:
    """Open and check everything before any work. Raises UserError for impossible combinations."""
    student, training = parse_settings(Student, arguments.student), parse_settings(Training, arguments.training)
    _check(arguments, student, training)
    torch.set_num_threads(training.threads)
    shape = (training.batch_sequences, training.context)
    steps = total_steps(arguments.real_tokens, shape[0] * shape[1], arguments.real_epochs, arguments.mixing_ratio)
    names = {"real": arguments.real} | ({"synthetic": arguments.synthetic} if arguments.mixing_ratio else {})
    streams = {name: TokenStream(path) for name, path in names.items()}
    validation = [TokenStream(arguments.validation)] if arguments.validation else []
    require_tokenizer(arguments.tokenizer, [*streams.values(), *validation])
    block = training.mixing_block_sequences
    mixture = open_mixture(streams, arguments.real_tokens, arguments.mixing_ratio, block, arguments.seed, shape)
    masked = not training.cross_document_attention
    windows = MixedWindows(streams, mixture, training.context, training.batch_sequences, with_rows=masked)
    vocabulary = streams["real"].metadata["vocabulary_size"]
    return Setup(arguments, student, training, streams, windows, steps, vocabulary, pick_device())


def require_tokenizer(path: str, streams: list[TokenStream]) -> None:
    """Raise UserError unless every stream was made with this tokenizer."""
    tokenizer = StudentTokenizer(path)
    for stream in streams:
        if stream.metadata["tokenizer_sha256"] != tokenizer.sha256:
            raise UserError(f"{stream.paths.metadata}: made with another tokenizer than {path}")


def _check(arguments: argparse.Namespace, student: Student, training: Training) -> None:
    if not 0 <= arguments.mixing_ratio < 1:
        raise UserError(f"--mixing-ratio {arguments.mixing_ratio}: must be at least 0 and below 1")
    if arguments.real_epochs < 1:
        raise UserError(f"--real-epochs {arguments.real_epochs}: must be at least 1")
    if arguments.mixing_ratio and not arguments.synthetic:
        raise UserError(f"--mixing-ratio {arguments.mixing_ratio} needs --synthetic, a second stream")
    if training.context > student.max_context:
        raise UserError(f"context {training.context} is longer than the student's max_context {student.max_context}")
    micro = training.micro_batch_sequences or training.batch_sequences
    if training.batch_sequences % micro:
        raise UserError(f"batch_sequences {training.batch_sequences} is no multiple of micro_batch_sequences {micro}")


class Trainer:
    """Model, optimizer and the step that joins them."""

    def __init__(self, setup: Setup) -> None:
        self.setup, training, arguments = setup, setup.training, setup.arguments
        precision = PRECISIONS[training.precision]
        model = Llama(setup.student, setup.vocabulary_size, precision)
        self.model = model.initialise(named_seed("initialisation", arguments.seed)).to(setup.device)
        self.optimizer = build_optimizer(self.model, arguments.lr, arguments.weight_decay, training)
        self.loss = compiled(self._loss, training.compile, setup.device)

    def _loss(self, ids_BT: torch.Tensor, mask_BTT: torch.Tensor | None) -> torch.Tensor:
        return self.model.token_losses(ids_BT, mask_BTT).mean()

    def step(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """One optimizer step; training loss in nats per token and gradient norm before clipping."""
        s = self.setup
        ids, rows = s.windows.batch(number)
        size = s.training.micro_batch_sequences or len(ids)
        pieces = [self._piece(ids, rows, slice(i, i + size)) for i in range(0, len(ids), size)]
        total = torch.zeros((), device=s.device)
        for ids_BT, mask_BTT in pieces:
            loss = self.loss(ids_BT, mask_BTT) / len(pieces)
            loss.backward()
            total += loss.detach()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), s.training.gradient_clip)
        rate = learning_rate(number, s.steps, s.arguments.lr, s.training.warmup_fraction)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return total, norm

    def _piece(self, ids: np.ndarray, rows: np.ndarray | None, part: slice) -> tuple[torch.Tensor, torch.Tensor | None]:
        device = self.setup.device
        ids_BT = torch.from_numpy(ids[part]).to(device, non_blocking=True)
        mask = None if rows is None else document_mask(torch.from_numpy(rows[part]).to(device))
        return ids_BT, mask


def run_steps(trainer: Trainer, setup: Setup, ceiling: float) -> tuple[list[tuple], dict]:
    """All optimizer steps: points of the training curve, and how fast it went."""
    points = {round(i * setup.steps / setup.training.curve_points) for i in range(1, setup.training.curve_points + 1)}
    flops = flops_per_token(setup.student, setup.vocabulary_size, setup.training.context)
    curve, started, timed_from = [], time.monotonic(), 0
    with progress(setup.steps * setup.batch_tokens, setup.arguments.name, "tokens") as bar:
        for number in range(setup.steps):
            loss, norm = trainer.step(number)
            bar.update(setup.batch_tokens)
            if number == 0:
                compile_s, started, timed_from = time.monotonic() - started, time.monotonic(), 1
            if number + 1 in points or number == 0:
                rate = (number + 1 - timed_from) * setup.batch_tokens / max(1e-9, time.monotonic() - started)
                bar.set_postfix_str(f"loss {loss.item():.3f}, {flops * rate / ceiling:.0%} of matmul FLOP/s")
                curve.append((number + 1, (number + 1) * setup.batch_tokens, loss.item(), norm.item()))
    seconds = time.monotonic() - started
    rate = (setup.steps - timed_from) * setup.batch_tokens / max(1e-9, seconds)
    speed = {
        "first_step_seconds": round(compile_s, 3),
        "seconds": round(seconds, 3),
        "tokens_per_second": round(rate, 1),
        "flops_per_second": flops * rate,
        "matmul_flops_per_second": ceiling,
        "flop_utilisation": flops * rate / ceiling,
        "device": torch.cuda.get_device_name() if setup.device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    return curve, speed


def counts(setup: Setup) -> dict:
    """Tokens that the student sees, by stream, and passes over each."""
    seen = setup.windows.mixture.seen(setup.steps * setup.training.batch_sequences)
    available = setup.windows.mixture.windows
    return {
        "steps": setup.steps,
        "tokens": setup.steps * setup.batch_tokens,
        **{f"{name}_tokens_seen": n * setup.training.context for name, n in seen.items()},
        **{f"{name}_epochs_seen": n / available[name] if name in available else 0.0 for name, n in seen.items()},
        **{f"{name}_stream_tokens": n * setup.training.context for name, n in available.items()},
    }


def main(arguments: argparse.Namespace) -> None:
    """Train, evaluate, export; metrics.json last."""
    setup, output = prepare(arguments), Path(arguments.output)
    parameters = parameter_counts(setup.student, setup.vocabulary_size)
    require_free_disk(output, 6 * parameters["total"], "the trained student")
    ceiling = matmul_ceiling(setup.device, PRECISIONS[setup.training.precision])
    trainer = Trainer(setup)
    curve, speed = run_steps(trainer, setup, ceiling)
    if not np.isfinite(curve[-1][2]):
        raise UserError(f"{arguments.name}: the training loss is {curve[-1][2]}; lower lr from {arguments.lr}")
    losses = {"train_loss_nats": curve[-1][2]}
    if arguments.validation:
        stream, masked = TokenStream(arguments.validation), not setup.training.cross_document_attention
        losses["validation_loss_nats"] = stream_loss(trainer.model, stream, setup.training.context, masked)
    lines = ["step,tokens,train_loss_nats,gradient_norm", *(",".join(map(str, point)) for point in curve)]
    write_text(output / "curve.csv", "\n".join(lines) + "\n")
    write_json(output / "throughput.json", speed)
    export_student(trainer.model, setup.vocabulary_size, arguments.tokenizer, output / "model")
    write_json(output / "metrics.json", {"name": arguments.name, **losses, **counts(setup), "parameters": parameters})


def build_parser() -> argparse.ArgumentParser:
    """Command line of a training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="student", help="shown in the progress line and kept in metrics.json")
    parser.add_argument("--real", required=True, help="prefix of the real stream's files")
    parser.add_argument("--synthetic", help="prefix of the synthetic stream's files")
    parser.add_argument("--validation", help="prefix of a stream whose loss goes into metrics.json")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json, exported with the student")
    parser.add_argument("--real-tokens", type=int, required=True, help="D: the real stream's first tokens that count")
    parser.add_argument("--real-epochs", type=int, default=8, help="passes over the real stream (default: %(default)s)")
    parser.add_argument("--mixing-ratio", type=float, default=0.0, help="share of synthetic sequences (default: 0)")
    parser.add_argument("--lr", type=float, default=3e-3, help="peak learning rate (default: %(default)s)")
    parser.add_argument("--weight-decay", type=float, default=0.8, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of initialisation and window order (default: 0)")
    parser.add_argument("--student", default=SMALL_STUDENT.model_dump_json(), help="JSON of a `students` entry")
    parser.add_argument("--training", default='{"student": "small", "context": 512, "batch_sequences": 8}',
                        help="JSON of a `training` section (default: %(default)s)")  # fmt: skip
    parser.add_argument("--output", required=True, help="folder of the results")
    return parser


if __name__ == "__main__":
    run_command(main, build_parser())
