"""All steps of a training: curve, progress line, checkpoints."""

import sys

from tqdm import tqdm

from workflow_scripts.common.progress import progress
from workflow_scripts.training.interruption import Keeper
from workflow_scripts.training.prepare import Setup
from workflow_scripts.training.record import Record, Stopwatch
from workflow_scripts.training.trainer import Trainer


def run_steps(trainer: Trainer, keeper: Keeper, ceiling: float) -> Record:
    """Steps from where the keeper's checkpoint ends to the last one; what was recorded of all of them.

    `ceiling`: tokens/s if all FLOPs went at the rate of matrix products. A loss that is not finite ends the training:
    in the search for hyper-parameters that is a result.
    """
    setup, record = trainer.setup, keeper.resume()
    first, points = record.step, curve_steps(setup)
    with _progress_line(setup, first) as bar:
        watch = Stopwatch(record, trainer.batches, setup.device)
        for number in range(first, setup.steps):
            loss, norm = trainer.step(number)
            record.step = number + 1
            bar.update(setup.batch_tokens)
            if number == first:
                watch.first_step()
            if record.step in points:
                _add_point(record, setup, setup.world.mean(loss), norm.item())
                watch.lap()
                used = record.tokens_per_second(setup.batch_tokens) / ceiling
                bar.set_postfix_str(f"loss {record.curve[-1][2]:.3f}, {used:.0%} of matmul FLOP/s")
                if record.diverged:
                    break
            if setup.reach(trainer, record):
                watch.restart()
            if keeper.must_save(record.step):
                watch.lap()
                keeper.save(record)
                watch.restart()
        watch.lap()
    return record


def curve_steps(setup: Setup) -> set[int]:
    """Steps after which the training curve has a point: the first, the last, and evenly spaced ones."""
    points = setup.training.curve_points
    return {1, *(round(i * setup.steps / points) for i in range(1, points + 1))}


def _add_point(record: Record, setup: Setup, loss: float, norm: float) -> None:
    record.curve.append((record.step, record.step * setup.batch_tokens, loss, norm))
    if record.diverged and setup.world.is_first:
        a = setup.arguments
        print(f"{a.name}: the training loss is {loss} at step {record.step:,}; lower lr from {a.lr}", file=sys.stderr)


def _progress_line(setup: Setup, steps_done: int) -> tqdm:
    if not setup.world.is_first:
        return tqdm(disable=True, file=sys.stderr)
    bar = progress(setup.steps * setup.batch_tokens, setup.arguments.name, "tokens")
    bar.initial = bar.n = steps_done * setup.batch_tokens
    return bar
