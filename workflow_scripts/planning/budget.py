"""Refuses a call that would use more device-hours than the config allows."""

from collections.abc import Iterable
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Config
from workflow_scripts.planning import estimates
from workflow_scripts.planning.measured import hours_so_far, utilisation_of
from workflow_scripts.planning.need import Need
from workflow_scripts.planning.needs import generation_need, sampling_need
from workflow_scripts.planning.summary import amount
from workflow_scripts.planning.work import runs_named


def check_budget(
    config: Config,
    results: str | Path,
    checkpoints: str | Path | None = None,
    train: Iterable[str] = (),
    generate: int = 0,
    sample: int = 0,
    kinds: Iterable[str] = (),
    rounds: Iterable[str] = (),
) -> None:
    """Raises UserError when the call's work and what is used already exceed `budget_gpu_hours`.

    `train`: ids of the students that the call trains; `generate`, `sample`: numbers of its text jobs; `kinds`,
    `rounds`: of mixtures, the stream that each text job writes for.
    """
    budget, compute = config.budget_gpu_hours, config.scales[config.scale].compute
    if budget is None:
        return
    used, by_student = hours_so_far(config, results, checkpoints)
    texts = text_hours(config, generate, sample) + mixture_hours(config, kinds, rounds)
    new = training_hours(config, results, train, by_student) + texts
    if new and used + new > budget:
        raise UserError(
            f"this call would use {amount(new)} of {budget:g} budgeted {compute.device}-hours ({amount(used)} used so "
            "far): raise budget_gpu_hours, or ask for fewer targets; `snakemake plan` says which figures fit"
        )


def training_hours(config: Config, results: str | Path, names: Iterable[str], used: dict[str, float]) -> float:
    """Device-hours that trainings still take: one that was interrupted continues, so what it used is subtracted."""
    utilisation, _ = utilisation_of(config.scales[config.scale].compute, results)
    runs, left = runs_named(config, set(names)), 0.0
    for run in runs:
        begins_anew = (Path(results) / "runs" / run.run_id / "metrics.json").exists()
        whole = estimates.training_device_hours(config, run, utilisation)
        left += whole if begins_anew else max(0.0, whole - used.get(run.run_id, 0.0))
    return left


def text_hours(config: Config, generate: int, sample: int) -> float:
    """Device-hours of text jobs; those that share a server cost as much as the server."""
    scale = config.scales[config.scale]
    shared = scale.generation.jobs if scale.generation.engine == "vllm-server" else 1
    return generate / shared * _cost(config, generation_need(config)) + sample * _cost(config, sampling_need(config))


def mixture_hours(config: Config, kinds: Iterable[str], rounds: Iterable[str]) -> float:
    """Device-hours of text jobs of mixtures."""
    needs = [*(generation_need(config, kind) for kind in kinds), *(sampling_need(config, name) for name in rounds)]
    return sum(_cost(config, need) for need in needs)


def _cost(config: Config, need: Need) -> float:
    return need.hours * estimates.devices(config.scales[config.scale].compute, need.gpus, need.cpus)
