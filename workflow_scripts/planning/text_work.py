"""Work that makes texts and streams: generation, a student's own texts, packing; and which studies wait for it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from workflow_scripts.config.base import ROUND
from workflow_scripts.config.models import Config, Scale
from workflow_scripts.config.runs import Run
from workflow_scripts.planning import estimates
from workflow_scripts.planning.needs import generation_need, sampling_need, stream_need
from workflow_scripts.planning.work import SAMPLED, Work, job_work

REAL = ("real", 0)
Stream = tuple[str, int]  # name and G


def streams_of(scale: Scale, run: Run) -> list[Stream]:
    """All streams that a student waits for: its own, and what that is made or measured from. Arms: comparison.py."""
    if run.natural:
        return []
    found = [REAL] + ([(run.stream, run.generations)] if run.stream != "real" else [])
    if run.stream == SAMPLED:
        found.append(("simple", max(scale.generation.counts)))  # it gets as many tokens
    shuffled = [(name.replace("simple", "stitched"), count) for name, count in found if name.startswith("simple")]
    return found + (shuffled if scale.generation.source == "ours" else [])


def studies_by_stream(scale: Scale, runs: Iterable[Run]) -> dict[Stream, list[str]]:
    """Studies that wait for each stream."""
    found: dict[Stream, dict[str, None]] = {}
    for run in runs:
        for stream in streams_of(scale, run):
            found.setdefault(stream, {}).update(dict.fromkeys(run.studies.split()))
    return {stream: list(studies) for stream, studies in found.items()}


def text_work(config: Config, runs: Iterable[Run], results: Path) -> Iterator[Work]:
    """Generation jobs, sampling jobs and packing, as far as some student waits for them."""
    scale = config.scales[config.scale]
    waiting = studies_by_stream(scale, runs)
    kinds = [name for name in (scale.mixtures.kinds if scale.mixtures else []) if (name, 0) in waiting]
    rounds = [name for name, _ in waiting if ROUND.fullmatch(name)]
    own = waiting.keys() - {REAL, (SAMPLED, 0), *((name, 0) for name in [*kinds, *rounds])}
    written = dict.fromkeys(study for stream in own for study in waiting[stream])
    if written and scale.generation.source == "ours":
        yield from _generation(config, sorted(written), results)
    for kind in kinds:
        yield from _kind(config, kind, waiting[(kind, 0)], results)
    for stream in [*([SAMPLED] if (SAMPLED, 0) in waiting else []), *rounds]:
        for job in range(scale.generation.jobs):
            done = (results / "generations" / f"{stream}-{job}.json").exists()
            name, need = f"{stream}-{job}", sampling_need(config, stream)
            yield job_work(config, "self-distillation", name, waiting[(stream, 0)], need, done=done)
    for (stream, count), studies in waiting.items():
        name = f"{stream}-G{count}" if count else stream
        need, done = stream_need(config, stream, count), (results / "streams" / f"{name}.json").exists()
        work = job_work(config, "packing", name, studies, need, done=done)
        yield replace(work, tokens=int(estimates.stream_tokens(scale, stream, count)))


def _kind(config: Config, kind: str, studies: list[str], results: Path) -> Iterator[Work]:
    """Jobs that write a kind of text."""
    generation, need = config.scales[config.scale].generation, generation_need(config, kind)
    tokens = estimates.kind_tokens(config.scales[config.scale], kind)
    for job in range(generation.jobs):
        shards = [results / "generations" / f"{kind}-{job}.{part}.json" for part in range(generation.shards_per_job)]
        done = all(path.exists() for path in shards)
        work = job_work(config, "generation", f"{kind}-{job}", studies, need, done=done)
        yield replace(work, tokens=int(tokens / generation.jobs))


def _generation(config: Config, studies: list[str], results: Path) -> Iterator[Work]:
    """Jobs of the generator; those that share a server share its cost."""
    generation = config.scales[config.scale].generation
    methods, parts = generation.max_new_tokens, range(generation.shards_per_job)
    tokens = sum(estimates.generated_tokens(config.scales[config.scale], method) for method in methods)
    share = generation.jobs if generation.engine == "vllm-server" else 1
    for job in range(generation.jobs):
        shards = [results / "generations" / f"{method}-{job}.{part}.json" for method in methods for part in parts]
        done = all(path.exists() for path in shards)
        work = job_work(config, "generation", f"texts-{job}", studies, generation_need(config), done=done)
        hours, disk = work.device_hours / share, work.disk_gb / share
        yield replace(work, device_hours=hours, disk_gb=disk, tokens=int(tokens / generation.jobs))
