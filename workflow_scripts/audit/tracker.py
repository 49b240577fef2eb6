"""The authors' public tracker projects, read through the tracker's own client."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from workflow_scripts.common.errors import UserError

TRAINING = "stanford-mercury/suhas-data-efficiency"
EVALUATION = "stanford-mercury/suhas-eval-data-efficiency"
REPORT = "wandb.ai/stanford-mercury, report VmlldzoxNjIyNjExNA"
SETS = {
    "eval/dc_1k_val_normal/loss": "validation",
    "eval/dc_500_val_short/loss": "short",
    "eval/dc_500_val_long/loss": "long",
    "eval/uncheatable_eval/arxiv_computer_science/loss": "arxiv_computer_science",
    "eval/uncheatable_eval/wikipedia_english/loss": "wikipedia_english",
    "eval/uncheatable_eval/github_python/loss": "github_python",
}
SECONDS = 30


@dataclass(frozen=True)
class TrackedRun:
    """A finished run: name, logged configuration, and final losses by our names of the sets."""

    name: str
    config: dict[str, Any]
    losses: dict[str, float] = field(default_factory=dict)


def open_tracker() -> Any:
    """The tracker's client. Raises UserError where it is not installed or has no key."""
    try:
        import wandb
    except ImportError:
        raise UserError("the tracker's client is not installed: `.venv/bin/python -m pip install wandb`") from None
    os.environ.setdefault("WANDB_SILENT", "true")
    try:
        return wandb.Api(timeout=SECONDS)
    except Exception as error:  # its classes differ between versions: no key, or no network
        raise _unreachable(error) from None


def tracked_runs(api: Any, project: str) -> Iterator[TrackedRun]:
    """Finished runs of a project. Raises UserError where the tracker can't be reached."""
    try:
        for run in api.runs(project, filters={"state": "finished"}, per_page=500):
            yield TrackedRun(run.name, dict(run.config), losses_of(run.summary))
    except Exception as error:
        raise _unreachable(error) from None


def losses_of(summary: Any) -> dict[str, float]:
    """Final losses by our names of the sets; what is no number is left out."""
    found = {name: summary.get(key) for key, name in SETS.items()}
    return {name: float(loss) for name, loss in found.items() if isinstance(loss, int | float)}


def checkpoints_of(config: dict[str, Any]) -> list[str]:
    """Names of the trainings whose checkpoints an evaluation reads; several are an ensemble.

    [assumed] The folder that holds the folder `hf` of exported checkpoints is called after the training.
    """
    found = config.get("hf_checkpoints") or [config.get("hf_checkpoint") or config.get("checkpoint_path")]
    paths = [path.get("model_name_or_path") if isinstance(path, dict) else path for path in found]
    return [_training_of(path) for path in paths if isinstance(path, str)]


def _training_of(path: str) -> str:
    folders = path.rstrip("/").split("/")
    return folders[folders.index("hf") - 1] if "hf" in folders[1:] else folders[-1]


def _unreachable(error: Exception) -> UserError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return UserError(
        f"the authors' tracker ({REPORT}) can't be read: {reason}. It needs a network and a free account "
        "(`wandb login`); without it the published column has the papers' public numbers alone"
    )
