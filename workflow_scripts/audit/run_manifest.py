"""The manifest of one student: its row, code, packages, machine, attempts, inputs, outputs and final metrics."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from workflow_scripts.audit.inputs import documents_within
from workflow_scripts.audit.times import job_times
from workflow_scripts.common.files import read_json, sha256
from workflow_scripts.config.runs import Run
from workflow_scripts.training.attempts import read_attempts

KEPT = ("launch", "attempt", "job", "host", "gpus", "outcome", "status", "first_step", "saved_step")


def run_manifest(folder: Path, run: Run, now: dict) -> dict:
    """Everything about one student. `now`: code and machine of this moment, for what no attempt noted."""
    attempts = read_attempts(folder / "attempts" / f"{run.run_id}.jsonl")
    noted = [attempt["made_by"] for attempt in attempts if attempt.get("made_by")]
    home = folder / "runs" / run.run_id
    metrics, throughput = read_json(home / "metrics.json"), read_json(home / "throughput.json")
    afterwards = now | {"packages": {"torch": throughput["torch"]}, "noted": "with the manifest, after the run"}
    made = noted[-1] | {"noted": "by the training"} if noted else afterwards
    return {
        "run": run.model_dump(),
        "made_by": made,
        "throughput": throughput,
        "slurm_jobs": sorted({attempt["job"] for attempt in attempts if attempt["job"]}),
        "attempts": [told(attempt) for attempt in attempts],
        **times(folder, run.run_id, attempts),
        "tokens": metrics["tokens"],
        "metrics": metrics,
        "inputs": stream_uses(folder, run),
        "outputs": {str(path.relative_to(folder)): file_facts(path) for path in outputs(folder, run.run_id)},
    }


def told(attempt: dict) -> dict:
    """What a manifest keeps of one start of a training; its steps are the lineage of the checkpoint."""
    return {key: attempt[key] for key in KEPT} | {key: iso(attempt[key]) for key in ("started_at", "ended_at")}


def times(folder: Path, run_id: str, attempts: list[dict]) -> dict:
    """Start of the first and end of the last attempt; without attempts the end is the metrics file's time."""
    benchmark = folder / "benchmarks/train_student" / f"{run_id}.tsv"
    seconds = job_times(benchmark)[0] if benchmark.exists() else None
    ended = max((a["ended_at"] or 0 for a in attempts), default=0)
    ended = ended or (folder / "runs" / run_id / "metrics.json").stat().st_mtime
    started = min((a["started_at"] for a in attempts), default=seconds and ended - seconds)
    return {"started_at": iso(started), "ended_at": iso(ended), "seconds": seconds}


def iso(seconds: float | None) -> str | None:
    """UNIX seconds as UTC text."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def stream_uses(folder: Path, run: Run) -> dict:
    """Which streams a student read, and how much of them."""
    real = run.stream_name if run.alone else natural_stream(folder, run)
    uses = {"real": {"stream": real}}
    if not run.alone:
        documents = documents_within(folder / f"streams/{real}.rows.parquet", run.real_tokens)
        uses["real"] |= {"first_tokens": run.real_tokens, "documents": documents}
    if run.mixing_ratio:
        uses["synthetic"] = {"stream": f"arms/{run.stream}" if run.natural else run.stream_name}
    return uses | {"validation": {"stream": "validation/validation"}}


def natural_stream(folder: Path, run: Run) -> str:
    """The real documents, or those that the comparison or mixtures have of their own."""
    if run.natural:
        return run.natural
    return "natural" if run.budget_tokens and (folder / "streams/natural.rows.parquet").exists() else "real"


def outputs(folder: Path, run_id: str) -> Iterable[Path]:
    """Files that a student's training and evaluation left."""
    home = folder / "runs" / run_id
    found = [*home.glob("[!.]*"), *home.glob("model/[!.]*"), folder / "evaluations" / f"{run_id}.parquet"]
    return sorted(path for path in [*found, folder / "downstream" / f"{run_id}.json"] if path.is_file())


def file_facts(path: Path) -> dict:
    """Size and digest."""
    return {"bytes": path.stat().st_size, "sha256": sha256(path)}
