"""Device-hours that a scale has used: of every attempt at a training, lost work included, and of finished texts."""

from collections.abc import Iterable

from workflow_scripts.common.files import read_json
from workflow_scripts.config.models import Config, Scale
from workflow_scripts.planning.estimates import devices, round_streams
from workflow_scripts.planning.need import Need
from workflow_scripts.planning.needs import generation_need, sampling_need
from workflow_scripts.planning.work import SAMPLED
from workflow_scripts.status.files import Tree
from workflow_scripts.status.students import Student


def hours_used(config: Config, tree: Tree, results: str, students: Iterable[Student], now: float) -> float:
    """Hours of one device, trainings and generations."""
    scale = config.scales[config.scale]
    trained = sum(training_seconds(scale, student, now) for student in students)
    methods, shared = scale.generation.max_new_tokens, scale.generation.engine == "vllm-server"
    written = engine_seconds(tree, results, methods, shared) * _devices(scale, generation_need(config))
    sampled = engine_seconds(tree, results, [SAMPLED], False) * _devices(scale, sampling_need(config))
    kinds = [*(scale.mixtures.kinds if scale.mixtures else []), *round_streams(scale)]
    mixed = engine_seconds(tree, results, kinds, False) * _devices(scale, generation_need(config))
    return (trained + written + sampled + mixed) / 3600


def training_seconds(scale: Scale, student: Student, now: float) -> float:
    """Device-seconds of all attempts at a student, with one that runs, or that died before its launcher noted it."""
    attempts = [(line["gpus"], line["seconds"]) for line in student.attempts]
    owner = student.owner
    if owner and owner.get("launch") not in {line["launch"] for line in student.attempts}:
        last = now if student.trains else owner["renewed_at"]
        attempts.append((owner["progress"].get("gpus", 0), last - owner["started_at"]))
    return sum(devices(scale.compute, gpus, scale.compute.threads) * seconds for gpus, seconds in attempts)


def engine_seconds(tree: Tree, results: str, methods: Iterable[str], shared: bool) -> float:
    """Seconds of the engine, its starts included, in the records of shards; jobs that share a server overlap."""
    jobs: dict[str, float] = {}
    for name in tree.get(f"{results}/generations", {}):
        method, _, rest = name.removesuffix(".json").rpartition("-")
        if method in methods and name.endswith(".json"):
            job = rest.partition(".")[0]
            jobs[job] = jobs.get(job, 0.0) + _seconds(f"{results}/generations/{name}")
    return max(jobs.values(), default=0.0) if shared else sum(jobs.values())


def generation_jobs_done(scale: Scale, tree: Tree, results: str) -> int:
    """Generation jobs all of whose shards are there."""
    names, generation = tree.get(f"{results}/generations", {}), scale.generation
    return sum(
        all(
            f"{method}-{job}.{part}{suffix}" in names
            for method in generation.max_new_tokens
            for part in range(generation.shards_per_job)
            for suffix in (".parquet", ".json")
        )
        for job in range(generation.jobs)
    )


def sampling_jobs_done(scale: Scale, tree: Tree, results: str) -> int:
    """Jobs that sample a student's own text and have done so."""
    names = tree.get(f"{results}/generations", {})
    return sum(f"{SAMPLED}-{job}.parquet" in names for job in range(scale.generation.jobs))


def _devices(scale: Scale, need: Need) -> int:
    return devices(scale.compute, need.gpus, need.cpus)


def _seconds(path: str) -> float:
    """Of one record; one that can't be read counts nothing, and whoever needs its shard says so."""
    try:
        record = read_json(path)
        return record["seconds"] + record["engine_start_seconds"]
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0
