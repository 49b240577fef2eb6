"""Figures of laws: what is drawn is in the CSV, held-out points are marked, refusals are said, scales without them."""

import importlib
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.workflow.conftest import ROOT
from tests.workflow.packs import D, pack, student
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.load import read_config
from workflow_scripts.config.models import Analysis
from workflow_scripts.figures import catalogue, law_rectified, law_repetition, retraining_theory
from workflow_scripts.figures.frame import Drawn, Inputs, finish
from workflow_scripts.figures.style import save
from workflow_scripts.planted.synpro import plant_pack, without_noise
from workflow_scripts.planted.synpro_truth import SynProTruth
from workflow_scripts.scaling.gaussian_retraining import Gaussian
from workflow_scripts.scaling.recursive_regression import Regression
from workflow_scripts.scaling.repetition_runs import repetition_runs
from workflow_scripts.scaling.retraining_theory import simulated

UNIQUE, PASSES = (1000, 2000, 4000, 8000), (4, 8, 16, 32)
pytestmark = pytest.mark.usefixtures("few_starts")
FIGURES = [name for name, figure in catalogue.FIGURES.items() if figure.paper == catalogue.COMPARISON]


def inputs(results: object) -> Inputs:
    return Inputs(results, Analysis(bootstrap_draws=10), D, "smoke", "rerun", ("a pack",))


def drawn_to(folder, name: str, results: object) -> tuple[Drawn, pd.DataFrame]:
    """A figure saved as its command does, and its CSV."""
    given = inputs(results)
    drawn = importlib.import_module(f"workflow_scripts.figures.{name}").draw(given)
    finish(name, drawn, given)
    save(drawn.figure, drawn.rows, folder / f"{name}.pdf")
    return drawn, pd.read_csv(folder / f"{name}.csv")


def bowl(u: float, r: float, h: float) -> float:
    """A loss with its lowest point at 8 passes."""
    return 5 - 0.3 * np.log(u) + 0.5 * h + 0.6 * np.log(r / 8) ** 2


def passes() -> list[dict]:
    """Real text alone and one mixture, all with their lowest loss at 8 passes."""
    rows = [student("real", 0, bowl(u, r, 1), real_tokens=u, real_epochs=r) for u in UNIQUE for r in PASSES]
    return rows + [student("simple", 8, bowl(1000, r, 0.25), real_epochs=r) for r in PASSES]


def simulation() -> pd.DataFrame:
    return simulated(Regression(rows=40, features=4, rounds=6, repeats=20), Gaussian(rounds=12, repeats=20))


def test_rectified_law_marks_what_is_held_out(tmp_path):
    found = plant_pack(without_noise(SynProTruth(seeds=(0,))), 0)
    drawn, table = drawn_to(tmp_path, "law_rectified", found)
    assert (
        table.groupby("curve")["role"].agg(lambda own: own.tolist()[-3:]).tolist()
        == [["fitted", "held out", "held out"]] * 2
    )
    for law in ("power_law", "rectified"):
        held = table[table["role"] == "held out"]
        errors = (held[f"{law}_nats"] - held["loss_nats"]).abs().groupby(held["curve"]).mean()
        assert errors.to_numpy() == pytest.approx(held.groupby("curve")[f"{law}_error_nats"].first().to_numpy())
    assert drawn.bands.count("the power law's error minus the rectified law's is") == 2


def test_curves_too_short_for_a_law_are_drawn_with_the_reason(tmp_path, monkeypatch):
    whole = law_rectified.synpro_loss_curves
    short = plant_pack(without_noise(SynProTruth(seeds=(0,))), 0)
    monkeypatch.setattr(
        law_rectified, "synpro_loss_curves",
        lambda *given: [SimpleNamespace(**(vars(c) | {"tokens": c.tokens[:5], "losses": c.losses[:, :5]}))
                        for c in whole(*given)],
    )  # fmt: skip
    drawn, table = drawn_to(tmp_path, "law_rectified", short)
    assert set(table["role"]) == {"fitted"} and "no law, 5 points; 2 held out" in drawn.bands


def test_repetition_shows_the_law_the_collapse_and_the_onsets(tmp_path):
    drawn, table = drawn_to(tmp_path, "law_repetition", repetition_runs(pack(passes())))
    assert len(table) == 4 * (len(UNIQUE) + 1) and table.loc[table["real_epochs"] > 8, "enters"].eq(False).all()
    assert table.groupby("name")["excess_nats"].min().tolist() == [0] * 5 and table["law_nats"].notna().all()
    assert "Onset, all: r = 8.0" in drawn.bands and "The law is of 10 of 20 runs" in drawn.bands
    onsets = drawn.figure.axes[3]
    assert [label.get_text() for label in onsets.get_yticklabels()][0] in (
        "simple G8, h 0.25",
        "U 8k",
        "U 1k",
        "U 2k",
        "U 4k",
    )
    shown = np.concatenate([line.get_xdata() for line in onsets.lines])
    assert shown.min() == pytest.approx(8, rel=1e-3) and shown.max() == pytest.approx(8, rel=1e-3)


def test_repetition_without_curves_says_why(tmp_path):
    rows = [row for row in passes() if row["real_epochs"] == 8]
    drawn, table = drawn_to(tmp_path, "law_repetition", repetition_runs(pack(rows)))
    assert "runs are too few for the law" in drawn.bands and "Onsets, all: not identified" in drawn.bands
    assert len(table) == 5


def test_theory_needs_both_models(tmp_path):
    drawn, table = drawn_to(tmp_path, "retraining_theory", simulation())
    assert not drawn.measured and len(table) == 3 * 6 + len(Gaussian().ratios) * 13
    with pytest.raises(UserError, match="no row of the model gaussian"):
        retraining_theory.draw(inputs(table[table["model"] == "regression"]))


def test_commands_read_their_own_packs():
    assert {"law_rectified", "law_repetition", "retraining_theory"} < set(FIGURES)
    with pytest.raises(UserError, match="no pack among the results"):
        law_repetition.read_runs()
    with pytest.raises(UserError, match="retraining_theory.csv: no such file"):
        retraining_theory.read_table("nowhere")


def test_a_scale_without_the_section_has_no_such_figure_and_need_not_say_why():
    scale = read_config(ROOT / "config.yaml").scales["smoke"]
    fields = {name: getattr(scale, name) for name in type(scale).model_fields}
    without, with_it, alone = (
        SimpleNamespace(**fields | {"comparison": section, "synpro": synpro})
        for section, synpro in ((None, "a section"), (scale.comparison, "a section"), (scale.comparison, None))
    )
    assert catalogue.drawable("smoke", without, [catalogue.COMPARISON]) == []
    assert catalogue.drawable("smoke", with_it, [catalogue.COMPARISON]) == FIGURES
    with pytest.raises(UserError, match="figure law_rectified needs the study synpro"):
        catalogue.drawable("smoke", alone, [catalogue.COMPARISON])
