"""Losses averaged over domains: every validation set counts the same, whatever its number of documents.

Documents of different domains are drawn apart. The seed noise of a setting is one normal number for all its domains,
as `settings_of` draws it: [assumed] a lucky seed is lucky everywhere, so bands of the mean are not too narrow.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluation.results import Results
from workflow_scripts.scaling.bootstrap import Setting, settings_of

NO_DOMAINS = ("tuning", "short", "long")  # what choices are made on, and halves of `validation`


def domains_of(results: Results) -> list[str]:
    """Names of a pack's domains: its validation sets, the i.i.d. one among them."""
    return [name for name in results.sets if name not in NO_DOMAINS]


def domain_settings(
    results: Results, draws: int, by: Sequence[str], domains: Sequence[str] | None = None
) -> list[Setting]:
    """Settings whose loss and draws are the unweighted mean over domains; `documents` counts those of all domains.

    by: columns of `results.students` that tell settings apart. Raises UserError where a student lacks a domain.
    """
    return mean_of_domains(settings_by_domain(results, draws, by, domains))


def settings_by_domain(
    results: Results, draws: int, by: Sequence[str], domains: Sequence[str] | None = None
) -> dict[str, list[Setting]]:
    """Settings on each domain, in the same order in all. Raises UserError where a student lacks a domain."""
    names = domains_of(results) if domains is None else list(domains)
    if not names:
        raise UserError(f"no validation set is a domain: the pack has {', '.join(results.sets) or 'none'}")
    for name in names:
        measured = set(results.losses.loc[results.losses["set"] == name, "run_id"])
        if missing := sorted(set(results.students["run_id"]) - measured):
            raise UserError(
                f"student {missing[0]} has no losses on the domain {name}, which others have: evaluate it there, or "
                "leave the domain out for all"
            )
    return {name: settings_of(results, name, draws, by) for name in names}


def mean_of_domains(found: dict[str, list[Setting]]) -> list[Setting]:
    """The unweighted mean over domains of each setting."""
    return [
        replace(
            own[0],
            documents=sum(s.documents for s in own),
            loss=float(np.mean([s.loss for s in own])),
            draws=np.mean([s.draws for s in own], axis=0),
        )
        for own in zip(*found.values(), strict=True)
    ]
