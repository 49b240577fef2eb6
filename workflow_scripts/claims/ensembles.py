"""Quantities of ensembles: A / K^B + C over their members K."""

import numpy as np

from workflow_scripts.claims.evidence import IID, Evidence, NotMeasured, Value
from workflow_scripts.claims.losses import NATS
from workflow_scripts.claims.powers import parameter_draws, parameter_of
from workflow_scripts.scaling.bootstrap import Setting, ensemble_settings


def ensemble_asymptote(evidence: Evidence, streams: list[str]) -> Value:
    """C of A / K^B + C, K members, of the stream whose largest ensemble is best; the smallest common student."""
    own = _best(evidence, streams)
    estimate, draws = limit(own)
    return evidence.value(estimate, draws, NATS, *own, note=f"K = 1..{len(own)}")


def ensemble_asymptote_gain(evidence: Evidence, streams: list[str]) -> Value:
    """Asymptote of real-only ensembles minus that of some streams; above 0 where synthetic data still help."""
    real, own = members_of(evidence, "real"), _best(evidence, streams)
    (real_limit, real_draws), (own_limit, own_draws) = limit(real), limit(own)
    return evidence.value(real_limit - own_limit, real_draws - own_draws, NATS, *real, *own, note=f"K = 1..{len(own)}")


def ensemble_gain(evidence: Evidence, stream: str) -> Value:
    """Loss of one member minus that of all members together."""
    members = members_of(evidence, stream)
    one, every = members[0], members[-1]
    note = f"{stream}, K = {every.members}"
    return evidence.value(one.loss - every.loss, one.draws - every.draws, NATS, one, every, note=note)


def limit(members: list[Setting]) -> tuple[float, np.ndarray]:
    """Asymptote, and its draws. Raises NotIdentified with fewer than 4 members or a loss that rises."""
    sizes = np.array([s.members for s in members], dtype=float)
    estimate = parameter_of(sizes, np.array([s.loss for s in members]), "C")
    draws = parameter_draws(sizes, np.stack([s.draws for s in members], axis=1), "C")
    return estimate, np.where(np.isfinite(draws), draws, estimate)  # a draw without a law keeps its place in pairs


def _best(evidence: Evidence, streams: list[str]) -> list[Setting]:
    found = []
    for stream in streams:
        try:
            found.append(members_of(evidence, stream))
        except NotMeasured:
            continue
    if not found:
        raise NotMeasured(f"there is no ensemble of {' or '.join(streams)} students")
    return min(found, key=lambda members: members[-1].loss)


def members_of(evidence: Evidence, stream: str, student: str | None = None) -> list[Setting]:
    """The first 1, 2 .. members of a stream's ensemble together.

    `student`: none is the one that has synthetic ensembles, too. Raises NotMeasured.
    """
    rows = evidence.results.ensemble_rows() if len(evidence.results.ensembles) else None
    if rows is None:
        raise NotMeasured("there are no ensembles")
    usual = [student] if student else rows[rows["stream"] != "real"]["student"].unique()
    own = rows[(rows["stream"] == stream) & (rows["student"].isin(usual) | (len(usual) == 0))]
    if own.empty:
        raise NotMeasured(f"there is no ensemble of {stream} students")
    if "ensembles" not in evidence.known:
        draws = evidence.analysis.bootstrap_draws
        evidence.known["ensembles"] = ensemble_settings(evidence.results, IID, draws)
    found = [s for s in evidence.known["ensembles"] if s.ensemble == own.index[0]]
    return sorted(found, key=lambda s: s.members)
