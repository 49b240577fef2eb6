"""Which published dataset stands in for a stream; no heavy import, so that a Snakefile may ask."""

from collections.abc import Iterable

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.corpus import Released
from workflow_scripts.config.models import Config, Generation
from workflow_scripts.config.runs import Run


def released_source(settings: Generation, stream: str, generations: int) -> Released:
    """Where a stream at G = `generations` (0: it has none) is published. Raises UserError when the config has no entry.

    Entries are named as stream files are: simple-G2, self_distilled.
    """
    name = f"{stream}-G{generations}" if generations else stream
    if name not in settings.released:
        raise UserError(
            f"generation.source is `released`, and generation.released has no entry '{name}' (it has "
            f"{', '.join(settings.released) or 'none'}): add its dataset and revision, leave the stream's students "
            "out, or set generation.source: ours"
        )
    return settings.released[name]


def require_released(config: Config, runs: Iterable[Run]) -> None:
    """Raise UserError when published streams are asked for and a student's stream is not among them.

    Texts of mixtures and of the comparison's methods are always our own: none is published.
    """
    generation = config.scales[config.scale].generation
    if generation.source == "released":
        for run in runs:
            if run.stream_name and not run.budget_tokens and not run.natural:
                released_source(generation, run.stream, run.generations)
