"""Which pretrainings and sets of a SynPro pack (arXiv 2605.17849) a claim is about, told by what they are, not by name.

Arms: repetition, oracle, last_round (the longest chain of refreshes), static (untrained or not refreshed generators),
repro (generators trained on quality and faithfulness alone, as RePro's), or a pretraining's own name.
"""

import json
from dataclasses import dataclass

import pandas as pd

from workflow_scripts.claims.evidence import NotMeasured
from workflow_scripts.evaluation.synpro_tables import SynProPack
from workflow_scripts.scaling.effective_study import EffectiveStudy

INFLUENCE, ORGANIC = "influence", "organic"


@dataclass(frozen=True)
class Ablation:
    """A pretraining that lacks something, and the round that it is compared with; the sets where they differ."""

    without: str
    round: str
    own_set: str = ""
    round_set: str = ""


def arm(study: EffectiveStudy, name: str) -> str:
    """The pretraining that an arm stands for. Raises NotMeasured where the pack has none."""
    pack = study.pack
    known = {"repetition": [study.baseline], "oracle": [study.oracle], "last_round": _rounds(study)[-1:]}
    known |= {"static": [p for p in _of_role(study, "static") if not _as_repro(pack, p)]}
    known |= {"repro": [p for p in _of_role(study, "static") if _as_repro(pack, p)]}
    found = known.get(name, [name] if name in study.names else [])
    if not found:
        raise NotMeasured(f"the pack of SynPro has no pretraining that is `{name}`")
    return max(found, key=lambda p: pack.row(p)["start_tokens"] + pack.row(p)["tokens"])


def ablation(study: EffectiveStudy, without: str) -> Ablation:
    """The pair that shows what it does to leave out a reward, or `older_sets`. Raises NotMeasured without one."""
    pairs = [(own, other) for own in _of_role(study, "ablation") for other in _rounds(study)
             if study.pack.row(own)["start"] == study.pack.row(other)["start"]]  # fmt: skip
    find = _newest_only if without == "older_sets" else _lacks_reward
    found = [pair for own, other in pairs if (pair := find(study.pack, own, other, without))]
    if not found:
        raise NotMeasured(f"the pack of SynPro has no ablation without {without} beside a round of the same start")
    return found[-1]


def rewards_of(pack: SynProPack, name: str) -> dict[str, float]:
    """Weights of the rewards of a set's generator; none: untrained, or not in the table."""
    own = pack.sets.loc[pack.sets["set"] == name, "rewards"]
    return json.loads(own.iloc[0] or "{}") if len(own) else {}


def operation_of(pack: SynProPack, name: str) -> str:
    """What is written of a slice; empty where the table does not have the set."""
    own = pack.sets.loc[pack.sets["set"] == name, "operation"]
    return own.iloc[0] if len(own) else ""


def static_and_refreshed(pack: SynProPack) -> tuple[str, pd.DataFrame]:
    """A set whose generator knows no student, and those of the same operation in rounds that were made for one.

    The latter by the student that also scored them, in the order of the students' tokens: columns pretraining, set.
    Raises NotMeasured where influence was not measured of both.
    """
    scored = {(row.set, row.pretraining) for row in pack.influence.itertuples()}
    students = pack.influence.groupby("pretraining")["tokens"].mean().sort_values().index
    in_rounds = {name for own in pack.of_role("round") for name in pack.sets_of(own)}
    for operation in pack.sets.loc[pack.sets["set"].isin(in_rounds), "operation"].value_counts().index:
        own = pack.sets[pack.sets["operation"] == operation]
        found = [(row.student, row.set) for row in own.itertuples()
                 if row.set in in_rounds and (row.set, row.student) in scored]  # fmt: skip
        static = [row.set for row in own.itertuples() if not row.student and row.set in {name for name, _ in scored}]
        if found and static:
            made = pd.DataFrame(found, columns=["pretraining", "set"])
            order = made["pretraining"].map(list(students).index)
            return max(static, key=lambda name: len(rewards_of(pack, name))), made.loc[order.sort_values().index]
    raise NotMeasured("the pack of SynPro has no influence of a static and of a refreshed set of one operation")


def _rounds(study: EffectiveStudy) -> list[str]:
    """Rounds, the longest chain last."""
    pack = study.pack

    def depth(name: str) -> int:
        start = pack.row(name)["start"]
        return 1 + depth(start) if start else 0

    return sorted(_of_role(study, "round"), key=depth)


def _of_role(study: EffectiveStudy, role: str) -> list[str]:
    return [name for name in study.pack.of_role(role) if name in study.names]


def _as_repro(pack: SynProPack, name: str) -> bool:
    every = [rewards_of(pack, one) for one in pack.sets_of(name)]
    return bool(every) and all("quality" in own and INFLUENCE not in own for own in every)


def _newest_only(pack: SynProPack, own: str, other: str, _: str) -> Ablation | None:
    """Sets of `own` are those that the round adds to its start's, and the round has those, too."""
    older = set(pack.sets_of(pack.row(other)["start"]))
    mine, theirs = set(pack.sets_of(own)), set(pack.sets_of(other))
    return Ablation(own, other) if older and mine and mine == theirs - older and older <= theirs else None


def _lacks_reward(pack: SynProPack, own: str, other: str, reward: str) -> Ablation | None:
    for one in pack.sets_of(own):
        for two in pack.sets_of(other):
            mine, theirs = set(rewards_of(pack, one)), set(rewards_of(pack, two))
            if operation_of(pack, one) == operation_of(pack, two) and mine and theirs - mine == {reward}:
                return Ablation(own, other, one, two)
    return None
