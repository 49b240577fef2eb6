"""Start a training, once more where that helps, and never where it does not: the one retry policy.

finished        0
out of memory   at once again, in place, with smaller micro-batches of the same batch
deadline        state is saved; a SLURM job has itself run again if it came any further, else exit status 75
signal          state is saved; exit status 75; whoever sent it decides
error           exit status 1, and a later --attempt of the same call fails at once: another try ends the same way
killed          128 + the signal; the next attempt continues

python -m workflow_scripts.training.launch --gpus 8 --attempt 1 --attempts FILE -- <options of ...training.train>
"""

import argparse
import os
import signal
import subprocess
import sys
import time
import uuid

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.source import made_by
from workflow_scripts.training.attempts import Attempt, append_attempt, note_lost_attempt
from workflow_scripts.training.job import requeue
from workflow_scripts.training.outcome import INTERRUPTED, forget_outcome, read_outcome
from workflow_scripts.training.owner import LAUNCH, is_live, read_owner

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
SAVING_S = 300  # what processes may take to save after a signal, before torchrun kills them
REQUEUED_WITHIN_S = 120  # SLURM ends a job that it will run again


def main(arguments: argparse.Namespace) -> None:
    """Exits with what became of the training."""
    folder = checkpoint_folder(arguments.options)
    note_lost_attempt(folder, arguments.attempts)
    refuse_hopeless(folder, arguments.attempt)
    ended = run_attempt(arguments, folder)
    while ended.outcome == "out_of_memory" and not ended.signalled:
        ended = run_attempt(arguments, folder)
    if ended.outcome == "deadline":
        continue_later(ended)
    if ended.outcome == "error":
        sys.exit(f"error: {ended.message}")
    if ended.status:
        print(f"the training ended with status {ended.status} ({ended.message})", file=sys.stderr)
    sys.exit(ended.status)


def checkpoint_folder(options: list[str]) -> str:
    """What the training's own options say. Raises UserError without one."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--checkpoint")
    folder = parser.parse_known_args(options)[0].checkpoint
    if not folder:
        raise UserError("a training that may be run again needs --checkpoint, the folder that it continues from")
    return folder


def refuse_hopeless(folder: str, attempt: int) -> None:
    """Raise UserError if an earlier attempt of the same call met an error of its own; the first attempt forgets."""
    if attempt <= 1:
        forget_outcome(folder)
    outcome = read_outcome(folder) or {}
    if outcome.get("outcome") == "error":
        raise UserError(f"{outcome['message']} (not run again: attempt {attempt} would end as the one before)")


def run_attempt(arguments: argparse.Namespace, folder: str) -> Attempt:
    """Run the training once; how it ended is also noted in --attempts."""
    made = made_by(f"workflow_scripts.training.{arguments.module}")
    attempt = Attempt(launch=uuid.uuid4().hex, attempt=arguments.attempt, gpus=arguments.gpus, made_by=made)
    status, signalled = run(command(arguments.gpus, arguments.options, arguments.module), attempt.launch)
    wait_for_owner(folder, attempt.launch)
    attempt.end(status, signalled, read_outcome(folder))
    append_attempt(arguments.attempts, attempt)
    return attempt


def command(gpus: int, options: list[str], module: str = "train") -> list[str]:
    """One process, or one for each GPU, which torchrun hands signals on to."""
    train = ["-m", f"workflow_scripts.training.{module}", *options]
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={gpus}"]
    torchrun += ["--signals-to-handle=SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1"]
    return [sys.executable, *(torchrun if gpus > 1 else []), *train]


def run(words: list[str], launch: str) -> tuple[int, bool]:
    """Exit status of a command, negative for a signal, and whether this process was asked to end; it hands that on."""
    received = []
    before = {number: signal.signal(number, lambda number, _: received.append(number)) for number in SIGNALS}
    environment = os.environ | {LAUNCH: launch, "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": str(SAVING_S)}
    process, handed_on = subprocess.Popen(words, env=environment), 0
    while True:
        try:
            status = process.wait(timeout=0.2)
            break
        except subprocess.TimeoutExpired:
            for number in received[handed_on:]:
                process.send_signal(number)
                handed_on += 1
    for number, handler in before.items():
        signal.signal(number, handler)
    return status, bool(received)


def wait_for_owner(folder: str, launch: str) -> None:
    """A second signal ends torchrun at once, while its processes still save."""
    began = time.monotonic()
    while (owner := read_owner(folder)) and owner["launch"] == launch and is_live(owner):
        if time.monotonic() - began > SAVING_S:
            break
        time.sleep(0.2)


def continue_later(ended: Attempt) -> None:
    """Have SLURM run this job again if the attempt came further; exits with status 75."""
    refused = requeue() if ended.advanced else "the training advanced by no step: give its job more time"
    if refused is None:
        print("the job's time is over: SLURM runs it again, and it continues there", file=sys.stderr, flush=True)
        time.sleep(REQUEUED_WITHIN_S)
    else:
        print(f"the job is not run again by itself ({refused}); the next attempt continues", file=sys.stderr)
    sys.exit(INTERRUPTED)


def build_parser() -> argparse.ArgumentParser:
    """Command line of the launcher."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modules = ["train", "pretrain"]
    parser.add_argument("--module", choices=modules, default="train", help="what is run (default: %(default)s)")
    parser.add_argument("--gpus", type=int, default=0, help="processes that share the batch (default: one, on a CPU)")
    parser.add_argument("--attempt", type=int, default=1, help="of the same call of the workflow (default: 1)")
    parser.add_argument("--attempts", help="file that gets a line of JSON for each attempt")
    parser.add_argument("options", nargs="*", help="the training's options, after --")
    return parser


if __name__ == "__main__":
    run_command(main, build_parser())
