"""The data law and data efficiency: planted laws are found, the paper's ratios follow, bands mean what they say."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.evaluation.results import Results, empty
from workflow_scripts.scaling.bootstrap import band, settings_of
from workflow_scripts.scaling.efficiency import analyse
from workflow_scripts.scaling.law import DataLaw, NotIdentified, fit_data_law

PAPER_LAW = DataLaw(1.27, 0.232, 1.92)  # facts 5.3; D in billions
PAPER_TOKENS = 203_685_888 * np.array([1, 2, 4, 8])
LAPTOP_TOKENS = 16_384 * np.array([1, 2, 4, 8])
PLANTED = {
    "paper": (PAPER_LAW, PAPER_TOKENS),
    "steep": (DataLaw(0.05, 0.8, 3.0), PAPER_TOKENS),
    "laptop": (DataLaw(0.05, 0.4, 3.5), LAPTOP_TOKENS),
    "no asymptote": (DataLaw(1.0, 0.15, 0.0), LAPTOP_TOKENS),
}


@pytest.mark.parametrize(("law", "tokens"), PLANTED.values(), ids=PLANTED.keys())
def test_planted_law_is_found(law, tokens):
    found = fit_data_law(tokens[::-1], law.loss(tokens[::-1]))
    for name in "ABC":
        assert getattr(found, name) == pytest.approx(getattr(law, name), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize(("loss", "ratio"), [(3.413, 1.48), (3.347, 1.80)])
def test_paper_s_losses_give_the_paper_s_ratios(loss, ratio):
    """Facts 5.3, for any A: the ratio depends on exponent and asymptote alone."""
    for a in (1.23, 1.27, 1.31):
        law = DataLaw(a, PAPER_LAW.B, PAPER_LAW.C)
        assert law.efficiency(loss, 3.5544) == pytest.approx(ratio, abs=0.02)
        assert law.tokens(loss) / law.tokens(3.5544) == pytest.approx(law.efficiency(loss, 3.5544))


def test_law_and_its_inverse_agree():
    assert PAPER_LAW.tokens(float(PAPER_LAW.loss(4e8))) == pytest.approx(4e8)
    assert PAPER_LAW.loss(1e9) == pytest.approx(1.27 + 1.92)
    assert PAPER_LAW.efficiency(3.3, 3.3) == 1


UNIDENTIFIED = {
    "three sizes": (LAPTOP_TOKENS[:3], [5.0, 4.5, 4.2], "3 sizes of D; a law of three parameters needs at least 4"),
    "rising": (LAPTOP_TOKENS, [5.0, 4.9, 5.0, 5.1], "does not fall with more unique tokens"),
    "flat": (LAPTOP_TOKENS, [5.0, 4.9, 4.9, 5.0], "does not fall"),
    "rising, unordered": (LAPTOP_TOKENS[::-1], [5.1, 5.0, 4.9, 5.0], "does not fall"),
}


@pytest.mark.parametrize(("tokens", "losses", "reason"), UNIDENTIFIED.values(), ids=UNIDENTIFIED.keys())
def test_law_that_is_not_identified_is_not_given(tokens, losses, reason):
    with pytest.raises(NotIdentified, match=reason):
        fit_data_law(tokens, losses)


def test_loss_below_the_asymptote_has_no_efficiency():
    for loss, baseline in ((1.92, 3.5), (1.5, 3.5), (3.5, 1.9)):
        with pytest.raises(NotIdentified, match="asymptote 1.92"):
            PAPER_LAW.efficiency(loss, baseline)


def test_flat_law_has_no_efficiency():
    """A bootstrap draw of noise can be as flat as this; it must not stop the analysis."""
    for b in (0.0, 1e-8):
        with pytest.raises(NotIdentified, match="too flat"):
            DataLaw(1e-8, b, 3.49999).efficiency(3.5, 3.6)


Key = tuple[str, int, int]


def pack_of(students: pd.DataFrame, losses: pd.DataFrame) -> Results:
    """Results of students without ensembles or downstream tasks."""
    return Results(students, losses, empty("ensembles"), empty("downstream"), empty("seed_noise"))


def measured(truth: dict[Key, float], chance: np.random.Generator, documents: int = 200, seeds: int = 1, noise=0.05):
    """Losses per student and document: hard documents are hard for every student."""
    difficulty = chance.normal(0, 0.3, documents)
    students, by_document = [], []
    for (stream, count, tokens), loss in truth.items():
        for seed in range(seeds):
            run, values = f"{stream}-{count}-{tokens}-s{seed}", loss + difficulty + chance.normal(0, noise, documents)
            setting = {"stream": stream, "generations": count, "real_tokens": tokens}
            students.append({"run_id": run, **setting})
            names = [f"doc-{i}" for i in range(documents)]
            rows = {"run_id": run, "set": "validation", "doc_id": names, "predicted_tokens": 100}
            by_document.append(pd.DataFrame({**rows, "loss_sum_nats": 100 * values}))
    return pack_of(pd.DataFrame(students), pd.concat(by_document, ignore_index=True))


def real_only(law: DataLaw = PAPER_LAW, tokens: np.ndarray = PAPER_TOKENS) -> dict[Key, float]:
    return {("real", 0, int(d)): float(law.loss(d)) for d in tokens}


D = int(PAPER_TOKENS[0])


def test_baseline_is_one_and_no_number_is_extrapolated():
    truth = real_only() | {("simple", 8, D): 3.5, ("stitched", 8, D): 3.0, ("latent", 8, D): 3.9}
    settings = settings_of(measured(truth, np.random.default_rng(0), noise=0.0), "validation", 50)
    found = analyse(settings, D, 0.9)
    rows = {(row["stream"], row["real_tokens"]): row for row in found["efficiencies"]}
    assert [rows["real", D][key] for key in ("efficiency", "low", "high")] == [1, 1, 1]
    assert rows["real", 2 * D]["efficiency"] == pytest.approx(2, rel=1e-3)
    truth = PAPER_LAW.efficiency(3.5, float(PAPER_LAW.loss(D)))
    assert rows["simple", D]["efficiency"] == pytest.approx(truth, abs=0.05)
    for stream in ("stitched", "latent"):
        assert rows[stream, D]["status"] == "outside the law's range"
        assert rows[stream, D]["efficiency"] is rows[stream, D]["low"] is rows[stream, D]["high"] is None


def test_analysis_says_why_there_is_no_law():
    truth = {("real", 0, int(d)): 3.5 for d in PAPER_TOKENS[:3]} | {("simple", 8, D): 3.4}
    settings = settings_of(measured(truth, np.random.default_rng(0)), "validation", 10)
    found = analyse(settings, D, 0.9)
    assert found["status"].startswith("not identified: 3 sizes of D") and found["law"] is None
    assert found["efficiencies"] == []


def test_bands_contain_the_planted_efficiency_about_as_often_as_they_say():
    truth = real_only() | {("simple", 8, D): 3.6}
    planted = PAPER_LAW.efficiency(3.6, float(PAPER_LAW.loss(D)))
    bands = []
    for repeat in range(20):
        settings = settings_of(measured(truth, np.random.default_rng(repeat)), "validation", 50)
        row = analyse(settings, D, 0.9)["efficiencies"][-1]
        bands.append((row["low"], row["high"]))
    low, high = np.array(bands).T
    assert 15 <= np.sum((low < planted) & (planted < high)) <= 20
    assert 0.01 < np.median(high - low) < 0.25


def test_documents_are_paired_across_students():
    """So a difference between two students has a far smaller band than either loss."""
    truth = {("real", 0, D): 3.6, ("simple", 8, D): 3.5}
    real, simple = settings_of(measured(truth, np.random.default_rng(1)), "validation", 400)
    low, high = band(real.draws - simple.draws, 0.9)
    single = band(real.draws, 0.9)
    assert low < 0.1 < high
    assert high - low < 0.4 * (single[1] - single[0])
    assert single[1] - single[0] == pytest.approx(2 * 1.645 * 0.3 / np.sqrt(200), rel=0.3)


def test_loss_is_per_token_not_per_document():
    students = pd.DataFrame([{"run_id": "a", "stream": "real", "generations": 0, "real_tokens": 1}])
    documents = pd.DataFrame({"run_id": "a", "set": "v", "doc_id": ["x", "y"], "predicted_tokens": [300, 100],
                              "loss_sum_nats": [600.0, 400.0]})  # fmt: skip
    (found,) = settings_of(pack_of(students, documents), "v", 200)
    assert set(np.round(found.draws, 9)) == {2.0, 2.5, 4.0}


def test_seeds_widen_the_band():
    truth, chance = {("real", 0, D): 3.6}, np.random.default_rng(2)
    results = measured(truth, chance, seeds=3, noise=0.0)
    shift = results.losses["run_id"].map({f"real-0-{D}-s{seed}": 0.2 * seed for seed in range(3)})
    results.losses["loss_sum_nats"] += 100 * shift
    (found,) = settings_of(results, "validation", 400)
    assert found.seeds == 3
    low, high = band(found.draws, 0.9)
    assert high - low > 0.2
