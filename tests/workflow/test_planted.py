"""Planted losses: the analysis returns the truth, with bands that contain it at their stated rate."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from tests.workflow.conftest import run_main
from tests.workflow.test_runs import shipped_config
from workflow_scripts.config.models import Analysis
from workflow_scripts.config.studies import MAIN, expand_runs, needed_by, replicated_runs
from workflow_scripts.evaluation.collect import EVERYTHING, collect
from workflow_scripts.evaluation.results import Results
from workflow_scripts.evaluation.seed_noise import seed_noise
from workflow_scripts.evaluation.take_apart import take_apart
from workflow_scripts.planted import plant as planted
from workflow_scripts.planted.coverage import coverage, repeated
from workflow_scripts.planted.law import Law
from workflow_scripts.planted.mixture_law import mixture_record
from workflow_scripts.planted.truth import Truth
from workflow_scripts.scaling.bootstrap import ensemble_settings, settings_of
from workflow_scripts.scaling.efficiency import IID
from workflow_scripts.scaling.law import BILLION, fit_data_laws
from workflow_scripts.scaling.mixtures import best_ratios
from workflow_scripts.tuning.certify import certify
from workflow_scripts.tuning.neighbourhood import centres

TRUTH, SEED = Truth(), 0
DRAWS, BOOTSTRAP = 150, 200  # `python -m workflow_scripts.planted.coverage` does more
HEADLINE = {("simple", 32): 1.48, ("latent", 32): 1.80}  # the paper's


@pytest.fixture(scope="module")
def paper():
    """The paper's scale."""
    return shipped_config("paper")


def test_bands_of_efficiencies_contain_the_truth_at_their_rate(paper):
    """Seeds scatter by 0.003 nats and almost every point has one; documents alone would give bands that miss."""
    assert TRUTH.seed_sd == 0.003
    share = paper.scales["paper"].analysis.band
    found = coverage(paper, TRUTH, list(repeated(paper, TRUTH, range(DRAWS), BOOTSTRAP)))
    low, high = binom.ppf([0.001, 0.999], DRAWS, share) / DRAWS
    for key, value in HEADLINE.items():
        assert Law.of(paper, TRUTH).efficiency_at(*key) == pytest.approx(value)
        assert low <= found[key] <= high


@pytest.fixture(scope="module")
def laid_out(paper, tmp_path_factory):
    """All files of the paper's scale, as the workflow has them."""
    folder = tmp_path_factory.mktemp("planted")
    run_main(planted.main, config=paper.model_dump_json(), seed=SEED, folder=str(folder))
    return folder


def test_every_tuned_row_is_certified_and_a_moved_one_is_not(paper, laid_out):
    own = centres(paper)
    assert {certify(paper, centre, laid_out).verdict for centre in own} == {"certified"}
    truth, law = json.loads((laid_out / "truth.json").read_text()), Law.of(paper, TRUTH)
    assert truth["law"]["C"] == TRUTH.floor
    assert all(law.cost(centre) == 0 for centre in own)
    neighbour = own[0].model_copy(update={"real_epochs": 2 * own[0].real_epochs})
    assert law.loss(neighbour) - law.loss(own[0]) > 5 * TRUTH.seed_sd


def test_ensembles_have_the_planted_asymptote_in_their_band(paper, laid_out):
    results = collect(paper, "ensembles", laid_out)
    planted_asymptotes = json.loads((laid_out / "truth.json").read_text())["ensemble_asymptotes"]
    found = {}
    for name in results.ensembles["ensemble"].unique():
        own = sorted((s for s in ensemble_settings(results, IID, 1000) if s.ensemble == name), key=lambda s: s.members)
        sizes = np.array([s.members for s in own]) * BILLION
        floors = fit_data_laws(sizes, np.stack([s.draws for s in own], axis=1))[:, 2]
        low, high = np.nanquantile(floors, [0.005, 0.995])  # eight asymptotes: 90% bands would miss one of them
        found[name] = low <= planted_asymptotes[name] <= high
    assert len(found) == 8 and all(found.values())


def test_what_is_laid_out_is_collected_again(paper, laid_out):
    runs = needed_by(expand_runs(paper), "ordering")
    own = planted.plant(paper, SEED, TRUTH, runs)
    again = collect(paper, "ordering", laid_out)
    keys = ["run_id", "set", "doc_id"]
    columns = [*keys, "tokens", "predicted_tokens", "loss_sum_nats"]
    tables = [results.losses.sort_values(keys)[columns].reset_index(drop=True) for results in (own, again)]
    pd.testing.assert_frame_equal(*tables, check_dtype=False)
    students = [results.students.sort_values("run_id").reset_index(drop=True) for results in (own, again)]
    pd.testing.assert_frame_equal(*students, check_dtype=False, check_like=True)


def test_longer_documents_gain_more_and_seeds_scatter_as_planted(paper):
    runs = replicated_runs(expand_runs(paper), paper.scales["paper"], "data_efficiency")
    results = planted.plant(paper, SEED, TRUTH, [*needed_by(expand_runs(paper), MAIN), *runs])
    losses = {name: {s.key["stream"]: s.loss for s in _at_largest(results, name)} for name in ("short", "long")}
    gains = {name: own["real"] - own["latent"] for name, own in losses.items()}
    assert gains["long"] > 1.1 * gains["short"] > 0
    noise = results.seed_noise.set_index("set").loc[IID]
    assert noise["freedom"] == 8  # four settings of three seeds
    assert 0.5 * TRUTH.seed_sd < noise["sd_nats"] < 2 * TRUTH.seed_sd


def _at_largest(results: Results, name: str) -> list:
    settings = settings_of(results.of_study(MAIN), name, 1)
    tokens = min(s.real_tokens for s in settings)
    return [s for s in settings if s.generations in (0, 32) and s.real_tokens == tokens]


def test_seed_noise_is_pooled_over_students_that_differ_in_their_seed():
    """Two groups: variances 2 (one degree of freedom) and 1 (two); a student of one seed tells nothing."""
    values = {"a-s0": 1.0, "a-s1": 3.0, "b-s0": 4.0, "b-s1": 5.0, "b-s2": 6.0, "c-s0": 9.0}
    rows = [{"run_id": run, "set": IID, "loss_sum_nats": 10 * v, "predicted_tokens": 10} for run, v in values.items()]
    found = seed_noise(pd.DataFrame(rows)).to_dict("records")
    assert found == [{"set": IID, "sd_nats": pytest.approx(np.sqrt(4 / 3)), "freedom": 3}]


def test_other_scales_can_be_planted_too(tmp_path):
    config = shipped_config("smoke")
    take_apart(planted.plant(config, SEED, TRUTH), tmp_path)
    found = collect(config, EVERYTHING, tmp_path)
    assert set(found.sets) == {IID, "short", "long", *TRUTH.out_of_distribution}
    assert found.losses["set"].eq("tuning").any() and len(found.downstream)


def test_best_shares_of_planted_mixtures_are_found(paper):
    """Three kinds at four sizes and budgets with a band of 90% each, so that some may miss."""
    truth = Truth(documents=150, out_of_distribution={})
    runs = needed_by(expand_runs(paper), "mixture_ratio")
    seeds = replicated_runs(
        expand_runs(paper), paper.scales["paper"], "data_efficiency"
    )  # they tell the noise of seeds
    results = planted.plant(paper, SEED, truth, [*runs, *seeds])
    expected = mixture_record(paper, truth.mixtures, runs)["best_shares"]
    places = {(row["stream"], row["student"], row["budget_tokens"]): row["best"] for row in expected}
    found = best_ratios(results, Analysis(bootstrap_draws=60))
    assert {(row["stream"], row["student"], row["budget_tokens"]) for row in found} == set(places)
    inside = [
        row["low"] - 0.005 <= places[row["stream"], row["student"], row["budget_tokens"]] <= row["high"] + 0.005
        for row in found
    ]
    assert np.mean(inside) >= 0.7


def test_students_of_mixtures_see_their_budget_once(paper):
    run = next(run for run in expand_runs(paper) if run.budget_tokens and 0 < run.mixing_ratio < 1)
    row = planted.student_row(Law.of(paper, TRUTH), run, 3.0)
    training = paper.scales["paper"].training
    batch = (run.batch_sequences or training.batch_sequences) * (run.context or training.context)
    assert row["steps"] == run.budget_tokens // batch and row["trained_tokens"] == row["steps"] * batch
    assert row["synthetic_epochs_seen"] == pytest.approx(1, rel=0.01) and row["real_epochs_seen"] <= 1
    assert row["synthetic_stream_tokens"] == round(run.budget_tokens * run.mixing_ratio)
