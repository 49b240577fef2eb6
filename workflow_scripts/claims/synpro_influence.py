"""Quantities of influence along SynPro's training (arXiv 2605.17849): shares of texts that still teach the student.

Bands are those of shares of independent texts; [assumed] seeds score the same texts, so they do not narrow them.
"""

from statistics import NormalDist

import numpy as np

from workflow_scripts.claims.evidence import Evidence, NotMeasured, Value
from workflow_scripts.claims.synpro import study_of
from workflow_scripts.claims.synpro_arms import static_and_refreshed
from workflow_scripts.evaluation.synpro_tables import SynProPack

POINTS = "percentage points"


def synpro_static_change(evidence: Evidence) -> Value:
    """Share of a static set's texts with positive influence on the last student that scored it, minus the first."""
    pack = study_of(evidence).pack
    static, _ = static_and_refreshed(pack)
    first, *_, last = _students(pack, static)
    return _value(evidence, pack, [(static, last)], [(static, first)])


def synpro_refreshed_change(evidence: Evidence) -> Value:
    """The same change of sets that were made for each student, minus that of the static set."""
    pack = study_of(evidence).pack
    static, made = static_and_refreshed(pack)
    made = made[made["pretraining"].isin(_students(pack, static))]
    if len(made) < 2:
        raise NotMeasured("the pack of SynPro has influence of a refreshed set for one student alone")
    first, last = (tuple(made.iloc[place][["set", "pretraining"]]) for place in (0, -1))
    return _value(evidence, pack, [last, (static, first[1])], [first, (static, last[1])])


def _students(pack: SynProPack, name: str) -> list[str]:
    """Pretrainings that scored a set, by their tokens. Raises NotMeasured with fewer than two."""
    own = pack.influence[pack.influence["set"] == name]
    found = own.groupby("pretraining")["tokens"].mean().sort_values().index.tolist()
    if len(found) < 2:
        raise NotMeasured(f"the pack of SynPro has influence of {name} on one student alone")
    return found


def _share(pack: SynProPack, name: str, student: str) -> tuple[float, float, int]:
    """Mean over seeds in percent, its variance, seeds."""
    own = pack.influence[(pack.influence["set"] == name) & (pack.influence["pretraining"] == student)]
    share, texts = own["positive_share"].mean(), own["texts"].min()
    return 100 * share, 1e4 * share * (1 - share) / texts, own["seed"].nunique()


def _value(evidence: Evidence, pack: SynProPack, plus: list[tuple], minus: list[tuple]) -> Value:
    shares = [_share(pack, *key) for key in (*plus, *minus)]
    signs = np.array([1] * len(plus) + [-1] * len(minus))
    found = float(signs @ [share for share, _, _ in shares])
    half = NormalDist().inv_cdf((1 + evidence.analysis.band) / 2) * float(np.sqrt(sum(v for _, v, _ in shares)))
    note = ", ".join(f"{name} on {student} {share:.1f}" for (name, student), (share, _, _) in
                     zip((*plus, *minus), shares, strict=True))  # fmt: skip
    return Value(found, found - half, found + half, POINTS, 0, min(seeds for _, _, seeds in shares), note)
