"""Tokens per second of our training step and of `transformers.Trainer`: the same weights on the same windows.

Each repeat runs every arm once, each in a process of its own with as many threads. All get the same learning rates
and decay exclusions, so that losses after the same steps must agree. The first steps (compilation) are not timed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from statistics import median

import numpy as np
import torch
from torch.optim.lr_scheduler import LambdaLR
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainerCallback, TrainingArguments

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import write_json
from workflow_scripts.common.seeds import named_seed
from workflow_scripts.config.load import read_config
from workflow_scripts.config.models import Training
from workflow_scripts.megadocs.tokens import TokenRow, TokenStream, write_stream
from workflow_scripts.training import train
from workflow_scripts.training.export import exported_weights, llama_config
from workflow_scripts.training.mixing import MixedWindows, open_mixture
from workflow_scripts.training.recipe import decayed, learning_rate

STUDENT, VOCABULARY, BATCH, CONTEXT = "1m", 2048, 4, 512
RECIPE = argparse.Namespace(seed=0, lr=3e-3, weight_decay=0.8)
OURS = {"ours": {}, "ours-fp32-eager": {"precision": "fp32", "compile": False}}
BEST = {"bf16": True, "torch_compile": True, "optim": "adamw_torch_fused", "dataloader_num_workers": 0}
BEST |= {"logging_strategy": "no", "save_strategy": "no", "disable_tqdm": True, "logging_nan_inf_filter": False}
THEIRS = {"trainer-defaults": {}, "trainer-best-on-cpu": BEST}  # TrainingArguments beyond the recipe


def build_setup(steps: int, threads: int, folder: str, **settings) -> train.Setup:
    """Our trainer's setup on a stream of random ids, low ones more often, from a named seed."""
    random = np.random.default_rng(named_seed("benchmark", "training"))
    ids = np.minimum(random.zipf(1.3, steps * BATCH * CONTEXT), VOCABULARY) - 1
    write_stream(f"{folder}/real", [TokenRow("random", "real", -1, ids)], VOCABULARY, {"tokenizer_sha256": "none"})
    training = Training(student=STUDENT, context=CONTEXT, batch_sequences=BATCH, threads=threads, **settings)
    streams = {"real": TokenStream(f"{folder}/real")}
    mixture = open_mixture(streams, len(ids), 0.0, training.mixing_block_sequences, RECIPE.seed, (BATCH, CONTEXT))
    windows, student = MixedWindows(streams, mixture, CONTEXT, BATCH), read_config("config.yaml").students[STUDENT]
    return train.Setup(RECIPE, student, training, streams, windows, steps, VOCABULARY, torch.device("cpu"))


def run_ours(setup: train.Setup, untimed: int) -> tuple[float, float]:
    """Seconds of the timed steps and the last step's loss."""
    trainer = train.Trainer(setup)
    for number in range(setup.steps):
        if number == untimed:
            started = time.perf_counter()
        loss, _ = trainer.step(number)
    return time.perf_counter() - started, loss.item()


class TheirTrainer(Trainer):
    """transformers.Trainer with our learning rates and decay exclusions."""

    def get_decay_parameter_names(self, model: torch.nn.Module) -> list[str]:
        """Which weights are decayed."""
        return [name for name, p in model.named_parameters() if decayed(name.removeprefix("model."), p)]

    def create_scheduler(self, num_training_steps: int, optimizer=None) -> LambdaLR:
        """Learning rate of each step; the Trainer asks for one more after the last."""
        n, share = num_training_steps, Training(student=STUDENT).warmup_fraction
        self.lr_scheduler = LambdaLR(self.optimizer, lambda step: learning_rate(min(step, n - 1), n, 1.0, share))
        return self.lr_scheduler

    def training_step(self, *words, **more) -> torch.Tensor:
        """Forward and backward of a batch; the loss is kept."""
        self.last_loss = super().training_step(*words, **more)
        return self.last_loss


class Clock(TrainerCallback):
    """Times at which steps ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, args, state, control, **_) -> None:
        """Note the time."""
        self.ends.append(time.perf_counter())


def run_theirs(setup: train.Setup, untimed: int, folder: str, settings: dict) -> tuple[float, float]:
    """The same with `transformers.Trainer`, on the windows in the same order."""
    special = argparse.Namespace(bos_id=0, eos_id=1)
    model = LlamaForCausalLM(LlamaConfig(**llama_config(setup.student, VOCABULARY, special)))
    model.load_state_dict(exported_weights(train.Trainer(setup).model), strict=False)  # lacks the tied head
    windows = [ids for n in range(setup.steps) for ids in torch.from_numpy(setup.windows.batch(n)[0])]
    rows = [{"input_ids": ids, "labels": ids} for ids in windows]
    t, clock = setup.training, Clock()
    options = TrainingArguments(
        folder, per_device_train_batch_size=BATCH, max_steps=setup.steps, use_cpu=True, learning_rate=RECIPE.lr,
        weight_decay=RECIPE.weight_decay, adam_beta1=t.beta1, adam_beta2=t.beta2, adam_epsilon=t.epsilon,
        max_grad_norm=t.gradient_clip, train_sampling_strategy="sequential", **settings,
    )  # fmt: skip
    trainer = TheirTrainer(model, options, train_dataset=rows, callbacks=[clock])
    trainer.train()
    return clock.ends[-1] - clock.ends[untimed - 1], trainer.last_loss.item()


def run_arm(arguments: argparse.Namespace) -> None:
    """One arm in this process; a JSON line on standard output."""
    arm, untimed, steps = arguments.arm, arguments.untimed, arguments.untimed + arguments.steps
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        setup = build_setup(steps, arguments.threads, folder, **OURS.get(arm, {}))
        seconds, loss = run_ours(setup, untimed) if arm in OURS else run_theirs(setup, untimed, folder, THEIRS[arm])
    print(json.dumps({"tokens_per_second": arguments.steps * BATCH * CONTEXT / seconds, "loss": loss}))


def measure(settings: dict, arm: str) -> dict:
    """Run one arm in a process of its own. Raises UserError when it fails."""
    command = [sys.executable, "-m", "benchmarks.training", *(f"--{k}={v}" for k, v in settings.items())]
    result = subprocess.run([*command, f"--arm={arm}"], capture_output=True, text=True)
    if result.returncode:
        raise UserError(f"{arm} failed:\n{result.stderr}")
    return json.loads(result.stdout.strip().splitlines()[-1])


def main(arguments: argparse.Namespace) -> None:
    """Alternate the arms, print the table, write the measurements."""
    settings, load = {k: getattr(arguments, k) for k in ("steps", "untimed", "threads")}, os.getloadavg()
    found = [{arm: measure(settings, arm) for arm in [*OURS, *THEIRS]} for _ in range(arguments.repeats)]
    rates = {arm: [repeat[arm]["tokens_per_second"] for repeat in found] for arm in found[0]}
    print(f"{'what':<22}{'tokens/s':>10}{'min':>10}{'max':>10}{'ours / it':>11}{'loss':>9}")
    for arm, r in rates.items():
        ratio, loss = median(rates["ours"]) / median(r), found[0][arm]["loss"]
        print(f"{arm:<22}{median(r):>10,.0f}{min(r):>10,.0f}{max(r):>10,.0f}{ratio:>11.2f}{loss:>9.4f}")
    if arguments.output:
        write_json(arguments.output, settings | {"torch": torch.__version__, "load_before": load, "repeats": found})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100, help="timed steps (default: %(default)s)")
    parser.add_argument("--untimed", type=int, default=5, help="first steps, not timed (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each arm, alternating (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="of every arm (default: %(default)s)")
    parser.add_argument("--arm", choices=[*OURS, *THEIRS], help="run this arm alone, once, in this process")
    parser.add_argument("--output", help="measurements (JSON)")
    run_command(lambda arguments: (run_arm if arguments.arm else main)(arguments), parser)
