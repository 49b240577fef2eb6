"""Train one student on a real and, with --mixing-ratio above 0, a synthetic token stream.

Works outside the workflow on any streams of `workflow_scripts.megadocs.build`. Writes into --output:
curve.csv, throughput.json, model/ and, last, metrics.json. With --checkpoint, a training that was interrupted in
whatever way is continued by the same command, and its results are the same bytes (on a CPU). Exit status 75: state is
saved; 76: too little memory, and the same command takes smaller micro-batches. `workflow_scripts.training.launch` runs
it again where that helps. On several GPUs of a node:
python -m torch.distributed.run --standalone --nproc-per-node=8 -m workflow_scripts.training.train ...
"""

import argparse

from workflow_scripts.common.errors import run_command
from workflow_scripts.config.models import Student
from workflow_scripts.training.prepare import prepare
from workflow_scripts.training.session import run_training

SMALL_STUDENT = Student(hidden=128, feed_forward=448, layers=4, heads=4, key_value_heads=4, tied_embeddings=True)


def main(arguments: argparse.Namespace) -> None:
    """Train, evaluate, export."""
    run_training(arguments, prepare)


def build_parser() -> argparse.ArgumentParser:
    """Command line of a training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="student", help="shown in the progress line and kept in metrics.json")
    parser.add_argument("--real", required=True, help="prefix of the real stream's files")
    parser.add_argument("--synthetic", help="prefix of the synthetic stream's files")
    parser.add_argument("--validation", help="prefix of a stream whose loss goes into metrics.json")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json, exported with the student")
    parser.add_argument("--real-tokens", type=int, help="D: the real stream's first tokens that count (default: all)")
    parser.add_argument("--real-epochs", type=int, default=8, help="passes over the real stream (default: %(default)s)")
    parser.add_argument("--budget-tokens", type=int, help="all tokens to train on, real and synthetic together "
                        "(default: as --real-epochs says)")  # fmt: skip
    parser.add_argument("--mixing-ratio", type=float, default=0.0, help="share of synthetic sequences (default: 0)")
    parser.add_argument("--stop-share", type=float, help="end after this share of the schedule, as an earlier "
                        "checkpoint of the same training would be (default: at its end)")  # fmt: skip
    parser.add_argument("--lr", type=float, default=3e-3, help="peak learning rate (default: %(default)s)")
    parser.add_argument("--weight-decay", type=float, default=0.8, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of initialisation and window order (default: 0)")
    parser.add_argument("--student", default=SMALL_STUDENT.model_dump_json(), help="JSON of a `students` entry")
    parser.add_argument("--training", default='{"student": "small", "context": 512, "batch_sequences": 8}',
                        help="JSON of a `training` section (default: %(default)s)")  # fmt: skip
    parser.add_argument("--output", required=True, help="folder of the results")
    parser.add_argument("--checkpoint", help="folder of the state that an interrupted training continues from: saved "
                        "now and then, and before it exits with status 75 on SIGTERM, SIGINT, SIGUSR1 or since its job "
                        "ends; a second process waits for the first; a finished training removes it")  # fmt: skip
    add_running_options(parser)
    return parser


def add_running_options(parser: argparse.ArgumentParser) -> None:
    """How a training runs; nothing here changes what is trained, and a checkpoint may be continued with others."""
    parser.add_argument("--threads", type=int, default=1, help="of each process, on a CPU (default: %(default)s)")
    parser.add_argument("--micro-batch-sequences", type=int, help="sequences that one process computes at once (default"
                        ": its whole share of the batch; less after there was too little memory)")  # fmt: skip
    parser.add_argument("--checkpoint-minutes", type=float, default=15,
                        help="what a training that is killed loses at most (default: %(default)s)")  # fmt: skip
    parser.add_argument("--end-time", type=float, help="when the job ends, in UNIX seconds; state is saved before "
                        "(default: as SLURM says)")  # fmt: skip


if __name__ == "__main__":
    run_command(main, build_parser())
