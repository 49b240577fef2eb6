"""Quantities of the comparison of all methods, by a pack of its own: arms are named as in the pack's `arms.csv`.

`repetition` and `oracle` are its controls, `simple` are simple rephrases. All arms share their draws of documents.
"""

from workflow_scripts.claims.evidence import Evidence, NotMeasured, Value
from workflow_scripts.claims.losses import NATS
from workflow_scripts.config.comparison import SIMPLE
from workflow_scripts.evaluation.arm_table import ORACLE, REPETITION
from workflow_scripts.scaling.arms import Study
from workflow_scripts.scaling.law import NotIdentified

TIMES, SHARE = "times the natural tokens", "of the oracle's gain"


def arm_difference(evidence: Evidence, first: str, second: str) -> Value:
    """I.i.d. loss of one arm minus that of another, each with its own tuned hyper-parameters; below 0 it is better."""
    study = study_of(evidence, first, second)
    gain = study.gain(second, over=first)  # the first's loss minus the second's
    return _value(study, first, gain, "gain", NATS, f"{first} minus {second}")


def arm_efficiency(evidence: Evidence, of: str) -> Value:
    """Natural tokens whose students alone reach an arm's loss, over those at hand. Raises NotIdentified without any."""
    study = study_of(evidence, of)
    found = study.efficiency(of)
    if found["efficiency"] is None:
        raise NotIdentified(f"{of}: {found['status']}")
    return _value(study, of, found, "efficiency", TIMES, of)


def arm_oracle_share(evidence: Evidence, of: str) -> Value:
    """Share of what fresh text gains over repetition that an arm gains. Raises NotIdentified where that is nothing."""
    study = study_of(evidence, of)
    found = study.oracle_share(of)
    if found["share"] is None:
        raise NotIdentified("the oracle's gain over repetition is not above 0 in its band")
    tokens = study.pack.arms["real_tokens"]
    note = f"{of}; the oracle has {tokens[ORACLE] / tokens[REPETITION]:g} times the natural tokens"
    return _value(study, of, found, "share", SHARE, note)


def arm_controlled_shrinkage(evidence: Evidence, of: str) -> Value:
    """What is left of an arm's lead over simple rephrases with their hyper-parameters, minus its lead with its own.

    In nats per token; simple rephrases cancel. Raises NotIdentified where both are the same students.
    """
    study = study_of(evidence, of, SIMPLE)
    if of not in study.as_simple:
        raise NotMeasured(f"no student of {of} has the hyper-parameters of {SIMPLE}")
    own, left = study.tuned[of], study.as_simple[of]
    if own.loss == left.loss:
        raise NotIdentified(f"{of} is tuned as {SIMPLE} is: its students are the same")
    low, high = study.band(own.draws - left.draws)
    return _value(study, of, {"shrinkage": own.loss - left.loss, "low": low, "high": high}, "shrinkage", NATS, of)


def study_of(evidence: Evidence, *arms: str) -> Study:
    """The pack with its bootstrap, made once. Raises NotMeasured without a pack of arms, or where it lacks one."""
    if evidence.methods is None:
        raise NotMeasured("there is no pack of the comparison of methods: give its folder with --methods")
    for arm in arms:
        if arm not in evidence.methods.arms.index:
            raise NotMeasured(f"the comparison of methods has no arm `{arm}`")
    if "methods" not in evidence.known:
        evidence.known["methods"] = Study(evidence.methods, evidence.analysis)
    return evidence.known["methods"]


def _value(study: Study, arm: str, found: dict, name: str, unit: str, note: str) -> Value:
    own = study.tuned[arm]
    return Value(float(found[name]), found["low"], found["high"], unit, own.documents, own.seeds, note)
