"""Device-hours that a scale has used: of every attempt at a training, lost work included, and of finished texts."""

from collections.abc import Iterable

from workflow_scripts.common.files import read_json
from workflow_scripts.config.models import Config, Scale
from workflow_scripts.planning.estimates import devices
from workflow_scripts.planning.status_files import Tree
from workflow_scripts.planning.status_students import Student

SAMPLED = "self_distilled"


def hours_used(config: Config, tree: Tree, results: str, students: Iterable[Student], now: float) -> float:
    """Hours of one device, trainings and generations."""
    scale = config.scales[config.scale]
    generator = devices(scale.compute, config.llms[scale.generation.llm].tensor_parallel, scale.compute.threads)
    seconds = sum(training_seconds(scale, student, now) for student in students)
    return (seconds + generator * generation_seconds(scale, tree, results)) / 3600


def training_seconds(scale: Scale, student: Student, now: float) -> float:
    """Device-seconds of all attempts at a student, with one that runs, or that died before its launcher noted it."""
    attempts = [(line["gpus"], line["seconds"]) for line in student.attempts]
    owner = student.owner
    if owner and owner.get("launch") not in {line["launch"] for line in student.attempts}:
        last = now if student.trains else owner["renewed_at"]
        attempts.append((owner["progress"].get("gpus", 0), last - owner["started_at"]))
    return sum(devices(scale.compute, gpus, scale.compute.threads) * seconds for gpus, seconds in attempts)


def generation_seconds(scale: Scale, tree: Tree, results: str) -> float:
    """Seconds of the engine, its starts included, in the records of shards; jobs that share a server overlap."""
    jobs: dict[str, float] = {}
    for name in tree.get(f"{results}/generations", {}):
        if name.startswith((*scale.generation.max_new_tokens, SAMPLED)) and name.endswith(".json"):
            job = name.rpartition("-")[2].partition(".")[0]
            jobs[job] = jobs.get(job, 0.0) + _engine_seconds(f"{results}/generations/{name}")
    shared = scale.generation.engine == "vllm-server"
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


def _engine_seconds(path: str) -> float:
    """Of one record; one that can't be read counts nothing, and whoever needs its shard says so."""
    try:
        record = read_json(path)
        return record["seconds"] + record["engine_start_seconds"]
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0
