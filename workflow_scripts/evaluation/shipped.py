"""Which students git ships: their packs in results/shipped. Read while the rules are, so without pandas."""

import csv
from collections.abc import Iterable
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.runs import Run
from workflow_scripts.config.studies import METHODS
from workflow_scripts.evaluation.tables import FILES

PACKS = "results/shipped"  # a pack per scale


def pack_of(scale: str, folder: str | Path) -> Path:
    """The pack that is shipped of a scale: in the working folder, or beside the code in `folder`."""
    own = Path(PACKS) / scale
    return own if (own / FILES["students"]).exists() else Path(folder) / own


def shipped_runs(pack: Path, wanted: Iterable[Run]) -> set[str]:
    """Names of the students of a pack. Raises UserError when one of `wanted`, the run table, is not among them.

    The students of a paper of whom none is shipped are not missed: the paper's results are not. Nor are those of the
    comparison, which has a pack of its own.
    """
    path = pack / FILES["students"]
    if not path.exists():
        scales = ", ".join(sorted(place.parent.name for place in pack.parent.glob(f"*/{FILES['students']}"))) or "none"
        raise UserError(f"{path}: no such file; results are shipped of these scales: {scales}. Set source=rerun")
    with open(path, newline="", encoding="utf-8") as table:
        found = {row["run_id"] for row in csv.DictReader(table)}
    wanted = [run for run in wanted if not run.natural]
    papers = {is_mixture for is_mixture in (False, True) if found & _names(wanted, is_mixture)}
    alone = not found and (pack / METHODS / FILES["students"]).exists()
    papers = papers or (set() if alone else {False})
    if missing := [run for run in wanted if run.run_id not in found and bool(run.budget_tokens) in papers]:
        raise UserError(
            f"{path}: student {missing[0].run_id} of the studies {missing[0].studies} is not shipped, nor are "
            f"{len(missing) - 1} others: undo the change of the config or of the table of tuned values that asks for "
            "them, or set source=rerun to train them"
        )
    return found


def not_shipped(pack: Path, runs: Iterable[Run]) -> set[str]:
    """What a pack can't tell of: studies of the run table that lack a student, and the pack of all methods.

    Raises UserError as `shipped_runs` does.
    """
    runs = list(runs)
    given = shipped_runs(pack, runs)
    lacking = {study for run in runs if run.run_id not in given for study in run.studies.split()}
    return lacking | (set() if (pack / METHODS / FILES["students"]).exists() else {METHODS})


def why_not(study: str, pack: Path) -> str:
    """What to tell someone who asks for a study that is not shipped."""
    what = "the comparison of all methods" if study == METHODS else f"the study {study}"
    return f"{PACKS}/{pack.name} lacks students of {what}: set source=rerun to train them"


def _names(runs: Iterable[Run], mixtures: bool) -> set[str]:
    return {run.run_id for run in runs if bool(run.budget_tokens) == mixtures}
