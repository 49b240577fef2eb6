"""Simulations of retraining against their theory, hand-worked steps, the table, and the claims that rest on it."""

import json

import numpy as np
import pytest

from tests.workflow.conftest import run_main
from tests.workflow.packs import pack, student
from workflow_scripts.claims.evidence import Evidence
from workflow_scripts.claims.quantities import Refusal, measure
from workflow_scripts.common.errors import UserError
from workflow_scripts.scaling import gaussian_retraining, recursive_regression, retraining_theory
from workflow_scripts.scaling.gaussian_retraining import Gaussian
from workflow_scripts.scaling.recursive_regression import Regression
from workflow_scripts.scaling.retraining_theory import growth, read_table, simulated

SMALL = Regression(rows=60, features=8, rounds=10, repeats=400, noise_sd=0.5)
ROUNDS = Gaussian(samples=2000, rounds=30, repeats=1500)
ERRORS = 4  # standard errors


def test_theory_by_hand():
    """T = 60, d = 8: 0.25 * 8 / 51 a round; edits of 1/4, 1/8 ..: 1 + 1/4 * 7/4 + 1/8 * 15/8."""
    one = 0.25 * 8 / 51
    assert SMALL.one_round == pytest.approx(one)
    assert SMALL.theory("replace")[:3] == pytest.approx([one, 2 * one, 3 * one])
    assert SMALL.theory("accumulate")[:3] == pytest.approx([one, 1.25 * one, (1.25 + 1 / 9) * one])
    assert SMALL.theory("edit")[:3] == pytest.approx([one, (1 + 7 / 16) * one, (1 + 7 / 16 + 15 / 64) * one])
    assert Regression(rounds=500).theory("edit")[-1] < 2 * Regression().one_round
    base = 1.5 / 2000
    assert ROUNDS.theory(np.inf)[:3] == pytest.approx([base, 2 * base, 3 * base])
    assert ROUNDS.theory(1.0)[:2] == pytest.approx([base, 1.25 * base])  # 1 + 1/3 (1 - 1/4)


@pytest.mark.parametrize("chain", recursive_regression.CHAINS)
def test_regression_has_the_error_of_theory(chain):
    errors, theory = recursive_regression.simulate(SMALL, chain), SMALL.theory(chain)
    above = (errors.mean(axis=0) - theory) / (errors.std(axis=0) / np.sqrt(len(errors)))
    assert errors.shape == (400, 10) and above.max() < ERRORS
    if chain != "edit":  # an upper bound
        assert above.min() > -ERRORS


def test_all_chains_start_from_the_same_fit():
    first = [recursive_regression.simulate(SMALL, chain)[:5, 0] for chain in recursive_regression.CHAINS]
    assert first[0] == pytest.approx(first[1]) and first[0] == pytest.approx(first[2])


def test_labels_of_the_next_round_by_hand():
    labels, fresh = np.array([1.0, 2.0]), np.array([4.0, 8.0])
    chosen = np.array([False, True])
    assert recursive_regression._next("replace", labels, fresh, 3, chosen).tolist() == [4, 8]
    assert recursive_regression._next("accumulate", labels, fresh, 3, chosen).tolist() == [2, 4]  # means of 3 rounds
    assert recursive_regression._next("edit", labels, fresh, 3, chosen).tolist() == [1, 8]


@pytest.mark.parametrize("ratio", [0.25, 2.0, np.inf])
def test_gaussian_has_the_distance_of_theory(ratio):
    errors, theory = gaussian_retraining.simulate(ROUNDS, ratio), ROUNDS.theory(ratio)
    spread = errors.std(axis=0) / np.sqrt(len(errors))
    first_order = 1 + np.arange(31) / 2000 if np.isinf(ratio) else 1.01  # what theory leaves out
    assert (np.abs(errors.mean(axis=0) - theory) < ERRORS * spread + (first_order - 1) * theory).all()


def test_samples_together_by_hand():
    """0, 2 and 4, 4: half of each."""
    mean, variance = gaussian_retraining._pooled(
        (np.array([1.0]), np.array([1.0])), (np.array([4.0]), np.zeros(1)), 0.5
    )
    assert (mean.item(), variance.item()) == (2.5, pytest.approx(np.var([0, 2, 4, 4])))


def test_chains_grow_without_natural_text_alone():
    table = simulated(SMALL, ROUNDS)
    found = {key: growth(table, *key)[0] for key in table[["model", "chain"]].drop_duplicates().itertuples(index=False)}
    growing = {("regression", "replace"), ("gaussian", "synthetic alone")}
    for (model, chain), value in found.items():
        assert value == pytest.approx(1, abs=0.25) if (model, chain) in growing else abs(value) < 0.03


def test_command_writes_the_same_table_and_errors_name_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(retraining_theory, "Regression", lambda: SMALL)
    monkeypatch.setattr(retraining_theory, "Gaussian", lambda: ROUNDS)
    run_main(retraining_theory.main, output=tmp_path)
    table, record = read_table(tmp_path), json.loads((tmp_path / "retraining_theory.json").read_text())
    assert table["error"].to_numpy() == pytest.approx(simulated(SMALL, ROUNDS)["error"].to_numpy())
    assert record["stable_below_lambda"] == 0.5 and record["settings"]["gaussian"]["ratios"][-1] == "synthetic alone"
    assert len(record["chains"]) == 3 + len(ROUNDS.ratios)
    with pytest.raises(UserError, match="retraining_theory.csv: no such file"):
        read_table(tmp_path / "other")
    table.drop(columns="theory").to_csv(tmp_path / "retraining_theory.csv", index=False)
    with pytest.raises(UserError, match="column theory is missing"):
        read_table(tmp_path)


def test_claims_are_of_the_simulation():
    evidence = Evidence(pack([student("real", 0, 4.0)]))
    bounded = measure(evidence, "retraining_at_most", {"chain": "edit"})
    assert bounded.high < 2 < measure(evidence, "retraining_at_most", {"chain": "replace"}).low
    linear = measure(evidence, "retraining_growth", {"model": "regression", "chain": "replace"})
    assert linear.low < 1 < linear.high and linear.high - linear.low < 0.1
    assert isinstance(measure(evidence, "retraining_growth", {"model": "gaussian", "chain": "lambda 9"}), Refusal)
