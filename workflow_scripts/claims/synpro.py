"""Quantities of SynPro (arXiv 2605.17849): effective tokens and losses of pretrainings, by a pack of its own tables.

Arms: synpro_arms.py. Losses are compared at equal cumulative tokens of training, the most that both have.
"""

import numpy as np

from workflow_scripts.claims.evidence import Evidence, NotMeasured, Value
from workflow_scripts.claims.losses import NATS
from workflow_scripts.claims.synpro_arms import ablation, arm
from workflow_scripts.scaling.effective_study import EffectiveStudy
from workflow_scripts.scaling.law import NotIdentified

TIMES = "times effective tokens"


def synpro_effective_ratio(evidence: Evidence, of: str, over: str = "repetition") -> Value:
    """Unique tokens that the best loss of one arm is worth, over the same of another."""
    study = study_of(evidence)
    names = [arm(study, name) for name in (of, over)]
    seeds = study.seeds(*names)
    law = study.law(seeds)
    first, second = (law.worth(study.best(name, seeds)[0]) for name in names)
    where = [_status(name, law.status(worth[0])) for name, worth in zip(names, (first, second), strict=True)]
    with np.errstate(invalid="ignore"):
        return _value(study, first / second, TIMES, len(seeds), f"{names[0]} over {names[1]}, {' and '.join(where)}")


def synpro_difference(evidence: Evidence, first: str, second: str) -> Value:
    """Best loss of one arm minus that of another within the same tokens of training, on the same documents."""
    study = study_of(evidence)
    return _difference(study, arm(study, first), arm(study, second))


def synpro_ablation_cost(evidence: Evidence, without: str) -> Value:
    """Best loss of the ablation without a reward, or without `older_sets`, minus that of the round of its start."""
    study = study_of(evidence)
    pair = ablation(study, without)
    return _difference(study, pair.without, pair.round)


def synpro_collapse(evidence: Evidence, without: str, measure: str = "frechet_distance") -> Value:
    """A measure of collapse of the set whose generator lacks a reward, minus the same of the round's set.

    [assumed] Texts have no bootstrap: the band is the organic text's own value either way, that of its two halves.
    """
    study = study_of(evidence)
    pair, values = ablation(study, without), study.pack.sets.set_index("set")[measure]
    if not pair.own_set or "organic" not in values:
        raise NotMeasured(f"the pack of SynPro has no {measure} of a set without {without}, or of organic text")
    found, floor = values[pair.own_set] - values[pair.round_set], abs(values["organic"])
    if not np.isfinite([found, floor]).all():
        raise NotMeasured(f"{measure} of {pair.own_set}, {pair.round_set} or organic text was not measured")
    note = f"{pair.own_set} minus {pair.round_set}; band: the same of two halves of organic text"
    return Value(float(found), float(found - floor), float(found + floor), measure.replace("_", " "), 0, 0, note)


def study_of(evidence: Evidence) -> EffectiveStudy:
    """The pack with its bootstrap, made once. Raises NotMeasured without a pack of SynPro."""
    if evidence.synpro is None:
        raise NotMeasured("there is no pack of SynPro: give its folder with --synpro")
    if "synpro" not in evidence.known:
        evidence.known["synpro"] = EffectiveStudy(evidence.synpro, evidence.analysis)
    return evidence.known["synpro"]


def _difference(study: EffectiveStudy, first: str, second: str) -> Value:
    seeds = study.curves.seeds(first, second)
    if not seeds:
        raise NotIdentified(f"{first} and {second} have no seed in common")
    budget = study.ends(first, second, seeds=seeds)
    drawn = study.best_within(first, seeds, budget) - study.best_within(second, seeds, budget)
    return _value(study, drawn, NATS, len(seeds), f"{first} minus {second}, within {budget:,} tokens of training")


def _status(name: str, found: tuple[str, str]) -> str:
    status, reason = found
    if status == "not identified":
        raise NotIdentified(f"{name}: {reason}")
    return status


def _value(study: EffectiveStudy, drawn: np.ndarray, unit: str, seeds: int, note: str) -> Value:
    """A value of [1 + draws], the estimate first. Raises NotIdentified where its band has no end."""
    low, high = study.band(drawn[1:])
    if not np.isfinite([low, high]).all():
        raise NotIdentified(f"{note}: no law reaches this loss in too many draws")
    return Value(float(drawn[0]), low, high, unit, 0, seeds, f"{note}; {len(study.draws.predicted)} parts of documents")
