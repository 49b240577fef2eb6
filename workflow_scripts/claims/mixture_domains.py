"""Quantities of mixtures on single domains (arXiv 2510.01631): gaps there, and what unigrams of the text explain."""

import numpy as np
import pandas as pd

from workflow_scripts.claims.evidence import Evidence, NotMeasured, Value
from workflow_scripts.claims.losses import NATS
from workflow_scripts.claims.mixtures import STUDY, mixtures_by_domain, pairs_of, place_of
from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluation.rank_agreement import KEYS, rank_agreement
from workflow_scripts.scaling.bootstrap import Setting
from workflow_scripts.scaling.law import NotIdentified


def mixture_domain_gap(evidence: Evidence, first: str, second: str, study: str = STUDY) -> Value:
    """Median over domains of the loss of one mixture minus that of another at their largest common budget."""
    pairs = {name: pairs_of(own, first, second)[-1] for name, own in mixtures_by_domain(evidence, study).items()}
    gaps = {name: a.loss - b.loss for name, (a, b) in pairs.items()}
    draws = np.median([a.draws - b.draws for a, b in pairs.values()], axis=0)
    used = [s for pair in pairs.values() for s in pair]
    note = ", ".join(f"{name} {gap:.3f}" for name, gap in gaps.items())
    return evidence.value(np.median(list(gaps.values())), draws, NATS, *used, note=note)


def unigram_agreement(evidence: Evidence, measure: str, study: str = STUDY) -> Value:
    """Kendall's tau of a measure of unigrams with the loss over training sets of the largest budget, mean over domains.

    The band is the mean of the domains' own ones, which cover 95% and share their seeds' noise.
    """
    if evidence.unigrams is None:
        raise NotMeasured("packs hold no counts of training tokens: give the table with --unigrams")
    by_domain = mixtures_by_domain(evidence, study)
    rows = [row for name, own in by_domain.items() for row in _loss_rows(name, own)]
    found = rank_agreement(evidence.unigrams, pd.DataFrame(rows), measure)
    known = found[found["status"] == "ok"]
    if known.empty:
        raise NotIdentified(found["status"].iloc[0] if len(found) else "losses and unigrams share no training set")
    mean, used = known[["tau", "low", "high"]].mean(), [s for own in by_domain.values() for s in own]
    note = f"{known['sets'].min()} training sets; {', '.join(known['domain'])}"
    documents, seeds = min(s.documents for s in used), min(s.seeds for s in used)
    return Value(mean["tau"], mean["low"], mean["high"], "Kendall's tau", documents, seeds, note)


def read_unigrams(path: str) -> pd.DataFrame:
    """A table of unigrams. Raises UserError where it is none."""
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}); `snakemake mixtures` makes it") from None
    if missing := [column for column in KEYS if column not in table]:
        raise UserError(f"{path}: column {missing[0]} is missing; make it again by `snakemake mixtures`")
    return table


def _loss_rows(domain: str, settings: list[Setting]) -> list[dict]:
    place = max(place_of(s) for s in settings)
    return [
        {"stream": s.stream, "mixing_ratio": s.mixing_ratio, "domain": domain, "loss_nats": s.loss, "draws": s.draws}
        for s in settings
        if place_of(s) == place
    ]
