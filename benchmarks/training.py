"""Tokens per second of training: ours, `transformers.Trainer`, litgpt; the same model, batch, machine and cores.

`ours` is what the workflow does: on a CPU one student per core, side by side; on a GPU one. Arms that end in
`side-by-side` do the same with a peer. Ours and the Trainer start from the same weights, see the same windows and take
the same learning rates, so that their losses after the same steps must agree. The first steps are not timed.

litgpt needs an environment of its own: python3 -m venv FOLDER && FOLDER/bin/pip install -r benchmarks/litgpt.txt,
then --litgpt-python FOLDER/bin/python.

On one GPU, the paper's student and batch (the Trainer needs to accumulate):
    python -m benchmarks.training --student 300m --context 4096 --vocabulary 128256 --batch 64 --their-micro-batch 8
"""

import argparse
import json
import os
import tempfile
import time

import numpy as np
import torch
from torch.optim.lr_scheduler import LambdaLR
from torch.profiler import ProfilerActivity, profile
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainerCallback, TrainingArguments

from benchmarks.harness import add_options, finish, medians, run_benchmark, table, take_turns
from benchmarks.side_by_side import side_by_side
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.seeds import named_seed
from workflow_scripts.config.load import read_config
from workflow_scripts.config.models import Student
from workflow_scripts.config.models import Training as Settings
from workflow_scripts.megadocs.tokens import TokenRow, TokenStream, write_stream
from workflow_scripts.training import trainer
from workflow_scripts.training.device import PRECISIONS, matmul_ceiling, pick_device
from workflow_scripts.training.export import exported_weights, llama_config
from workflow_scripts.training.mixing import MixedWindows, open_mixture
from workflow_scripts.training.model import flops_per_token
from workflow_scripts.training.prepare import Setup
from workflow_scripts.training.recipe import decayed, learning_rate

RECIPE = argparse.Namespace(seed=0, lr=3e-3, weight_decay=0.8)
OURS = {"ours": {}, "ours-alone": {}, "ours-plain-bf16": {"compile": False}, "ours-fp32": {"precision": "fp32"}}
BEST = {"bf16": True, "torch_compile": True, "optim": "adamw_torch_fused", "dataloader_num_workers": 0}
BEST |= {"logging_strategy": "no", "save_strategy": "no", "disable_tqdm": True, "logging_nan_inf_filter": False}
THEIRS = {"trainer-best": BEST, "trainer-best-side-by-side": BEST, "trainer-defaults": {}}  # TrainingArguments
LITGPT = ["litgpt", "litgpt-side-by-side"]
COLUMNS = {"tera_flops_per_second": "TFLOP/s", "ceiling_share": "of ceiling", "peak_memory_mib": "MiB", "loss": "loss"}


def build_setup(a: argparse.Namespace, folder: str, **settings) -> Setup:
    """Our trainer's setup on a stream of random ids, low ones more often, from a named seed."""
    steps, random = a.untimed + a.steps, np.random.default_rng(named_seed("benchmark", "training"))
    ids = np.minimum(random.zipf(1.3, steps * a.batch * a.context), a.vocabulary) - 1
    write_stream(f"{folder}/real", [TokenRow("random", "real", -1, ids)], a.vocabulary, {"tokenizer_sha256": "none"})
    training = Settings(student=a.student, context=a.context, batch_sequences=a.batch, **settings)
    streams = {"real": TokenStream(f"{folder}/real")}
    shape = (a.batch, a.context)
    mixture = open_mixture(streams, len(ids), 0.0, training.mixing_block_sequences, RECIPE.seed, shape)
    windows = MixedWindows(streams, mixture, a.context, a.batch)
    named = {"device": pick_device(), "micro_batch_sequences": a.micro_batch}
    return Setup(RECIPE, student_of(a), training, streams, windows, steps, a.vocabulary, **named)


def student_of(a: argparse.Namespace) -> Student:
    """The student's shape, with room for the context."""
    student = read_config("config.yaml").students[a.student]
    return student.model_copy(update={"max_context": max(student.max_context, a.context)})


def run_ours(wait, setup: Setup, untimed: int) -> dict:
    """Seconds of the timed steps and the last step's loss."""
    ours = trainer.Trainer(setup)
    for number in range(setup.steps):
        if number == untimed:
            _finish_on_device()
            wait()
            started = time.perf_counter()
        loss, _ = ours.step(number)
    last = loss.item()
    return {"seconds": time.perf_counter() - started, "loss": last}


class TheirTrainer(Trainer):
    """transformers.Trainer with our learning rates and decay exclusions."""

    def get_decay_parameter_names(self, model: torch.nn.Module) -> list[str]:
        """Which weights are decayed."""
        return [name for name, p in model.named_parameters() if decayed(name.removeprefix("model."), p)]

    def create_scheduler(self, num_training_steps: int, optimizer=None) -> LambdaLR:
        """Learning rate of each step; the Trainer asks for one more after the last."""
        n, share = num_training_steps, Settings(student="any").warmup_fraction
        self.lr_scheduler = LambdaLR(self.optimizer, lambda step: learning_rate(min(step, n - 1), n, 1.0, share))
        return self.lr_scheduler

    def training_step(self, *words, **more) -> torch.Tensor:
        """Forward and backward of a batch; the loss is kept."""
        self.last_loss = super().training_step(*words, **more)
        return self.last_loss


class Clock(TrainerCallback):
    """Times at which the timed steps began and ended."""

    def __init__(self, wait, untimed: int, steps: int) -> None:
        self.wait, self.untimed, self.steps = wait, untimed, steps

    def on_step_end(self, args, state, control, **_) -> None:
        """Note the time where it matters."""
        if state.global_step in (self.untimed, self.steps):
            _finish_on_device()
        if state.global_step == self.untimed:
            self.wait()
            self.started = time.perf_counter()
        self.ended = time.perf_counter()


def run_theirs(wait, setup: Setup, untimed: int, folder: str, settings: dict, micro_batch: int) -> dict:
    """The same with `transformers.Trainer`, on the windows in the same order."""
    special = argparse.Namespace(bos_id=0, eos_id=1)
    model = LlamaForCausalLM(LlamaConfig(**llama_config(setup.student, setup.vocabulary_size, special)))
    model.load_state_dict(exported_weights(trainer.Trainer(setup).model), strict=False)  # lacks a tied head
    windows = [ids for n in range(setup.steps) for ids in torch.from_numpy(setup.windows.batch(n)[0])]
    rows = [{"input_ids": ids, "labels": ids} for ids in windows]
    t, clock = setup.training, Clock(wait, untimed, setup.steps)
    options = TrainingArguments(
        folder, per_device_train_batch_size=micro_batch, gradient_accumulation_steps=t.batch_sequences // micro_batch,
        max_steps=setup.steps, use_cpu=setup.device.type == "cpu", learning_rate=RECIPE.lr,
        weight_decay=RECIPE.weight_decay, adam_beta1=t.beta1, adam_beta2=t.beta2, adam_epsilon=t.epsilon,
        max_grad_norm=t.gradient_clip, train_sampling_strategy="sequential", **settings,
    )  # fmt: skip
    peer = TheirTrainer(model, options, train_dataset=rows, callbacks=[clock])
    peer.train()
    return {"seconds": clock.ended - clock.started, "loss": peer.last_loss.item()}


def run_process(wait, a: argparse.Namespace, threads: int) -> dict:
    """One student of an arm in this process, and the matrix products' ceiling under the same conditions."""
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        setup = build_setup(a, folder, **OURS.get(a.arm, {}))
        if a.arm in OURS:
            found = run_ours(wait, setup, a.untimed)
        else:
            found = run_theirs(wait, setup, a.untimed, folder, THEIRS[a.arm], a.their_micro_batch or a.batch)
        wait()
        return found | {"ceiling": matmul_ceiling(setup.device, PRECISIONS["bf16"])}


def run_arm(a: argparse.Namespace) -> dict:
    """One arm; tokens/s of all its processes together."""
    processes = processes_of(a.arm, a.cores)
    found = side_by_side(run_process, processes, a, a.cores // processes)
    flops = flops_per_token(student_of(a), a.vocabulary, a.context)
    rate = sum(a.steps * a.batch * a.context / each["seconds"] for each in found)
    ceiling = sum(each["ceiling"] for each in found)
    return {
        "tokens_per_second": rate,
        "tera_flops_per_second": flops * rate / 1e12,
        "ceiling_tera_flops_per_second": ceiling / 1e12,
        "ceiling_share": flops * rate / ceiling,
        "loss": found[0]["loss"],
    }


def processes_of(arm: str, cores: int) -> int:
    """How many students an arm trains at once."""
    return cores if arm == "ours" or arm.endswith("side-by-side") else 1


def step_profile(a: argparse.Namespace) -> list[dict]:
    """Where the time of our step goes: operations by their own time, most first."""
    torch.set_num_threads(1)
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
    with tempfile.TemporaryDirectory() as folder:
        setup = build_setup(a, folder)
        ours = trainer.Trainer(setup)
        for number in range(a.untimed):
            ours.step(number)
        with profile(activities=activities) as found:
            for number in range(a.untimed, setup.steps):
                ours.step(number)
            _finish_on_device()
    times = {event.key: _own_time_us(event) for event in found.key_averages()}
    total = sum(times.values())
    ordered = sorted(times.items(), key=lambda item: -item[1])[:20]
    return [{"operation": name, "milliseconds_per_step": t / 1e3 / a.steps, "share": t / total} for name, t in ordered]


def _own_time_us(event) -> float:
    return event.self_device_time_total if torch.cuda.is_available() else event.self_cpu_time_total


def _finish_on_device() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def main(a: argparse.Namespace) -> None:
    """Alternate the arms, print table and profile, write the measurements."""
    keys = (
        "student",
        "batch",
        "context",
        "vocabulary",
        "micro_batch",
        "their_micro_batch",
        "steps",
        "untimed",
        "cores",
    )
    options = {key: getattr(a, key) for key in keys}
    default = ["ours", "trainer-best"] if torch.cuda.is_available() else [*OURS, *THEIRS]
    arms = a.arms or [*default, *(LITGPT if a.litgpt_python else [])]
    elsewhere = {arm: _litgpt_command(a, arm) for arm in LITGPT if a.litgpt_python}
    if missing := [arm for arm in arms if arm in LITGPT and arm not in elsewhere]:
        raise UserError(f"--arms {' '.join(missing)} needs --litgpt-python, an interpreter with litgpt")
    found = take_turns("benchmarks.training", arms, options, a.repeats, elsewhere)
    _rate_elsewhere(found, a)
    lines = [table(found, arms[0], COLUMNS), f"ceiling: {_ceiling(found):.3f} TFLOP/s in bf16 on {a.cores} cores"]
    more = {"profile": step_profile(a)} if a.profile else {}
    lines += [
        f"{p['milliseconds_per_step']:>10.2f} ms {p['share']:>6.1%}  {p['operation'][:80]}"
        for p in more.get("profile", [])
    ]
    finish(f"training {a.student}", "\n".join(lines), found, options, a.output, **more)


def _ceiling(found: list[dict]) -> float:
    return max(values.get("ceiling_tera_flops_per_second", 0.0) for values in medians(found).values())


def _rate_elsewhere(found: list[dict], a: argparse.Namespace) -> None:
    """FLOP/s of arms that don't know our count of them."""
    flops = flops_per_token(student_of(a), a.vocabulary, a.context)
    for row in found:
        for arm in LITGPT:
            if arm in row:
                row[arm]["tera_flops_per_second"] = flops * row[arm]["tokens_per_second"] / 1e12


def _litgpt_command(a: argparse.Namespace, arm: str) -> list[str]:
    processes = processes_of(arm, a.cores)
    sizes = student_of(a).model_dump() | {"batch": a.batch, "context": a.context, "vocabulary": a.vocabulary}
    command = [a.litgpt_python, "-m", "benchmarks.litgpt_arm", f"--shape={json.dumps(sizes)}"]
    return [*command, f"--threads={a.cores // processes}", f"--processes={processes}"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--student", default="1m", help="a key of `students` in config.yaml (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=4, help="sequences per step (default: %(default)s)")
    parser.add_argument("--context", type=int, default=512, help="tokens per sequence (default: %(default)s)")
    parser.add_argument("--vocabulary", type=int, default=2048, help="token ids (default: %(default)s)")
    parser.add_argument("--micro-batch", type=int, help="sequences at a time, ours (default: the batch)")
    parser.add_argument("--their-micro-batch", type=int, help="the same for the Trainer (default: the batch)")
    parser.add_argument("--steps", type=int, default=40, help="timed steps (default: %(default)s)")
    parser.add_argument("--untimed", type=int, default=5, help="first steps, not timed (default: %(default)s)")
    cores = 1 if torch.cuda.is_available() else len(os.sched_getaffinity(0))
    parser.add_argument("--cores", type=int, default=cores, help="one on a GPU's side (default: %(default)s)")
    parser.add_argument("--arms", nargs="+", help=f"of {', '.join([*OURS, *THEIRS, *LITGPT])} (default: all)")
    parser.add_argument("--litgpt-python", help="interpreter of an environment with litgpt")
    parser.add_argument("--profile", action="store_true", help="also show where the time of our step goes")
    add_options(parser)
    run_benchmark(main, run_arm, parser)
