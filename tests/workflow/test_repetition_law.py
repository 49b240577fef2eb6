"""The law of repetition and the onset of overfitting: hand-worked values, planted truths, which runs enter, claims."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import check_grad

from tests.workflow.conftest import run_main
from tests.workflow.packs import pack, student, write_pack
from workflow_scripts.claims.evidence import Evidence
from workflow_scripts.claims.quantities import Refusal, measure
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.arms import ArmPack
from workflow_scripts.scaling import repetition_law
from workflow_scripts.scaling.drawn_laws import ends
from workflow_scripts.scaling.fit import Problem, fit, objective
from workflow_scripts.scaling.forms import FORMS
from workflow_scripts.scaling.law import NotIdentified
from workflow_scripts.scaling.onset import onsets
from workflow_scripts.scaling.repetition_fit import entering, form_of, held_out, held_out_parts, predicted, problem_of
from workflow_scripts.scaling.repetition_runs import RepetitionRuns, read_candidates, repetition_runs

SHARE, DRAWS = 0.9, 100
FAST = Analysis(bootstrap_draws=DRAWS)
UNIQUE, PASSES = (1000, 2000, 4000, 8000), (1, 2, 4, 8, 16, 32)
TRUTH = {"E": 1.5, "B": 30.0, "gamma": 0.4, "a": 0.4, "r_1": 6.0}


def law(u: float, r: float, h: float, n: float | None = None) -> float:
    """The planted law, written out; C / N^c is 5 / N^0.3."""
    effective = u * (1 + TRUTH["r_1"] * (1 - np.exp(-(r - 1) / TRUTH["r_1"])))
    return TRUTH["E"] + TRUTH["B"] / effective ** TRUTH["a"] + TRUTH["gamma"] * h + (5 / n**0.3 if n else 0)


def bowl(u: float, r: float, h: float, moved: float = 0.0, noise: float = 0.0) -> float:
    """A parabola in ln r with its lowest point at 8 passes, or at 8 (U / 1000)^moved ones."""
    return 5 - 0.3 * np.log(u) + 0.5 * h + 0.6 * (np.log(r / 8) - moved * np.log(u / 1000)) ** 2 + noise


def runs_of(loss, passes=PASSES, shares=(1.0, 0.25), sizes=(1000,), noise: float = 0.0, **options) -> RepetitionRuns:
    """All runs of a planted loss(u, r, h); a curve per size, U and h."""
    chance, rows = np.random.default_rng(0), []
    for n in sizes:
        for u in UNIQUE:
            for h in shares:
                curve, stream = len(rows) // len(passes), "real" if h == 1 else "simple"
                known = {"curve": curve, "stream": stream, "student": f"{n}", "generations": 8 * (h < 1)}
                known |= {"real_tokens": u, "mixing_ratio": 1 - h, "share": h, "parameters": n, "weight_decay": 0.4}
                rows += [
                    known | {"real_epochs": r, "loss_nats": loss(u, r, h, **options) + chance.normal(0, noise)}
                    for r in passes
                ]
    return RepetitionRuns(pd.DataFrame(rows).assign(seeds=1), len(rows), noise, "tuning")


def test_law_at_a_hand_worked_point():
    """U = 4 and r = 3: D_eff = 4 (1 + 2 (1 - 1/e)); h = 0.5; N = 4: 2 / 4^0.5 more."""
    columns = {"d": np.log([12.0]), "u": np.log([4.0]), "h": np.log([0.5]), "n": np.log([4.0])}
    theta = np.log([1, 6, 0.8, 0.5, 2])
    expected = 1 + 6 / np.sqrt(4 * (3 - 2 / np.e)) + 0.4
    assert np.exp(FORMS["repetition"].log_loss(theta, columns)[0]) == pytest.approx([expected])
    sized = np.log([1, 6, 0.8, 2, 0.5, 2, 0.5])
    assert np.exp(FORMS["repetition_sizes"].log_loss(sized, columns)[0]) == pytest.approx([expected + 1])


@pytest.mark.parametrize("name", ["repetition", "repetition_sizes"])
def test_slopes_are_those_of_the_objective(name):
    table, form = runs_of(law, sizes=(1000, 8000), n=None).table, FORMS[name]
    problem = problem_of(form, table)
    problem = Problem(form, problem.searched, problem.losses, None)
    theta = np.log([0.5] * len(form.parameters))
    slopes = objective(problem, theta, problem.columns)[1]
    distance = check_grad(
        lambda at: objective(problem, at, problem.columns)[0],
        lambda at: objective(problem, at, problem.columns)[1],
        theta,
    )
    assert distance < 1e-4 * np.linalg.norm(slopes)


def test_planted_law_is_found_with_its_saturation():
    table = runs_of(law, noise=0.002).table
    form = form_of(table)
    found = fit(problem_of(form, table))
    values = dict(zip(form.parameters, np.exp(found.theta), strict=True))
    assert form.name == "repetition" and values["r_1"] == pytest.approx(6, rel=0.03)
    assert values == pytest.approx(TRUTH, rel=0.1)


def test_several_sizes_have_their_term():
    table = pd.concat([runs_of(law, n=n, sizes=(n,), passes=(1, 4, 16)).table for n in (1000, 8000, 64000)])
    form = form_of(table)
    problem = problem_of(form, table)
    assert form.name == "repetition_sizes"
    assert predicted(problem, fit(problem)) == pytest.approx(problem.losses, abs=2e-3)


def test_held_out_runs_are_predicted_by_a_law_of_the_others(few_starts):
    table = runs_of(law, noise=0.002).table
    parts = held_out_parts(table)
    assert [part.sum() for part in parts["largest r of each curve"]] == [8]
    assert np.sum(parts["random fifths"], axis=0).tolist() == [1] * len(table)
    for what, each in parts.items():
        found = held_out(form_of(table), table, what, each)
        assert found.rms < 0.006 and found.r_squared > 0.99
    with pytest.raises(NotIdentified, match="5 runs; repetition has 5 parameters"):
        form_of(table.iloc[:5])


def test_runs_beyond_the_best_of_their_curve_stay_out_unless_asked():
    runs = runs_of(bowl)
    assert sorted(entering(runs).table["real_epochs"].unique()) == [1, 2, 4, 8]
    assert len(entering(runs, "keep").table) == len(runs.table)


def test_curves_that_collapse_on_passes_have_one_onset():
    found = onsets(runs_of(bowl, noise=0.02), DRAWS)
    assert found.shared[0] == pytest.approx(8, rel=0.05) and found.ratio == pytest.approx(1, abs=0.15)
    assert found.p_value > 0.05
    for slope in found.moved.values():
        low, high = ends(slope[1:], SHARE)
        assert low < 0 < high and high - low < 0.2
    assert found.separate.shape == (1 + DRAWS, 8)


def test_curves_that_collapse_on_tokens_do_not_on_passes():
    """The onset is at a number of tokens: r falls as 1 / U."""
    found = onsets(runs_of(bowl, noise=0.02, moved=-1.0), DRAWS)
    assert found.ratio > 5 and found.p_value < 1e-6
    assert found.moved["real_tokens"][0] == pytest.approx(-1, abs=0.05)
    low, high = ends(found.moved["share"][1:], SHARE)
    assert low < 0 < high


def test_losses_that_never_rise_again_have_no_onset():
    with pytest.raises(NotIdentified, match="do not rise again"):
        onsets(runs_of(lambda u, r, h: 5 - 0.1 * np.log(r) ** 2), DRAWS)
    with pytest.raises(NotIdentified, match="0 curves of the stream latent"):
        onsets(runs_of(bowl), DRAWS, "latent")


def students(moved: float = 0.0) -> list[dict]:
    """Two weight decays at 8 passes of every curve, the better one of which was tried there alone; and others."""
    rows = [
        student("real", 0, bowl(u, r, 1.0, moved), real_tokens=u, real_epochs=r, weight_decay=0.4)
        for u in UNIQUE for r in (2, 8, 32)
    ]  # fmt: skip
    rows += [student("real", 0, 2.0, real_tokens=u, real_epochs=8, weight_decay=0.8) for u in UNIQUE]
    rows += [student("simple", 8, 1.0, real_epochs=2, cross_document_attention=False)]
    return rows + [student("simple", 8, 1.0, alone=True), student("real", 0, 1.0, budget_tokens=5000)]


def test_a_curve_has_the_recipe_at_which_most_passes_were_tried():
    runs = repetition_runs(pack(students()))
    assert runs.measured_on == "tuning" and runs.all == len(UNIQUE) * 4
    assert runs.table["weight_decay"].unique().tolist() == [0.4] and runs.table["curve"].nunique() == len(UNIQUE)
    assert runs.table["share"].unique().tolist() == [1.0]


def candidates(results, moved: float = 0.0) -> pd.DataFrame:
    """Candidates that the pack has, too, and one more r of every curve."""
    own = results.students[["student", "stream", "generations", "real_tokens", "mixing_ratio", "lr", "weight_decay",
                            "real_epochs", "run_id"]].assign(tuning_loss_nats=9.0)  # fmt: skip
    more = [own.iloc[0].to_dict() | {"real_tokens": u, "real_epochs": 16, "run_id": f"more-{u}",
                                     "weight_decay": 0.4, "tuning_loss_nats": bowl(u, 16, 1.0, moved)}
            for u in UNIQUE]  # fmt: skip
    return pd.concat([own, pd.DataFrame(more)], ignore_index=True)


def test_candidates_join_once(tmp_path):
    results = pack(row for row in students() if row["stream"] == "real" and not row["budget_tokens"])
    runs = repetition_runs(results, [candidates(results)])
    assert sorted(runs.table["real_epochs"].unique()) == [2, 8, 16, 32] and runs.table["loss_nats"].max() < 9
    path = tmp_path / "candidates.csv"
    candidates(results).drop(columns="lr").to_csv(path, index=False)
    with pytest.raises(UserError, match="candidates.csv: column lr is missing"):
        read_candidates(path)


def test_command_writes_law_and_onsets(tmp_path, few_starts):
    write_pack(tmp_path / "pack", students())
    settings = Analysis(bootstrap_draws=20).model_dump_json()
    run_main(repetition_law.main, results=[tmp_path / "pack"], settings=settings, output=tmp_path / "law.json")
    record, table = json.loads((tmp_path / "law.json").read_text()), pd.read_csv(tmp_path / "law.csv")
    assert [law["rising"] for law in record["laws"]] == ["leave out", "keep"]
    assert [test["curves"] for test in record["onset"]] == ["all", "real alone"]
    assert record["onset"][0]["onset_passes"] == pytest.approx(8, rel=1e-6)
    assert len(table) == 12 and table["enters"].sum() == 8 and table["excess_nats"].min() == 0


def test_claims_say_how_the_onset_moves():
    found = measure(Evidence(pack(students(moved=-1)), FAST), "onset_moved", {"by": "real_tokens", "stream": "real"})
    assert found.estimate == pytest.approx(-1) and found.seeds == 1
    same = measure(Evidence(pack(students()), FAST), "onset_moved", {"by": "share"})
    assert isinstance(same, Refusal) and same.reason == "all curves with several passes have the same share"
    arms, none = ArmPack(pack(students(moved=-1)), pd.DataFrame()), pack(students()).of_students([])
    alone = Evidence(none, FAST, methods=arms)  # a scale that has the comparison of methods and no study
    assert measure(alone, "onset_moved", {"by": "real_tokens", "stream": "real"}) == found
