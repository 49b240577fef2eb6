"""Train one student on a real and, with --mixing-ratio above 0, a synthetic token stream.

Works outside the workflow on any streams of `workflow_scripts.megadocs.build`. Writes into --output:
curve.csv, throughput.json, model/ and, last, metrics.json. On several GPUs of a node:
python -m torch.distributed.run --standalone --nproc-per-node=8 -m workflow_scripts.training.train ...
"""

import argparse
from pathlib import Path

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import require_free_disk, write_json, write_text
from workflow_scripts.config.models import Student
from workflow_scripts.evaluation.losses import stream_loss
from workflow_scripts.megadocs.tokens import TokenStream
from workflow_scripts.training.device import PRECISIONS, matmul_ceiling
from workflow_scripts.training.distributed import joined_world
from workflow_scripts.training.export import export_student
from workflow_scripts.training.interruption import Keeper
from workflow_scripts.training.loop import run_steps
from workflow_scripts.training.model import flops_per_token, parameter_counts
from workflow_scripts.training.prepare import Setup, prepare
from workflow_scripts.training.record import Record, throughput
from workflow_scripts.training.trainer import Trainer

SMALL_STUDENT = Student(hidden=128, feed_forward=448, layers=4, heads=4, key_value_heads=4, tied_embeddings=True)


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
    with joined_world() as world:
        setup = prepare(arguments, world)
        parameters = parameter_counts(setup.student, setup.vocabulary_size)["total"]
        require_free_disk(arguments.output, 6 * parameters, "the trained student")
        if arguments.checkpoint:
            require_free_disk(arguments.checkpoint, 24 * parameters, "two checkpoints, the newest and the next")
        ceiling = matmul_ceiling(setup.device, PRECISIONS[setup.training.precision])
        flops = flops_per_token(setup.student, setup.vocabulary_size, setup.training.context)
        trainer = Trainer(setup)
        keeper = Keeper(trainer, arguments.checkpoint)
        record = run_steps(trainer, keeper, ceiling * world.size / flops)
        if world.is_first:
            write_results(trainer, record, throughput(setup, record, flops, ceiling))
            keeper.finish()


def write_results(trainer: Trainer, record: Record, speed: dict) -> None:
    """Everything that --output holds; metrics.json last."""
    setup, output = trainer.setup, Path(trainer.setup.arguments.output)
    lines = ["step,tokens,train_loss_nats,gradient_norm", *(",".join(map(str, point)) for point in record.curve)]
    write_text(output / "curve.csv", "\n".join(lines) + "\n")
    write_json(output / "throughput.json", speed)
    losses = {"train_loss_nats": record.curve[-1][2]} | validation_loss(trainer)
    export_student(trainer.model, setup.vocabulary_size, setup.arguments.tokenizer, output / "model")
    parameters = parameter_counts(setup.student, setup.vocabulary_size)
    names = {"name": setup.arguments.name, **losses, **counts(setup), "parameters": parameters}
    write_json(output / "metrics.json", names)


def validation_loss(trainer: Trainer) -> dict[str, float]:
    """Loss on the validation stream, if there is one."""
    setup = trainer.setup
    if not setup.arguments.validation:
        return {}
    stream, masked = TokenStream(setup.arguments.validation), not setup.training.cross_document_attention
    return {"validation_loss_nats": stream_loss(trainer.model, stream, setup.training.context, masked)}


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
    parser.add_argument("--checkpoint", help="folder of the state that an interrupted training continues from; it is "
                        "saved every `checkpoint_minutes`, and on SIGTERM, SIGINT or SIGUSR1 before the training exits "
                        "with status 75; a finished training removes it")  # fmt: skip
    return parser


if __name__ == "__main__":
    run_command(main, build_parser())
