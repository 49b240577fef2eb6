"""The rectified law against a power law: planted truths, points by hand, curves of packs, the command, the claim."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.workflow.conftest import run_main
from tests.workflow.packs import pack, student
from workflow_scripts.claims.evidence import Evidence
from workflow_scripts.claims.quantities import Refusal, measure
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Analysis
from workflow_scripts.planted.synpro import plant_pack, without_noise, write_pack
from workflow_scripts.planted.synpro_truth import SynProTruth
from workflow_scripts.scaling import rectified_law
from workflow_scripts.scaling.bootstrap import band
from workflow_scripts.scaling.law import NotIdentified
from workflow_scripts.scaling.loss_curves import mixture_loss_curves, synpro_loss_curves
from workflow_scripts.scaling.rectified import FEWEST, Comparison, LossCurve, compare

pytestmark = pytest.mark.usefixtures("few_starts")
SHARE, DRAWS = 0.9, 30
TOKENS = 1000 * 2 ** np.arange(12)
FAST = Analysis(bootstrap_draws=10)
EXACT = plant_pack(without_noise(SynProTruth(seeds=(0, 1))), 0)


def curve(learnt: float, noise: float = 0.002, tokens: np.ndarray = TOKENS) -> LossCurve:
    """20 / (D_l + D^0.4) + 2 with noise of each point; the estimate has its own draw of it."""
    clean = 20 / (learnt + tokens**0.4) + 2
    drawn = clean + np.random.default_rng(3).normal(0, noise, (1 + DRAWS, len(tokens)))
    return LossCurve("planted", tokens, drawn, 3, {"parts": 31})


def test_both_laws_at_hand_worked_points():
    """2^4 + 16 = 32: 64 / 32 + 1 = 3; D_l is half of D_l + D^b at the smallest size; errors at 4 are 0.5 and 1."""
    found = Comparison(
        LossCurve("by hand", np.array([2.0, 3.0, 4.0]), np.array([[3.0, 0.0, 2.0]] * 2), 1, {}),
        {"rectified": np.log([[64, 1, 16, 4]] * 2), "power_law": np.log([[16, 2, 1]] * 2)},
    )
    assert found.predicted("rectified", [2])[0] == pytest.approx([3])
    assert found.learnt_share == pytest.approx([0.5, 0.5])
    power, own = abs(16 / 3 + 2) + abs(16 / 4 + 2 - 2), abs(64 / 97 + 1) + abs(64 / 272 + 1 - 2)
    assert found.gain[0] == pytest.approx((power - own) / 2)


def test_planted_pre_learned_data_is_found_and_preferred():
    record = compare(curve(learnt=60.0)).record(SHARE)
    true_share = 60 / (60 + 1000**0.4)
    assert record["learnt_share_low"] < true_share < record["learnt_share_high"]
    assert record["gain_nats_low"] > 0 and record["status"] == "D_l is identified"
    assert record["rectified"]["E"] == pytest.approx(2, abs=0.1)


def test_a_power_law_has_no_pre_learned_data():
    found = compare(curve(learnt=0.0))
    assert found.learnt(SHARE) == "D_l is compatible with 0"
    assert abs(found.gain[0]) < 0.005 and found.error("power_law")[0] < 0.01


def test_few_points_are_refused_with_the_reason():
    with pytest.raises(NotIdentified, match=f"6 points; 2 held out and four parameters need at least {FEWEST}"):
        compare(curve(0.0, tokens=TOKENS[:6]))


def test_curves_of_a_synpro_pack_are_its_evaluations_and_draws_keep_seeds_together():
    unique, repeated = synpro_loss_curves(EXACT, FAST)
    own = EXACT.evaluations.query("pretraining == 'oracle' and set == 'validation' and seed == 0")
    assert unique.tokens.tolist() == sorted(own["tokens"]) and unique.seeds == 2
    assert unique.losses[0] == pytest.approx(own.sort_values("tokens")["loss_nats"].to_numpy(), abs=1e-3)
    assert unique.losses.shape == (11, len(unique.tokens)) and repeated.name != unique.name


def test_curves_of_mixtures_are_over_budgets():
    rows = [student("real", 0, 3 + 1 / place, budget_tokens=1000 * place, studies="mixture_data", real_epochs=1)
            | {"run_id": f"real-{place}-s0"} for place in range(1, 10)]  # fmt: skip
    (found,) = mixture_loss_curves(pack(rows), FAST, "mixture_data")
    assert found.name == "natural" and found.tokens.tolist() == [1000 * place for place in range(1, 10)]
    assert found.losses[0] == pytest.approx([3 + 1 / place for place in range(1, 10)])
    assert compare(found).error("power_law")[0] < 1e-4  # 1000 / D + 3


def test_command_writes_errors_and_reasons(tmp_path, capsys):
    write_pack(tmp_path / "synpro", EXACT)
    asked = {"synpro": tmp_path / "synpro", "results": [], "studies": [], "settings": FAST.model_dump_json()}
    run_main(rectified_law.main, **asked, output=tmp_path / "laws.json")
    record, table = json.loads((tmp_path / "laws.json").read_text()), pd.read_csv(tmp_path / "laws.csv")
    assert len(record["curves"]) == len(table) == 2 and "nats held out" in capsys.readouterr().out
    assert table["power_law_error_nats"].notna().all() and record["draws"] == 10
    with pytest.raises(UserError, match="give --synpro"):
        run_main(rectified_law.main, **(asked | {"synpro": None}), output=tmp_path / "none.json")


def test_claim_measures_the_pack_and_says_what_is_missing():
    found = measure(Evidence(pack([student("real", 0, 4.0)]), FAST, synpro=EXACT), "rectified_gain", {})
    first = compare(synpro_loss_curves(EXACT, FAST)[0])
    assert found.estimate == pytest.approx(first.gain[0]) and (found.low, found.high) == band(first.gain[1:], FAST.band)
    missing = measure(Evidence(pack([student("real", 0, 4.0)]), FAST), "rectified_gain", {})
    assert isinstance(missing, Refusal) and "--synpro" in missing.reason
