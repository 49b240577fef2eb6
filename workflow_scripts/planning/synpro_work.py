"""SynPro's jobs as work of the plan: pretrainings, generators, the sets that they write."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from workflow_scripts.config.models import Config
from workflow_scripts.config.sizes import flops_per_token
from workflow_scripts.planning.synpro import generator_need, pretraining_device_hours, pretraining_need, set_need, shape
from workflow_scripts.planning.work import Work, job_work

STUDY = "synpro"


def synpro_work(config: Config, results: Path) -> Iterator[Work]:
    """All of it; nothing where the scale has no such section."""
    synpro = config.scales[config.scale].synpro
    if not synpro:
        return
    for name in synpro.pretrainings:
        for seed in synpro.seeds:
            yield _pretraining(config, name, seed, results / "synpro/pretrainings")
    for name, own in synpro.used_sets().items():
        if own.rewards:
            done = (results / f"synpro/generators/{name}/metrics.json").exists()
            yield job_work(
                config, "reinforcement", f"generator {name}", [STUDY], generator_need(config, name), done=done
            )
        for job in range(config.scales[config.scale].generation.jobs if own.operation else 0):
            done = (results / f"generations/{name}-{job}.0.json").exists()
            yield job_work(config, "generation", f"{name}-{job}", [STUDY], set_need(config, name), done=done)


def _pretraining(config: Config, name: str, seed: int, folder: Path) -> Work:
    synpro, need = config.scales[config.scale].synpro, pretraining_need(config, name)
    steps, done = synpro.pretrainings[name].steps, (folder / f"{name}-s{seed}/metrics.json").exists()
    work = job_work(config, "training", f"{name}-s{seed}", [STUDY], need, synpro.student, done)
    tokens, hours = steps * synpro.batch_sequences * synpro.context, pretraining_device_hours(config, name)
    return replace(work, steps=steps, tokens=tokens, flops=tokens * flops_per_token(*shape(config)), device_hours=hours)
