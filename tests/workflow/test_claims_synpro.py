"""Claims of SynPro (arXiv 2605.17849): quantities of a planted pack by hand, what is missing, the paper's values."""

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml

from tests.workflow.conftest import ROOT, run_module
from tests.workflow.packs import pack, student
from workflow_scripts.claims.evidence import Evidence, Value
from workflow_scripts.claims.judge import judge_measured, judge_planted
from workflow_scripts.claims.model import read_claims
from workflow_scripts.claims.quantities import Refusal, measure
from workflow_scripts.claims.synpro_arms import ablation, arm, static_and_refreshed
from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.synpro_tables import SynProPack
from workflow_scripts.planted.synpro import plant_pack, without_noise, write_pack
from workflow_scripts.planted.synpro_truth import EVALUATION_TOKENS, SynProTruth
from workflow_scripts.scaling.effective_study import EffectiveStudy

OWN = [claim for claim in read_claims(ROOT / "claims.yaml") if claim.id.startswith("synpro_")]
FAST = Analysis(bootstrap_draws=50)
TRUTH = SynProTruth(seeds=(0, 1))
EXACT = plant_pack(without_noise(TRUTH), 0)
RESULTS = pack([student("real", 0, 4.0)])  # of another paper
ENDS = {name: TRUTH.start_tokens(name) + (own.evaluations - 1) * EVALUATION_TOKENS
        for name, own in TRUTH.pretrainings.items()}  # fmt: skip


def quantity(found: SynProPack | None, name: str, **arguments) -> Value | Refusal:
    return measure(Evidence(RESULTS, FAST, synpro=found), name, arguments)


def without(found: SynProPack, *names: str) -> SynProPack:
    tables = {t: getattr(found, t) for t in ("pretrainings", "evaluations", "parts", "influence")}
    return replace(found, **{t: rows[~rows["pretraining"].isin(names)] for t, rows in tables.items()})


def loss(name: str, tokens: int) -> float:
    return float(TRUTH.loss(TRUTH.effective(name, tokens)))


GOLDEN = {
    "over repetition": ("synpro_effective_ratio", {"of": "last_round"}, TRUTH.ratio("round2")),
    "over RePro": (
        "synpro_effective_ratio", {"of": "last_round", "over": "repro"}, TRUTH.ratio("round2") / TRUTH.ratio("repro"),
    ),
    "unique text, at equal tokens": (
        "synpro_difference", {"first": "last_round", "second": "oracle"},
        loss("round2", ENDS["round2"]) - float(TRUTH.loss(ENDS["round2"])),
    ),
    "static, at the tokens of the shorter one": (
        "synpro_difference", {"first": "last_round", "second": "static"},
        loss("round2", ENDS["static"]) - loss("static", ENDS["static"]),
    ),
    "newest alone": (
        "synpro_ablation_cost", {"without": "older_sets"},
        loss("newest_only", ENDS["round2"]) - loss("round2", ENDS["round2"]),
    ),
    "static influence": ("synpro_static_change", {}, -12.0),
    "refreshed influence": ("synpro_refreshed_change", {}, 63 - 64 + 12),
    "collapse": ("synpro_collapse", {"without": "faithfulness"}, 1.6 - 0.45),
}  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "expected"), GOLDEN.values(), ids=GOLDEN)
def test_quantities_find_what_is_planted(name, arguments, expected):
    """Golden: by the law and the constants of the planted sets; losses are at the middle of the last evaluations."""
    found = quantity(EXACT, name, **arguments)
    assert found.estimate == pytest.approx(expected, rel=5e-3, abs=5e-4)
    assert found.low - 1e-9 <= found.estimate <= found.high + 1e-9


def test_arms_are_told_by_what_they_are_and_not_by_their_names():
    study = EffectiveStudy(EXACT, FAST)
    assert {name: arm(study, name) for name in ("last_round", "static", "repro", "round1")} == {
        "last_round": "round2", "static": "static", "repro": "repro", "round1": "round1",
    }  # fmt: skip
    pair = ablation(study, "faithfulness")
    assert (pair.without, pair.round, pair.own_set, pair.round_set) == (
        "unfaithful", "round1", "reformat_unfaithful", "reformat_r1",
    )  # fmt: skip
    static, made = static_and_refreshed(EXACT)
    assert static == "reformat" and made.to_numpy().tolist() == [
        ["repetition", "reformat_r1"], ["round1", "reformat_r2"],
    ]  # fmt: skip


MISSING = {
    "no pack": (lambda own: None, "synpro_effective_ratio", {"of": "last_round"}, "give its folder with --synpro"),
    "no RePro": (lambda own: without(own, "repro"), "synpro_difference", {"first": "last_round", "second": "repro"},
                 "no pretraining that is `repro`"),
    "no ablation": (lambda own: without(own, "unfaithful"), "synpro_collapse", {"without": "faithfulness"},
                    "no ablation without faithfulness"),
    "one refresh": (lambda own: replace(own, influence=own.influence[own.influence["pretraining"] == "repetition"]),
                    "synpro_static_change", {}, "influence of reformat on one student alone"),
    "no influence": (lambda own: replace(own, influence=own.influence.iloc[:0]), "synpro_refreshed_change", {},
                     "no influence of a static and of a refreshed set"),
    "unmeasured": (lambda own: replace(own, sets=own.sets.assign(self_bleu=np.nan)), "synpro_collapse",
                   {"without": "faithfulness", "measure": "self_bleu"}, "was not measured"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "name", "arguments", "reason"), MISSING.values(), ids=MISSING)
def test_what_is_missing_is_said_and_not_guessed(change, name, arguments, reason):
    found = quantity(change(EXACT), name, **arguments)
    assert found.kind == "not measured at this scale" and reason in found.reason


def test_ratio_says_where_it_is_extrapolated_or_not_identified():
    """With few evaluations of unique text the last round is beyond it; repetition that lags behind it has no D."""
    short = replace(TRUTH, pretrainings=TRUTH.pretrainings | {
        "oracle": replace(TRUTH.pretrainings["oracle"], evaluations=20)})  # fmt: skip
    beyond = quantity(plant_pack(without_noise(short), 0), "synpro_effective_ratio", of="last_round")
    assert "extrapolated and measured" in beyond.note
    behind = plant_pack(without_noise(replace(TRUTH, organic_tokens=2**18)), 0)
    found = quantity(behind, "synpro_effective_ratio", of="last_round")
    assert found.kind == "not identified" and "repetition: worse than unique text" in found.reason


def test_values_of_the_paper_are_compared_at_its_scale_alone_and_planted_ones_with_the_truth():
    values = {claim.id for claim in OWN if claim.paper.public and not claim.paper.one_sided}
    assert values == {claim.id for claim in OWN if claim.only_at == "paper"} - {"synpro_below_unique_text"}
    evidence, exact = (Evidence(RESULTS, Analysis(bootstrap_draws=200, band=0.99), synpro=p)
                       for p in (plant_pack(TRUTH, 0), EXACT))  # fmt: skip
    for claim in OWN:
        own, there = (judge_measured(claim, evidence, scale) for scale in ("laptop", "paper"))
        assert own.value == there.value and own.value is not None
        assert own.verdict == {"paper": "not measured at this scale"}.get(claim.only_at, there.verdict)
        truth = measure(exact, claim.quantity.name, claim.quantity.arguments).estimate
        assert judge_planted(claim, evidence, truth).verdict == "agrees", claim.id
        assert judge_planted(claim, evidence, truth + 20).verdict == "disagrees", claim.id


def test_command_takes_a_pack_of_synpro_alone_and_beside_others(tmp_path):
    write_pack(tmp_path / "pack", EXACT)
    wanted = [claim for claim in OWN if claim.id in ("synpro_worth_more_than_repetition", "synpro_effective_tokens")]
    content = [claim.model_dump(mode="json", exclude_none=True) for claim in wanted]
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(content))
    command = ["workflow_scripts.claims.check", "--output", tmp_path / "claims.json", "--check"]
    settings = ["--settings", FAST.model_dump_json()]
    found = run_module(*command, "--synpro", "laptop", tmp_path / "pack", *settings, cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    records = {record["id"]: record["columns"] for record in json.loads((tmp_path / "claims.json").read_text())}
    assert records["synpro_worth_more_than_repetition"]["laptop"]["verdict"] == "agrees"
    assert records["synpro_effective_tokens"]["laptop"]["verdict"] == "not measured at this scale"
    broken = run_module(*command, "--synpro", "laptop", tmp_path / "none", cwd=tmp_path)
    assert broken.returncode == 1 and "pretrainings.csv: no such file" in broken.stderr
