"""The loss that candidates are compared by, and how much of it is the seed's.

Students are compared on the tuning documents. The reported validation set is not looked at, unless
corpus.tuning_fraction is 0, as at the paper's scale, where the authors chose on it.
"""

import math
from pathlib import Path
from statistics import variance

import pyarrow.parquet as pq

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Config
from workflow_scripts.config.runs import Run
from workflow_scripts.config.studies import expand_runs
from workflow_scripts.tuning.neighbourhood import centres


def chosen_on(config: Config) -> str:
    """Name of the set of documents that hyper-parameters are chosen on."""
    return "tuning" if config.scales[config.scale].corpus.tuning_fraction else "validation"


def mean_loss(folder: Path, run: Run, name: str) -> float:
    """A student's mean loss on a set in nats per predicted token; infinite for one that diverged.

    Raises UserError when the student has no evaluation, or none on this set.
    """
    path = _evaluation(folder, run)
    try:
        table = pq.read_table(path, columns=["predicted_tokens", "loss_sum_nats"], filters=[("set", "=", name)])
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `snakemake tuning` trains and evaluates this student") from None
    tokens, loss = (table.column(column).to_numpy().sum() for column in ("predicted_tokens", "loss_sum_nats"))
    if not tokens:
        raise UserError(f"{path}: nothing is predicted in the set '{name}', which students are compared on")
    return float(loss / tokens) if math.isfinite(loss) else math.inf


def seed_spread(config: Config, folder: Path) -> float | None:
    """Standard deviation of the loss over seeds in nats, pooled over the tuned students; None where none has several.

    Only seeds that are evaluated by now count: the search itself needs one.
    """
    name, groups = chosen_on(config), {run.group: [] for run in centres(config)}
    for run in expand_runs(config):
        if run.group in groups and _evaluation(folder, run).exists():
            groups[run.group].append(run)
    several = [[mean_loss(folder, run, name) for run in seeds] for seeds in groups.values() if len(seeds) > 1]
    freedom = sum(len(losses) - 1 for losses in several)
    squares = sum(variance(losses) * (len(losses) - 1) for losses in several)
    return math.sqrt(squares / freedom) if several else None


def _evaluation(folder: Path, run: Run) -> Path:
    return folder / "evaluations" / f"{run.run_id}.parquet"
