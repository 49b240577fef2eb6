"""A training from its options to its results: one process at a time, interrupted and continued."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from workflow_scripts.common.files import require_free_disk
from workflow_scripts.training.checkpoint import PATTERN
from workflow_scripts.training.device import matmul_ceiling, pick_precision
from workflow_scripts.training.distributed import World, is_first_process, joined_world
from workflow_scripts.training.interruption import Keeper, end_at_once_on_signals
from workflow_scripts.training.job import end_time
from workflow_scripts.training.loop import run_steps
from workflow_scripts.training.micro_batch import OutOfMemoryEnd, end_out_of_memory, is_out_of_memory
from workflow_scripts.training.model import flops_per_token, parameter_counts
from workflow_scripts.training.outcome import OUT_OF_MEMORY, errors_noted, forget_outcome
from workflow_scripts.training.owner import Owner, owned
from workflow_scripts.training.prepare import Setup, identity
from workflow_scripts.training.record import throughput
from workflow_scripts.training.results import write_results
from workflow_scripts.training.trainer import Trainer


def run_training(arguments: argparse.Namespace, prepare: Callable[[argparse.Namespace, World], Setup]) -> None:
    """One process at a time trains the student of a --checkpoint folder, which also learns how it ended."""
    folder = arguments.checkpoint
    if folder:
        end_at_once_on_signals()
    try:
        with owned(folder if is_first_process() else None) as owner, joined_world() as world, errors_noted(folder):
            if owner:
                forget_outcome(folder)
            end = arguments.end_time or (end_time() if owner else None)
            train(prepare(arguments, world), owner, end)
    except OutOfMemoryEnd as end:
        print(end, file=sys.stderr)
        sys.exit(OUT_OF_MEMORY)


def train(setup: Setup, owner: Owner | None, end: float | None) -> None:
    """Train, evaluate, export; metrics.json last."""
    if any(setup.world.any(owner is not None and finished_meanwhile(setup, owner))):
        return
    require_disk(setup)
    try:
        ceiling = matmul_ceiling(setup.device, pick_precision(setup.device, setup.training.precision))
        flops = flops_per_token(setup.student, setup.vocabulary_size, setup.training.context)
        trainer = Trainer(setup)
        keeper = Keeper(trainer, owner, end)
        record = run_steps(trainer, keeper, ceiling * setup.world.size / flops)
        if setup.world.is_first:
            setup.finish(trainer, record)
            write_results(trainer, record, throughput(setup, record, flops, ceiling))
            keeper.finish()
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        options = setup.arguments
        end_out_of_memory(options.name, setup.micro_batch_sequences, options.checkpoint, error)


def finished_meanwhile(setup: Setup, owner: Owner) -> bool:
    """Whether the process that this one waited for has trained this very student to its end.

    So it is when a workflow died, its training went on, and the workflow was called again.
    """
    metrics, before = Path(setup.arguments.output) / "metrics.json", (owner.waited_for or {}).get("progress", {})
    mine = {"identity": identity(setup), "output": str(metrics.parent.absolute())}
    finished = mine.items() <= before.items() and metrics.exists()
    if finished := finished and metrics.stat().st_mtime > owner.process["started_at"]:
        print(f"{metrics}: another process has finished this training meanwhile", file=sys.stderr)
    return finished


def require_disk(setup: Setup) -> None:
    """Room for the student and for checkpoints: the last two and the one that is being written."""
    parameters = parameter_counts(setup.student, setup.vocabulary_size)["total"]
    require_free_disk(setup.arguments.output, 6 * parameters, "the trained student")
    if setup.arguments.checkpoint:
        missing = 3 - min(2, len(list(Path(setup.arguments.checkpoint).glob(PATTERN))))
        require_free_disk(setup.arguments.checkpoint, missing * 12 * parameters, "the next checkpoints")
