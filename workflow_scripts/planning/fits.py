"""Whether the site's nodes can hold what a call is going to submit: said before the first job, not days later.

Snakemake asks for a job's resources only when the job's turn comes. What runs first, the corpus, needs no check.
"""

from collections.abc import Iterable, Iterator

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Config
from workflow_scripts.config.site import Site
from workflow_scripts.planning.needs import (
    Need,
    evaluation_need,
    generation_need,
    sampling_need,
    training_need,
)
from workflow_scripts.planning.slurm import slurm_resources
from workflow_scripts.planning.work import runs_named


def check_fits(
    config: Config,
    site: Site,
    train: Iterable[str] = (),
    generate: int = 0,
    sample: int = 0,
    kinds: Iterable[str] = (),
    rounds: Iterable[str] = (),
) -> None:
    """Raises UserError that names the work, what it needs, the limit and the key to change. As `check_budget`."""
    mixtures = {f"generation of {kind}": generation_need(config, kind) for kind in kinds}
    mixtures |= {f"generation of {name}": sampling_need(config, name) for name in rounds}
    for name, need in [*mixtures.items(), *_needs(config, set(train), generate, sample)]:
        try:
            slurm_resources(need, site, attempt=1)
        except UserError as error:
            raise UserError(f"{name}: {error}") from None


def _needs(config: Config, train: set[str], generate: int, sample: int) -> Iterator[tuple[str, Need]]:
    if generate:
        yield "generation", generation_need(config)
    if sample:
        yield "self-distillation", sampling_need(config)
    runs = runs_named(config, train)
    if runs:
        yield "evaluation", evaluation_need(config, runs)
    for run in runs:
        yield f"training {run.run_id}", training_need(config, run)
