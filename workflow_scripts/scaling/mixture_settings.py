"""Settings of the mixture studies: what a mixture is, how it is called, and its settings over one size."""

from collections.abc import Iterable, Sequence

from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluation.results import Results
from workflow_scripts.scaling.bootstrap import Setting
from workflow_scripts.scaling.domains import domain_settings
from workflow_scripts.scaling.law import NotIdentified

Mixture = tuple[str, float]  # the kind of its synthetic text, and the share of that among all tokens
NATURAL: Mixture = ("real", 0.0)
TOLD_APART = ("stream", "mixing_ratio", "student", "non_embedding_parameters", "budget_tokens")
FIXED = ("real_tokens", "lr", "weight_decay", "batch_sequences", "context", "cross_document_attention")
MIXTURE_KEY = TOLD_APART + FIXED


def mixture_settings(
    results: Results, draws: int, *studies: str, domains: Sequence[str] | None = None
) -> list[Setting]:
    """Settings of the students of some studies, their losses averaged over domains.

    Raises NotIdentified where the pack has no student of them, UserError where a student lacks a domain or where two
    settings have the same mixture, student and budget.
    """
    own = results.of_study(*studies)
    if own.students.empty:
        raise NotIdentified(f"there is no student of the study {' or '.join(studies)}")
    return each_once(domain_settings(own, draws, MIXTURE_KEY, domains))


def each_once(settings: list[Setting]) -> list[Setting]:
    """The settings. Raises UserError for two that are told apart by other values than mixtures should be."""
    found: dict[tuple, Setting] = {}
    for s in settings:
        other = found.setdefault(tuple(s.key[column] for column in TOLD_APART), s)
        if differing := [column for column in FIXED if other.key[column] != s.key[column]]:
            name, column = mixture_name(mixture_of(s)), differing[0]
            raise UserError(
                f"{name}, student {s.student}, {s.budget_tokens:,} tokens: two settings differ in {column} "
                f"({other.key[column]} and {s.key[column]}); a law compares one of them: leave the other out"
            )
    return settings


def mixture_of(setting: Setting) -> Mixture:
    """Kind and share."""
    return setting.stream, setting.mixing_ratio


def mixture_name(mixture: Mixture) -> str:
    """As records and figures call it: `natural`, `hq 33%`."""
    kind, share = mixture
    return f"{kind} {100 * share:.3g}%" if share else "natural"


def by_mixture(settings: Iterable[Setting]) -> dict[Mixture, list[Setting]]:
    """Settings of each mixture, the natural one first, then by kind and share."""
    found: dict[Mixture, list[Setting]] = {}
    for s in sorted(settings, key=lambda s: (s.mixing_ratio > 0, *mixture_of(s))):
        found.setdefault(mixture_of(s), []).append(s)
    return found


def identity(mixture: Mixture) -> dict:
    """What every record of a mixture begins with."""
    return {"mixture": mixture_name(mixture), "stream": mixture[0], "mixing_ratio": mixture[1]}
