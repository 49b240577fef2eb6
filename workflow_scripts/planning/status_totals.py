"""What a scale has cost so far, how many texts are written, and when something last happened."""

from workflow_scripts.planning.status_files import newest_file
from workflow_scripts.planning.status_hours import SAMPLED, generation_jobs_done, hours_used, sampling_jobs_done
from workflow_scripts.planning.status_screen import duration
from workflow_scripts.planning.status_situation import Situation


def totals(seen: Situation) -> list[list[str]]:
    """Rows of a name and what there is to say."""
    newest = newest_file(seen.tree)
    age = f"{duration(seen.now - newest[1])} ago, {newest[0]}" if newest else "none"
    return [[f"{seen.scale.compute.device}-hours", _hours(seen)], *_texts(seen), ["newest file", age]]


def _hours(seen: Situation) -> str:
    used = hours_used(seen.config, seen.tree, seen.results, seen.students.values(), seen.now)
    budget = seen.config.budget_gpu_hours
    shown = f"{used:,.1f}" if used >= 1 else f"{used:.3f}"  # a laptop's whole scale takes less than an hour
    return f"{shown} used, lost work included" + ("" if budget is None else f", of a budget of {budget:,g}")


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
