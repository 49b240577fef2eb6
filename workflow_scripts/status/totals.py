"""What a scale has cost so far, how many texts are written, and when something last happened."""

from collections.abc import Iterable

from workflow_scripts.planning.plan import make_plan
from workflow_scripts.planning.summary import amount
from workflow_scripts.planning.work import SAMPLED, Work
from workflow_scripts.status.files import newest_file
from workflow_scripts.status.hours import generation_jobs_done, hours_used, sampling_jobs_done
from workflow_scripts.status.screen import duration
from workflow_scripts.status.situation import Situation
from workflow_scripts.status.students import Student


def totals(seen: Situation) -> list[list[str]]:
    """Rows of a name and what there is to say."""
    newest = newest_file(seen.tree)
    age = f"{duration(seen.now - newest[1])} ago, {newest[0].removeprefix(f'{seen.results}/')}" if newest else "none"
    return [[f"{seen.scale.compute.device}-hours", _hours(seen)], *_texts(seen), ["newest file", age]]


def hours_left(work: Iterable[Work], students: dict[str, Student]) -> float:
    """Device-hours of planned work, without the steps of begun trainings that are done."""
    return sum(piece.device_hours * (1 - _share_done(piece, students)) for piece in work if not piece.done)


def _share_done(piece: Work, students: dict[str, Student]) -> float:
    """Of a training: steps that it is past, or that the next attempt need not repeat."""
    student = students.get(piece.name) if piece.kind == "training" else None
    return min(1.0, student.step / piece.steps) if student and piece.steps else 0.0


def _hours(seen: Situation) -> str:
    used = hours_used(seen.config, seen.tree, seen.results, seen.students.values(), seen.now)
    budget = seen.config.budget_gpu_hours
    return f"{amount(used)} used, lost work included; {_left(seen)}" + (
        "" if budget is None else f"; budget {amount(budget)}"
    )


def _left(seen: Situation) -> str:
    """As the plan says; a file that it can't read is no reason to show nothing."""
    try:
        plan = make_plan(seen.config, seen.results, seen.checkpoints)
        return f"{amount(hours_left(plan.work, seen.students))} left as planned"
    except (OSError, ValueError, KeyError) as error:
        return f"what is left is unknown ({error})"


def _texts(seen: Situation) -> list[list[str]]:
    """Jobs of the LLM, if ours writes, and of the student whose own text is trained on, if it is."""
    rows = []
    if seen.scale.generation.source == "ours":
        rows.append(("generation", "generate_texts", generation_jobs_done))
    if any(run.stream == SAMPLED for run in seen.runs):
        rows.append(("self-distillation", "sample_student", sampling_jobs_done))
    return [[title, _jobs(seen, rule, done(seen.scale, seen.tree, seen.results))] for title, rule, done in rows]


def _jobs(seen: Situation, rule: str, done: int) -> str:
    started = [job.started for job in seen.jobs if job.rule == rule]
    counts = {"running": started.count(True), "queued": started.count(False)}
    parts = [f"{done:,} of {seen.scale.generation.jobs:,} jobs done"]
    return ", ".join(parts + [f"{count:,} {state}" for state, count in counts.items() if count])
