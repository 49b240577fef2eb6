"""Quantities of mixtures' losses (arXiv 2510.01631): differences, extremes, changes with budget.

A mixture is named as everywhere, `natural` or `hq 33%`. Losses are means over domains; differences are paired.
"""

import numpy as np

from workflow_scripts.claims.evidence import Evidence, NotMeasured, Value
from workflow_scripts.claims.losses import NATS
from workflow_scripts.scaling.bootstrap import Setting
from workflow_scripts.scaling.domains import mean_of_domains, settings_by_domain
from workflow_scripts.scaling.mixture_settings import MIXTURE_KEY, each_once, mixture_name, mixture_of

STUDY = "mixture_data"
EXTREMES = {"lowest": np.min, "highest": np.max}
Places = dict[tuple[int, int], Setting]


def mixture_difference(
    evidence: Evidence, first: str, second: str, study: str = STUDY, budget: str = "largest"
) -> Value:
    """Loss of one mixture minus that of another at the largest budget that both have; mean over all at `every`."""
    pairs = pairs_of(settings_of_mixtures(evidence, study), first, second)
    pairs = {"largest": pairs[-1:], "every": pairs}[budget]
    note = f"{first} minus {second}, {' and '.join(_tokens(a) for a, _ in pairs)}"
    return _difference(evidence, pairs, np.full(len(pairs), 1 / len(pairs)), note)


def mixture_gap_change(evidence: Evidence, first: str, second: str, study: str = STUDY) -> Value:
    """Loss of one mixture minus that of another at the largest common budget, minus the same at the smallest."""
    pairs = pairs_of(settings_of_mixtures(evidence, study), first, second)
    if len(pairs) < 2:
        raise NotMeasured(f"study {study} has {first} and {second} at one budget alone")
    ends = [pairs[-1], pairs[0]]
    note = f"{first} minus {second}, {' against '.join(_tokens(a) for a, _ in ends)}"
    return _difference(evidence, ends, np.array([1.0, -1.0]), note)


def mixture_excess(evidence: Evidence, of: str, over: str, study: str = STUDY) -> Value:
    """Loss of a mixture minus the lowest or the highest loss among all others at its largest budget."""
    settings = settings_of_mixtures(evidence, study)
    place, own = max(places_of(settings, of).items())
    others = [s for s in settings if s is not own and place_of(s) == place]
    if not others:
        raise NotMeasured(f"study {study} has no other mixture at {_tokens(own)}")
    extreme = EXTREMES[over]
    losses, draws = np.array([s.loss for s in others]), np.stack([s.draws for s in others])
    nearest = mixture_name(mixture_of(others[int(np.where(losses == extreme(losses))[0][0])]))
    note = f"{of} minus {nearest}, {_tokens(own)}"
    return evidence.value(own.loss - extreme(losses), own.draws - extreme(draws, axis=0), NATS, own, *others, note=note)


def settings_of_mixtures(evidence: Evidence, study: str) -> list[Setting]:
    """Settings of a mixture study, their losses means over domains. Raises NotMeasured where the pack lacks it."""
    if ("mixtures", study) not in evidence.known:
        evidence.known["mixtures", study] = each_once(mean_of_domains(mixtures_by_domain(evidence, study)))
    return evidence.known["mixtures", study]


def mixtures_by_domain(evidence: Evidence, study: str) -> dict[str, list[Setting]]:
    """The same on every domain alone."""
    if ("domains", study) not in evidence.known:
        own = evidence.results.of_study(study)
        if own.students.empty:
            raise NotMeasured(f"there is no student of study {study}")
        found = settings_by_domain(own, evidence.analysis.bootstrap_draws, MIXTURE_KEY)
        evidence.known["domains", study] = found
    return evidence.known["domains", study]


def places_of(settings: list[Setting], name: str) -> Places:
    """A mixture's settings by budget and size. Raises NotMeasured without any."""
    found = {place_of(s): s for s in settings if mixture_name(mixture_of(s)) == name}
    if not found:
        raise NotMeasured(f"there is no student on {name}")
    return found


def place_of(setting: Setting) -> tuple[int, int]:
    """Budget and size."""
    return setting.budget_tokens, setting.non_embedding_parameters


def pairs_of(settings: list[Setting], first: str, second: str) -> list[tuple[Setting, Setting]]:
    """Both mixtures at every budget and size that both have, ascending. Raises NotMeasured without any."""
    own, other = places_of(settings, first), places_of(settings, second)
    if not (common := sorted(set(own) & set(other))):
        raise NotMeasured(f"{first} and {second} share no budget and size of student")
    return [(own[place], other[place]) for place in common]


def _difference(evidence: Evidence, pairs: list[tuple[Setting, Setting]], weights: np.ndarray, note: str) -> Value:
    losses, draws = np.array([a.loss - b.loss for a, b in pairs]), np.stack([a.draws - b.draws for a, b in pairs])
    used = [s for pair in pairs for s in pair]
    return evidence.value(weights @ losses, weights @ draws, NATS, *used, note=note)


def _tokens(setting: Setting) -> str:
    return f"{setting.budget_tokens:,} tokens"
