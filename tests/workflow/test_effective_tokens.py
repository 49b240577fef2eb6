"""Effective tokens: planted ratios are found again, bands hold them, and what is not measured is marked."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.workflow.conftest import run_module
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.synpro_tables import SynProPack
from workflow_scripts.planted.synpro import plant_pack, without_noise, write_pack
from workflow_scripts.planted.synpro_truth import EVALUATION_TOKENS, PRETRAININGS, Planted, SynProTruth
from workflow_scripts.scaling.effective_tokens import effective_by_budget, effective_tokens, loss_differences
from workflow_scripts.scaling.law import NotIdentified
from workflow_scripts.scaling.oracle_law import falling, fit_oracle
from workflow_scripts.scaling.synpro_curves import Curve, best_so_far
from workflow_scripts.scaling.synpro_noise import seed_spread

FAST = Analysis(bootstrap_draws=100)
TRUTH = SynProTruth(pretrainings={name: PRETRAININGS[name] for name in ("repetition", "oracle", "round1", "round2")})
EXACT = plant_pack(without_noise(TRUTH), 0)


def with_pretraining(truth: SynProTruth, **more: Planted) -> SynProTruth:
    return replace(truth, pretrainings=truth.pretrainings | more)


def test_without_noise_everything_is_found_exactly():
    found = effective_tokens(EXACT, FAST).set_index("pretraining")
    for name in TRUTH.pretrainings:
        assert found["ratio"][name] == pytest.approx(TRUTH.ratio(name), rel=1e-3)
        assert found["ratio_high"][name] - found["ratio_low"][name] < 1e-6  # parts differ alike for all students
        assert found["effective_tokens"][name] == pytest.approx(TRUTH.best(name), rel=1e-3)
        assert found["isotonic_tokens"][name] == pytest.approx(TRUTH.best(name), rel=2e-3)
    assert set(found["status"]) == {"measured"} and set(found["seeds"]) == {3}


def test_bands_hold_planted_ratios_as_often_as_they_say():
    """120 bands of 90%, those of a pack correlated: between 80% and 98% hold the truth."""
    held, off = [], []
    truth = with_pretraining(TRUTH, static=PRETRAININGS["static"])
    for seed in range(40):
        found = effective_tokens(plant_pack(truth, seed), FAST).set_index("pretraining")
        for name in ("static", "round1", "round2"):
            held.append(found["ratio_low"][name] <= truth.ratio(name) <= found["ratio_high"][name])
            off.append(found["ratio"][name] / truth.ratio(name) - 1)
    assert 0.8 <= np.mean(held) <= 0.98
    assert abs(np.mean(off)) < 0.005  # no bias, although a best loss is chosen among many


def test_beyond_unique_text_is_extrapolated_and_worse_than_its_start_is_not_identified():
    truth = without_noise(with_pretraining(
        TRUTH,
        beyond=Planted("Beyond", "round", 40, start="round2", ratio=8),
        worse=Planted("Worse", "static", 40, start="repetition", ratio=0.2),
    ))  # fmt: skip
    found = effective_tokens(plant_pack(truth, 0), FAST).set_index("pretraining")
    assert found["status"]["beyond"] == "extrapolated" and np.isnan(found["isotonic_tokens"]["beyond"])
    assert found["ratio"]["beyond"] == pytest.approx(truth.ratio("beyond"), rel=0.01)
    assert found["status"]["worse"] == "measured"  # its first evaluation is still as good as repetition
    falls_behind = replace(truth, organic_tokens=2**18)  # all but unique text end before its first twentieth
    lost = effective_tokens(plant_pack(falls_behind, 0), FAST).set_index("pretraining")
    assert lost["status"]["repetition"] == "not identified" and "worse than unique text" in lost["reason"]["repetition"]
    assert lost[["effective_tokens", "ratio", "ratio_low"]].loc["repetition"].isna().all()
    assert np.isnan(lost["ratio"]["oracle"]) and lost["status"]["oracle"] == "measured"


def test_chain_of_rounds_is_one_curve_whose_ratio_is_one_until_the_first_starts():
    found = effective_by_budget(plant_pack(TRUTH, 3), FAST)
    assert list(dict.fromkeys(found["curve"])) == ["repetition", "oracle", "round2"]
    own = found[found["curve"] == "round2"].set_index("budget_tokens")
    before = own[(own.index <= 16 * EVALUATION_TOKENS) & (own["status"] == "measured")]
    assert len(before) and (before[["ratio", "ratio_low", "ratio_high"]] == 1).all(axis=None)
    assert (own.loc[own.index > 30 * EVALUATION_TOKENS, "ratio_low"] > 1).all()
    assert own["loss_nats"].diff().max() < 0.003  # the best so far never rises, but for the halves' noise
    total = effective_tokens(plant_pack(TRUTH, 3), FAST).set_index("pretraining")
    assert own["ratio"].iloc[-1] == pytest.approx(total["ratio"]["round2"], rel=0.01)
    exact = effective_by_budget(EXACT, FAST).set_index(["curve", "budget_tokens"])
    budget = 32 * EVALUATION_TOKENS
    wanted = TRUTH.effective("round1", budget) / TRUTH.effective("repetition", budget)
    assert exact["ratio"]["round2", budget] == pytest.approx(float(wanted), rel=0.002)


def test_few_evaluations_of_one_seed_have_losses_but_no_effective_tokens():
    """As a smoke run's: bands of documents alone, and the reason for every missing ratio."""
    short = {name: replace(own, evaluations=3, plateau=2) for name, own in TRUTH.pretrainings.items()}
    pack = plant_pack(replace(TRUTH, pretrainings=short, seeds=(0,)), 0)
    found = effective_tokens(pack, FAST)
    assert set(found["status"]) == {"not identified"} and found["reason"].str.contains("a law needs 5").all()
    assert (found["low"] < found["loss_nats"]).all() and found["ratio"].isna().all()
    curves = effective_by_budget(pack, FAST)
    assert set(curves["curve"]) == {"repetition", "oracle", "round2"} and curves["loss_nats"].notna().all()
    assert len(loss_differences(pack, FAST, "repetition")) == 3


def test_differences_are_paired_over_parts_and_seeds():
    """A shift of all seeds alike, and parts of any hardness, leave the band as narrow as the student's own noise."""
    truth = replace(TRUTH, hardness_sd=0.5, shared_seed_sd=0.1, part_sd=0.0, own_seed_sd=0.001, jitter_sd=0.0)
    found = loss_differences(plant_pack(truth, 0), FAST, "round1").set_index("pretraining")
    wanted = truth.loss(truth.best("round2")) - truth.loss(truth.best("round1"))
    row = found.loc["round2"]
    assert row["difference_nats"] == pytest.approx(wanted, abs=0.003) and row["seeds"] == 3
    assert 0.001 < row["high"] - row["low"] < 0.02 and row["low"] < wanted < row["high"]
    assert "round1" not in found.index
    with pytest.raises(UserError, match="no 'round9' with losses; they are repetition"):
        loss_differences(EXACT, FAST, "round9")


def test_pretraining_of_other_seeds_is_compared_on_those_that_both_have():
    noisy = plant_pack(TRUTH, 0)
    alone = without_rows(noisy, "round2", seeds=(1, 2))
    found = effective_tokens(alone, FAST).set_index("pretraining")["seeds"]
    assert found["round2"] == 1 and found["round1"] == 3
    assert loss_differences(alone, FAST, "round1").set_index("pretraining")["seeds"]["round2"] == 1


def without_rows(pack: SynProPack, name: str, seeds: tuple[int, ...]) -> SynProPack:
    tables = {t: getattr(pack, t) for t in ("pretrainings", "evaluations", "parts")}
    kept = {t: rows[~((rows["pretraining"] == name) & rows["seed"].isin(seeds))] for t, rows in tables.items()}
    return replace(pack, **kept)


def test_best_is_chosen_on_one_half_and_reported_on_the_other():
    """By hand: even parts are best at the third place, odd ones at the second, so each is reported at the other's."""
    sums = np.array([[3.0, 3, 3, 3], [2, 1, 2, 1], [1, 2, 1, 2]])
    places = np.array([10, 20, 30])
    found = best_so_far(Curve(places, sums, np.array(["a"] * 3, dtype=object)), np.ones(4))
    assert found.sums.tolist() == [[3, 3, 3, 3], [2, 1, 2, 1], [2, 2, 2, 2]] and found.tokens.tolist() == [10, 20, 25]


def test_spread_of_seeds_is_told_apart():
    """By hand: seeds at -1 and 1 in all three pretrainings, and one residual of 2 x 0.1 in the last."""
    losses = {(name, seed): sign + (0.1 * sign if name == "c" else 0.0)
              for name in "abc" for seed, sign in ((0, -1), (1, 1))}  # fmt: skip
    found = seed_spread(losses)
    within = (4 * 1 + 2 * 1.21) / 3
    own = sum(2 * (x - 1.1 / 3 - 2 / 3) ** 2 for x in (1, 1, 1.1)) / 2
    assert found.own == pytest.approx(np.sqrt(own)) and found.shared == pytest.approx(np.sqrt(within - own))
    assert (found.shared_freedom, found.own_freedom) == (3, 2)
    assert seed_spread({("a", 0): 1.0, ("b", 0): 2.0}).own == 0  # one seed says nothing


def test_oracle_that_says_nothing_is_refused():
    tokens = np.arange(1, 21) * 10**6
    with pytest.raises(NotIdentified, match="does not fall"):
        fit_oracle(tokens, np.tile(3 + tokens / 1e8, (2, 1)))
    with pytest.raises(NotIdentified, match="4 evaluations of unique text after warm-up"):
        fit_oracle(tokens[:4], np.tile(4 - tokens[:4] / 1e8, (2, 1)))
    assert falling(np.array([3.0, 1, 2, 0]), np.array([1.0, 1, 3, 1])).tolist() == [3, 1.75, 1.75, 0]


def test_command_writes_both_files(tmp_path):
    write_pack(tmp_path / "pack", EXACT)
    command = ["workflow_scripts.scaling.effective_tokens", "--pack", tmp_path / "pack"]
    outputs = ["--output", tmp_path / "e.json", "--summary", tmp_path / "e.csv"]
    found = run_module(*command, *outputs, "--settings", FAST.model_dump_json(), cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    record = json.loads((tmp_path / "e.json").read_text())
    assert record["law"]["b"]["value"] == pytest.approx(0.26, rel=0.02) and set(record["differences"]) == {
        "repetition", "oracle",
    }  # fmt: skip
    assert (tmp_path / "e.csv").read_text().startswith("pretraining,title,role,seeds,loss_nats")
    (tmp_path / "pack" / "sets.csv").unlink()
    broken = run_module(*command, *outputs, cwd=tmp_path)
    assert broken.returncode == 1 and "sets.csv: no such file" in broken.stderr and "Traceback" not in broken.stderr
