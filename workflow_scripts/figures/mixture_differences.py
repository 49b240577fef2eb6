"""What mixtures are compared with and on: natural text of the same budget, means over domains, the i.i.d. set."""

from collections.abc import Iterable, Sequence

from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluation.results import Results
from workflow_scripts.figures.points import IID
from workflow_scripts.scaling.bootstrap import Setting, band
from workflow_scripts.scaling.domains import domains_of
from workflow_scripts.scaling.mixture_settings import NATURAL, mixture_of


def measures_of(results: Results) -> dict[str, list[str]]:
    """What losses are means over, by name: all domains, and the i.i.d. one where it is not the only one."""
    names = domains_of(results)
    mean = {f"mean of {len(names)} domains": names} if len(names) > 1 else {}
    return mean | ({"i.i.d.": [IID]} if IID in names else {})


def losses_are(results: Results) -> str:
    """A sentence: what a figure's losses are means over, where it has one measure."""
    return f"Losses: {next(iter(measures_of(results)))}."


def natural_of(settings: Iterable[Setting], study: str, budget: int) -> Setting:
    """The setting on natural text alone with a budget. Raises UserError without one."""
    for s in settings:
        if mixture_of(s) == NATURAL and s.budget_tokens == budget:
            return s
    raise UserError(
        f"study {study}: no student on natural text alone with {budget:,} tokens, which others are compared with; add "
        "the share 0"
    )


def difference(setting: Setting, reference: Setting, share: float) -> dict[str, float]:
    """Loss minus another setting's, with its band: the same documents are drawn for both."""
    low, high = band(setting.draws - reference.draws, share)
    return {"difference_nats": setting.loss - reference.loss, "low": low, "high": high}


def require_one(settings: Sequence[Setting], study: str, *columns: str) -> None:
    """Raises UserError where settings differ in one of these columns, which a figure does not show."""
    for column in columns:
        if len(found := sorted({s.key[column] for s in settings})) > 1:
            raise UserError(
                f"study {study}: its figure is of one {column}, there are {', '.join(map(str, found))}; leave all but "
                "one out of the study"
            )
