"""Unigrams of training sets beside validation domains, and whether they rank training sets as losses do."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from tests.workflow.conftest import run_main
from workflow_scripts.common.arguments import named_prefix
from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluation import unigrams
from workflow_scripts.evaluation.rank_agreement import kendall, rank_agreement
from workflow_scripts.evaluation.unigrams import compare, counts_of, divergence, smoothed, unigram_rows
from workflow_scripts.megadocs.tokens import TokenRow, TokenStream, write_stream


def stream(prefix, ids: list[int], tokenizer: str = "t") -> TokenStream:
    """Content tokens in rows of four between BOS 0 and EOS 1, of a vocabulary of 5."""
    rows = [TokenRow(str(i), "x", 0, [0, *ids[i : i + 4], 1]) for i in range(0, len(ids), 4)]
    write_stream(prefix, rows, 5, {"tokenizer_sha256": tokenizer})
    return TokenStream(prefix)


def test_comparison_by_hand():
    """Counts 1 and 3 become 1.1 / 4.2 and 3.1 / 4.2; the domain's 2 and 2 stay halves."""
    found = compare(np.array([1, 3]), np.array([2, 2]))
    assert found["kl_domain_train_nats"] == pytest.approx(0.5 * math.log(2.1 / 1.1) + 0.5 * math.log(2.1 / 3.1))
    assert found["kl_train_domain_nats"] == pytest.approx(
        1.1 / 4.2 * math.log(1.1 / 2.1) + 3.1 / 4.2 * math.log(3.1 / 2.1)
    )
    covered = compare(np.array([0, 3, 1, 0]), np.array([1, 2, 1, 0]))
    assert (covered["token_coverage"], covered["type_coverage"]) == (0.75, pytest.approx(2 / 3))


def test_divergence_is_zero_of_equals_and_above_else():
    p, q = smoothed(np.array([5, 0, 2])), smoothed(np.array([0, 5, 2]))
    assert p.sum() == pytest.approx(1) and divergence(p, p) == 0 < divergence(p, q)


@pytest.fixture
def streams(tmp_path) -> dict[str, TokenStream]:
    """12 natural tokens 2, a kind of 8 tokens 3, a domain of 2 2 3 4."""
    contents = {"real": [2] * 12, "hq": [3] * 8, "news": [2, 2, 3, 4]}
    return {name: stream(tmp_path / name, ids) for name, ids in contents.items()}


def test_every_training_set_has_the_tokens_of_the_shortest_stream(streams):
    """Of 8 tokens a share of 0.25 is 2 of the kind; the natural set is there once."""
    kinds, domains = {"hq": streams["hq"], "qa": streams["hq"]}, {"news": streams["news"]}
    rows = list(unigram_rows(streams["real"], kinds, domains, [0.25, 1], 100))
    sets = [("real", 0), ("hq", 0.25), ("hq", 1), ("qa", 0.25), ("qa", 1)]
    assert [(row["stream"], row["mixing_ratio"]) for row in rows] == sets
    assert {(row["tokens"], row["domain_tokens"]) for row in rows} == {(8, 4)}
    expected = [[0, 0, 8, 0, 0], [0, 0, 6, 2, 0], [0, 0, 0, 8, 0]]
    for row, counts in zip(rows, expected, strict=False):
        found = compare(np.array(counts), np.array([0, 0, 2, 1, 1]))
        assert {key: row[key] for key in found} == found
    assert [row["token_coverage"] for row in rows[:3]] == [0.5, 0.75, 0.25]


def test_natural_tokens_are_the_first_and_synthetic_ones_from_all_over(tmp_path):
    """Of 8,000 tokens 2, then 8,000 tokens 3, the first 8,000; in random windows some of both."""
    found = stream(tmp_path / "halves", [2] * 8000 + [3] * 8000)
    assert counts_of(found, 8000).tolist() == [0, 0, 8000, 0, 0]
    mixed = counts_of(found, 8000, shuffled=True)
    assert mixed.sum() == 8000 and mixed[2] > 1000 < mixed[3]
    assert counts_of(found, 16000, shuffled=True).tolist() == [0, 0, 8000, 8000, 0]
    assert counts_of(found, 0).tolist() == [0] * 5


def test_streams_of_different_tokenizers_are_refused(streams, tmp_path):
    other = stream(tmp_path / "other", [2, 3], "another")
    with pytest.raises(UserError, match="other.json: made with another tokenizer than"):
        list(unigram_rows(streams["real"], {}, {"other": other}, [0], 4))


def test_command_writes_the_table(streams, tmp_path):
    named = {name: [named_prefix(f"{name}={tmp_path / name}")] for name in ("hq", "news")}
    options = {"kinds": named["hq"], "domains": named["news"], "shares": [0.0, 0.5], "tokens": 6}
    run_main(unigrams.main, natural=tmp_path / "real", output=tmp_path / "unigrams.csv", **options)
    table = pd.read_csv(tmp_path / "unigrams.csv")
    assert table[["stream", "mixing_ratio", "tokens"]].to_numpy().tolist() == [["real", 0.0, 6], ["hq", 0.5, 6]]


def sets_of(values: list[float], losses: list[float], spread: float = 0.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A measure and losses of as many training sets on one domain, with draws of the losses where they spread."""
    keys = pd.DataFrame({"stream": "hq", "mixing_ratio": np.arange(len(values)) / 10, "domain": "news"})
    found = keys.assign(loss_nats=losses)
    if spread:
        draws = np.random.default_rng(0).normal(scale=spread, size=(len(losses), 200))
        found = found.assign(draws=list(np.array(losses)[:, None] + draws))
    return keys.assign(kl_domain_train_nats=values), found


def test_agreement_that_was_planted_is_found():
    losses = [3.0, 3.1, 3.2, 3.3, 3.4, 3.5, 3.6, 3.7, 3.8, 3.9]
    for values, tau in ((losses, 1), (losses[::-1], -1)):
        (row,) = rank_agreement(*sets_of(values, losses, 0.001)).to_dict("records")
        assert (row["tau"], row["low"], row["high"], row["status"], row["sets"]) == (tau, tau, tau, "ok", 10)
        assert row["p_value"] < 0.001 and -0.6 < row["chance_low"] < -0.3 and 0.3 < row["chance_high"] < 0.6


def test_no_agreement_lies_within_chance_and_noise_widens_the_band():
    """Of 6 sets in the order 4 1 6 3 2 5, 8 of 15 pairs are in order: tau 1/15."""
    (row,) = rank_agreement(*sets_of([4, 1, 6, 3, 2, 5], [1, 2, 3, 4, 5, 6], 1.0)).to_dict("records")
    assert row["tau"] == pytest.approx(1 / 15) and row["p_value"] > 0.5
    assert row["low"] < row["tau"] < row["high"] and row["chance_low"] < row["tau"] < row["chance_high"]
    (quiet,) = rank_agreement(*sets_of([4, 1, 6, 3, 2, 5], [1, 2, 3, 4, 5, 6])).to_dict("records")
    assert math.isnan(quiet["low"]) and quiet["tau"] == row["tau"]


def test_agreement_is_refused_where_nothing_can_be_said():
    for values, losses, reason in (([1, 2, 3, 4], [1, 2, 3, 4], "4 training sets"), ([1] * 6, range(6), "are equal")):
        (row,) = rank_agreement(*sets_of(values, losses)).to_dict("records")
        assert reason in row["status"] and math.isnan(row["tau"])


def test_tau_is_that_of_scipy_with_ties():
    chance = np.random.default_rng(1)
    values, losses = chance.integers(0, 5, 9), chance.integers(0, 5, (20, 9))
    assert kendall(values, losses) == pytest.approx([kendalltau(values, row).statistic for row in losses])
