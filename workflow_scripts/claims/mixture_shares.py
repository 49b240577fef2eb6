"""Quantities of the best synthetic share (arXiv 2510.01631, figure 4), each by a smooth curve through all shares."""

import numpy as np

from workflow_scripts.claims.evidence import Evidence, NotMeasured, Value
from workflow_scripts.claims.mixtures import settings_of_mixtures
from workflow_scripts.scaling.best_ratio import FEW, FLAT, STUDY, UNKNOWN, Ratios, ratio_record, ratios_of
from workflow_scripts.scaling.law import NotIdentified

SHARE = "synthetic share"


def best_share(evidence: Evidence, kind: str, at: str) -> Value:
    """Synthetic share of the lowest loss by a smooth curve, at the smallest or the largest student and budget."""
    ratios, best = _best(evidence, kind, at)
    return evidence.value(best[0], best[1:], SHARE, *ratios.settings, note=_where(ratios))


def best_share_change(evidence: Evidence, kind: str) -> Value:
    """Best share at the largest student and budget minus that at the smallest."""
    (large, last), (small, first) = _best(evidence, kind, "largest"), _best(evidence, kind, "smallest")
    if large.place == small.place:
        raise NotMeasured(f"study {STUDY} has {kind} at one student and budget alone")
    if first[0] == last[0]:
        raise NotIdentified(f"{_where(large)} and {_where(small)}: the best share is {first[0]:g} at both")
    change, used = last - first, [*large.settings, *small.settings]
    note = f"{_where(large)} against {_where(small)}"
    return evidence.value(change[0], change[1:], SHARE, *used, note=note)


def _best(evidence: Evidence, kind: str, at: str) -> tuple[Ratios, np.ndarray]:
    """Losses by share at the smallest or the largest student and budget, and [1 + draws] best shares."""
    found = [ratios for ratios in ratios_of(settings_of_mixtures(evidence, STUDY)) if ratios.place["stream"] == kind]
    if not found:
        raise NotMeasured(f"study {STUDY} has no {kind} students")
    chosen = {"smallest": min, "largest": max}[at](found, key=_scale)
    flags = ratio_record(chosen, evidence.analysis.band)["flags"]
    if reasons := [flag for flag in flags if flag in (FEW, FLAT, UNKNOWN)]:
        raise NotIdentified(f"{_where(chosen)}: {', '.join(reasons)}")
    return chosen, chosen.curves.best()


def _scale(ratios: Ratios) -> tuple[int, int]:
    return ratios.place["non_embedding_parameters"], ratios.place["budget_tokens"]


def _where(ratios: Ratios) -> str:
    return f"{ratios.place['stream']}, student {ratios.place['student']}, {ratios.place['budget_tokens']:,} tokens"
