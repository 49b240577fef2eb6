"""Claims of the comparison of all methods: they hold and fail as planted, and what a pack lacks is said."""

import json

import pytest
import yaml

from tests.workflow.arm_packs import WORTHS, arm_pack, loss_of, write_arm_pack
from tests.workflow.conftest import ROOT, run_module
from tests.workflow.packs import pack, student
from workflow_scripts.claims.evidence import Evidence, Value
from workflow_scripts.claims.judge import judge_measured
from workflow_scripts.claims.model import read_claims
from workflow_scripts.claims.quantities import Refusal, measure
from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.arms import ArmPack

OWN = {claim.id: claim for claim in read_claims(ROOT / "claims.yaml") if claim.id.startswith("methods_")}
FAST = Analysis(bootstrap_draws=60)
RESULTS = pack([student("real", 0, 4.0)])  # of another paper
PACK = arm_pack(as_simple={"stitched": 1.45})


def evidence(own: ArmPack | None) -> Evidence:
    return Evidence(RESULTS, FAST, methods=own)


def quantity(own: ArmPack | None, name: str, **arguments: str) -> Value | Refusal:
    return measure(evidence(own), name, arguments)


GOLDEN = {
    "difference": ("arm_difference", {"first": "stitched", "second": "simple"}, loss_of(1.6) - loss_of(1.3)),
    "efficiency": ("arm_efficiency", {"of": "repro"}, 1.45),
    "share": ("arm_oracle_share", {"of": "sbp"}, (loss_of(1) - loss_of(1.4)) / (loss_of(1) - loss_of(4))),
    "shrinkage": ("arm_controlled_shrinkage", {"of": "stitched"}, loss_of(1.6) - loss_of(1.45)),
}


@pytest.mark.parametrize(("name", "arguments", "expected"), GOLDEN.values(), ids=GOLDEN)
def test_quantities_find_what_is_planted(name, arguments, expected):
    found = quantity(PACK, name, **arguments)
    assert found.estimate == pytest.approx(expected, rel=2e-3, abs=1e-9) and found.low < expected < found.high
    assert (found.documents, found.seeds) == (20, 3)


MISSING = {
    "no pack": (None, "arm_efficiency", {"of": "wrap"}, "not measured", "give its folder with --methods"),
    "no arm": (PACK, "arm_difference", {"first": "mga", "second": "simple"}, "not measured", "no arm `mga`"),
    "same": (PACK, "arm_controlled_shrinkage", {"of": "wrap"}, "not identified", "wrap is tuned as simple is"),
    "beyond": (arm_pack({"simple": 5.0}), "arm_efficiency", {"of": "simple"}, "not identified", "outside the law's"),
}


@pytest.mark.parametrize(("own", "name", "arguments", "kind", "reason"), MISSING.values(), ids=MISSING)
def test_what_is_missing_is_said_and_not_guessed(own, name, arguments, kind, reason):
    found = quantity(own, name, **arguments)
    assert found.kind.startswith(kind) and reason in found.reason


HELD = {  # by the planted worths
    "methods_stitched_below_simple": "agrees",
    "methods_self_distillation": "agrees",
    "methods_wrap": "agrees",
    "methods_mga": "not measured at this scale",
    "methods_plain_sampling_best": "agrees",
    "methods_sbp_oracle_share": "agrees",
    "methods_synpro_below_static": "not public",
    "methods_synpro_below_repro": "agrees",
    "methods_repro_efficiency": "not measured at this scale",
    "methods_wrap_stitched": "agrees",
    "methods_stitched_controlled": "agrees",
}


def test_claims_hold_and_fail_as_planted():
    given = evidence(PACK)
    assert {name: judge_measured(OWN[name], given, "laptop").verdict for name in HELD} == HELD
    assert judge_measured(OWN["methods_repro_efficiency"], given, "paper").verdict == "disagrees"
    opposite = evidence(arm_pack({**WORTHS, "simple": 1.75, "sbp": 3.5, "wrap": 1.5, "wrap_stitched": 1.5}))
    turned = {"methods_stitched_below_simple": "disagrees", "methods_sbp_oracle_share": "disagrees"}
    turned |= {"methods_wrap_stitched": "not identified"}
    assert {name: judge_measured(OWN[name], opposite, "laptop").verdict for name in turned} == turned


def test_every_claim_names_an_arm_of_some_scale():
    arms = yaml.safe_load((ROOT / "config.yaml").read_text())["scales"]["gpu"]["comparison"]["arms"]
    named = {value for claim in OWN.values() for value in claim.quantity.arguments.values()}
    assert named <= {*arms, "repetition", "oracle"} and len(OWN) > 15


def test_command_takes_a_pack_of_methods(tmp_path):
    write_arm_pack(tmp_path / "pack", PACK)
    content = [OWN[name].model_dump(mode="json", exclude_none=True) for name in ("methods_wrap", "methods_mga")]
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(content))
    command = ["workflow_scripts.claims.check", "--output", tmp_path / "claims.json", "--settings"]
    found = run_module(*command, FAST.model_dump_json(), "--methods", "laptop", tmp_path / "pack", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    records = {
        record["id"]: record["columns"]["laptop"] for record in json.loads((tmp_path / "claims.json").read_text())
    }
    assert records["methods_wrap"]["verdict"] == "agrees" and "no arm `mga`" in records["methods_mga"]["reason"]
