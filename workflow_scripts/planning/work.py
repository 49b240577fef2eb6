"""All work of a scale, piece by piece, with what it costs and whether it is done."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workflow_scripts.config.models import Config
from workflow_scripts.config.runs import Run
from workflow_scripts.config.studies import ensembles_of, expand_runs, teacher_of
from workflow_scripts.planning import estimates
from workflow_scripts.planning.need import Need, exported_gb
from workflow_scripts.planning.needs import ensemble_need, evaluation_need, training_need

SAMPLED = "self_distilled"
TUNING = "tuning"  # what the hyper-parameter search is called among the studies


@dataclass(frozen=True)
class Work:
    """One job. Device-hours are what it costs; hours are on the clock; disk is what stays when it is done."""

    kind: str
    name: str
    studies: tuple[str, ...]
    student: str = ""
    steps: int = 0
    tokens: int = 0
    flops: float = 0.0
    device_hours: float = 0.0
    gpus: int = 0
    hours: float = 0.0
    disk_gb: float = 0.0
    done: bool = False


def all_runs(config: Config, tuning: bool) -> list[Run]:
    """Students of the run table; with `tuning` also those of the search, which then is a study more.

    The student whose texts others train on is needed by their studies, too.
    """
    runs = expand_runs(config)
    found = {run.run_id: run for run in runs}
    teacher = teacher_of(runs, config.scales[config.scale])
    for run in [run for run in runs if run.stream == SAMPLED]:
        found[teacher.run_id] = _also_for(found[teacher.run_id], run.studies.split())
    if tuning:
        from workflow_scripts.tuning.neighbourhood import expand_tuning

        for run in expand_tuning(config):
            found[run.run_id] = _also_for(found.get(run.run_id, run), [TUNING])
    return list(found.values())


def runs_named(config: Config, names: set[str]) -> list[Run]:
    """Students of the run table or, if some are not there, also of the search."""
    known = {run.run_id for run in all_runs(config, tuning=False)} if names else set()
    return [run for run in all_runs(config, tuning=not names <= known) if run.run_id in names]


def _also_for(run: Run, studies: Iterable[str]) -> Run:
    return run.model_copy(update={"studies": " ".join(dict.fromkeys([*run.studies.split(), *studies]))})


def training_work(config: Config, runs: Iterable[Run], results: Path, utilisation: float) -> Iterator[Work]:
    """Trainings; `utilisation` is what a device reaches, while job sizes follow from the config's."""
    compute = config.scales[config.scale].compute
    for run in runs:
        need, hours = training_need(config, run), estimates.training_device_hours(config, run, utilisation)
        yield Work(
            kind="training",
            name=run.run_id,
            studies=tuple(run.studies.split()),
            student=run.student,
            steps=estimates.steps(config, run),
            tokens=estimates.run_tokens(config, run),
            flops=estimates.run_flops(config, run),
            device_hours=hours,
            gpus=need.gpus,
            hours=hours / estimates.devices(compute, need.gpus, need.cpus),
            disk_gb=exported_gb(config, run),
            done=(results / "runs" / run.run_id / "metrics.json").exists(),
        )


def evaluation_work(config: Config, runs: list[Run], results: Path) -> Iterator[Work]:
    """Evaluations of students and of ensembles."""
    for run in runs:
        done = (results / "evaluations" / f"{run.run_id}.parquet").exists()
        need = evaluation_need(config, [run])
        yield job_work(config, "evaluation", run.run_id, run.studies.split(), need, run.student, done)
    for name, members in ensembles_of(runs, config.scales[config.scale]).items():
        done = (results / "evaluations" / "ensembles" / f"{name}.parquet").exists()
        studies = dict.fromkeys(study for run in members for study in run.studies.split())
        need = ensemble_need(config, members)
        yield job_work(config, "evaluation", f"ensemble {name}", studies, need, members[0].student, done)


def job_work(
    config: Config, kind: str, name: str, studies: Iterable[str], need: Need, student: str = "", done: bool = False
) -> Work:
    """Work that costs what its job takes; what needs no GPU where others do costs no device-hours."""
    compute = config.scales[config.scale].compute
    device_hours = need.hours * estimates.devices(compute, need.gpus, need.cpus)
    own = {"device_hours": device_hours, "gpus": need.gpus, "hours": need.hours, "disk_gb": need.disk_gb}
    return Work(kind, name, tuple(studies), student, **own, done=done)
