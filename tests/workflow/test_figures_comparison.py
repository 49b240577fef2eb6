"""Figures and the table of all methods: planted efficiencies are found, fronts and ranks by hand, all is legible."""

import argparse
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from tests.workflow.arm_packs import SEED_SD, WORTHS, arm_pack, loss_of, write_arm_pack
from tests.workflow.conftest import ROOT
from tests.workflow.packs import D, student
from tests.workflow.packs import pack as results_of
from tests.workflow.test_figures_synpro import require_legible
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.arm_families import EDITING, MEGADOCS, OWN_STUDENT, REWRITING, TRAINED, family_of
from workflow_scripts.config.load import read_config
from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.arm_names import arm_names
from workflow_scripts.evaluation.arms import ArmPack, read_arms
from workflow_scripts.figures import catalogue, comparison_ranks
from workflow_scripts.figures.comparison_costs import front_of, with_fronts
from workflow_scripts.figures.comparison_pack import one_pack, rows_of
from workflow_scripts.figures.comparison_set_rows import answers
from workflow_scripts.figures.comparison_table import controls_of, markdown, table_of
from workflow_scripts.figures.frame import Drawn, Inputs, finish, make_figure
from workflow_scripts.scaling.arm_ranks import kendall, losses_of_seeds, mean_kendall, ranks
from workflow_scripts.scaling.arms import Study, set_rows

FIGURES = [name for name, figure in catalogue.FIGURES.items() if name.startswith("comparison_")]
ANALYSIS = Analysis(bootstrap_draws=60)
FORCED = {"stitched": 1.45, "synpro": 1.75}
PACK = arm_pack(as_simple=FORCED)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def drawn_of(name: str, *packs: ArmPack) -> Drawn:
    """A figure as its command draws it, not yet saved."""
    folders = tuple(f"shipped/corpus{place}/methods" for place in range(len(packs)))
    given = Inputs(packs if name == "comparison_ranks" else packs[0], ANALYSIS, D, "laptop", "rerun", folders)
    drawn = import_module(f"workflow_scripts.figures.{name}").draw(given)
    finish(name, drawn, given)
    drawn.figure.draw_without_rendering()
    return drawn


def with_answers(own: ArmPack, accuracy: dict[str, float]) -> ArmPack:
    """A pack whose students of some streams answered a task."""
    students = own.results.students
    asked = students[students["stream"].isin(accuracy) & (students["real_tokens"] == D)]
    rows = [
        student("x", 0, 1.0, accuracy={"piqa": accuracy[row.stream]}) | {"run_id": row.run_id}
        for row in asked.itertuples()
    ]
    found = results_of(rows).downstream.assign(run_id=[row["run_id"] for row in rows])
    return replace(own, results=replace(own.results, downstream=found))


def test_planted_efficiencies_are_found_in_their_order_with_bands_around_them():
    rows = rows_of(Study(PACK, ANALYSIS)).set_index("arm")
    arms = [arm for arm in rows.index if arm in WORTHS]
    assert arms == sorted(WORTHS, key=WORTHS.get, reverse=True) and rows.index[0] == "oracle"
    for arm, worth in WORTHS.items():
        assert rows.loc[arm, "efficiency"] == pytest.approx(worth, rel=1e-3)
        assert rows.loc[arm, "efficiency_low"] < worth < rows.loc[arm, "efficiency_high"]
    assert rows.loc["repetition", "efficiency"] == pytest.approx(1) and rows.loc[
        "oracle", "efficiency"
    ] == pytest.approx(4)
    share = (loss_of(1) - loss_of(1.7)) / (loss_of(1) - loss_of(4))
    assert rows.loc["synpro", "oracle_share"] == pytest.approx(share, rel=1e-6)
    for arm, worth in FORCED.items():
        assert rows.loc[arm, "as_simple_gain"] == pytest.approx(loss_of(1.3) - loss_of(worth), abs=1e-9)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_legible(name):
    drawn = drawn_of(name, with_answers(PACK, {"real": 0.5, **dict.fromkeys(WORTHS, 0.55)}))
    require_legible(drawn)
    assert "Scale laptop" in drawn.figure.get_supxlabel() and len(drawn.rows) >= len(WORTHS) - 1


def test_an_arm_without_a_student_or_without_a_number_is_named():
    students = PACK.results.students
    without = replace(PACK, results=PACK.results.of_students(students.loc[students["stream"] != "wrap", "run_id"]))
    with pytest.raises(UserError, match="arm wrap has no student in the study comparison"):
        drawn_of("comparison_efficiency", without)
    beyond = drawn_of("comparison_efficiency", arm_pack({"simple": 1.3, "mga": 5.0}))
    assert "mga: outside the law's range." in beyond.bands and "no number" in [
        t.get_text() for t in beyond.figure.axes[0].texts
    ]
    own = arm_pack({"simple": 1.3, "mga": 1.1})
    tuned = replace(own.results, students=own.results.students.assign(studies="comparison"))
    with pytest.raises(UserError, match="no student of the study comparison_as_simple"):
        drawn_of("comparison_as_simple", replace(own, results=tuned))


def test_a_front_has_no_point_that_another_one_beats():
    """Points by hand: 1 is beaten by 0 at equal cost, 3 by 2 at equal worth, 4 by 2 in both; equal points stay both."""
    costs = np.array([1.0, 1, 2, 3, 4, 9, 9, np.nan])
    worths = np.array([1.2, 1.1, 1.5, 1.5, 1.4, 2.0, 2.0, 9.0])
    assert front_of(costs, worths).tolist() == [True, False, True, False, False, True, True, False]


def test_fronts_leave_out_the_oracle_and_what_costs_nothing():
    own = arm_pack({"simple": 1.3, "wrap": 1.2, "toedit": 1.1}, generation_flops={"toedit": 1e9, "wrap": 2e12})
    rows = with_fronts(rows_of(Study(own, ANALYSIS))).set_index("arm")
    assert "oracle" not in rows.index and not rows.loc["repetition", "front_generation_flops"]
    assert rows.index[rows["front_generation_flops"]].tolist() == ["simple", "toedit"]
    assert rows.index[rows["front_total_flops"]].tolist() == ["simple", "toedit", "repetition"]
    assert rows.index[rows["front_synthetic_tokens"]].tolist() == ["simple"]


def test_ranks_and_tau_are_those_of_hand_made_losses():
    losses = np.array([[3.0, 1.0, 2.0, 4.0], [3.0, 1.0, 2.0, 0.5]])
    other = np.array([[3.0, 2.0, 1.0, 4.0], [3.0, 1.0, 2.0, 0.5]])
    assert ranks(losses).tolist() == [3, 1, 2, 4]
    assert kendall(losses, other).tolist() == pytest.approx([kendalltau(losses[0], other[0]).statistic, 1.0])
    assert mean_kendall([losses, losses, -losses]).tolist() == pytest.approx([-1 / 3, -1 / 3])
    assert mean_kendall([losses]).size == 0


def test_seeds_and_corpora_are_compared_by_arms_that_all_have():
    found = losses_of_seeds(Study(PACK, ANALYSIS), ["simple", "wrap"])
    assert list(found) == [0, 1, 2] and found[0][0] == pytest.approx([loss_of(1.3) - SEED_SD, loss_of(1.2) - SEED_SD])
    other = arm_pack({"simple": 1.6, "stitched": 1.3, "wrap": 1.2})
    drawn = drawn_of("comparison_ranks", PACK, other)
    rows = drawn.rows.groupby("panel")["tau"].first()
    assert rows["seeds"] == pytest.approx(1) and rows["corpora"] == pytest.approx(1 / 3)
    assert "so not ranked: wrap_stitched" in drawn.bands and set(drawn.rows["column"]) >= {"laptop", "corpus1"}
    with pytest.raises(UserError, match="1 arms in common"):
        drawn_of("comparison_ranks", PACK, arm_pack({"simple": 1.2, "mga": 1.1}))


def test_right_answers_are_gains_over_repetition_in_percentage_points():
    study = Study(with_answers(PACK, {"real": 0.5, "wrap": 0.56, "simple": 0.501}), ANALYSIS)
    rows = answers(study).set_index("arm")
    assert rows.loc["wrap", "gain"] == pytest.approx(6) and rows.loc["wrap", "low"] > 0 > rows.loc["simple", "low"]
    assert answers(Study(PACK, ANALYSIS)).empty
    gain = pd.DataFrame(set_rows(study)).set_index(["arm", "set"])["gain_nats"]
    assert gain["wrap", "news"] == pytest.approx(gain["wrap", "validation"] / 2)


def test_the_table_has_controls_costs_and_what_is_left_out():
    study = Study(arm_pack({"simple": 1.3, "simple_half": 1.2}, synthetic_tokens={"simple_half": D}), ANALYSIS)
    table = table_of(
        rows_of(study).rename(columns={"texts_written": "texts"}),
        pd.DataFrame(set_rows(study)),
        {"bolt": "no mathematics"},
    )
    rows = table.set_index("arm")
    assert rows.loc["simple_half", "controls"] == "repetition, equal steps; oracle"
    assert rows.loc["bolt", "left_out_because"] == "no mathematics" and rows.loc["simple", "loss news"] > 0
    text = markdown(table, 0.9, "About.")
    assert "| bolt | no mathematics |" in text and "| 60 (3) |" in text and "1.30 [1." in text
    own = rows.loc[["repetition", "simple", "simple_half"]].assign(steps=[100, 200, 100])
    assert controls_of(own.loc["simple"], own).startswith("repetition, other steps")


def test_commands_take_one_pack_or_several_and_rules_read_the_names_of_arms(tmp_path):
    folder = write_arm_pack(tmp_path / "laptop/methods", PACK)
    assert arm_names(folder) == list(WORTHS) and list(read_arms(folder).synthetic.index) == list(WORTHS)
    given = argparse.Namespace(
        results=[folder, folder], settings='{"bootstrap_draws": 20}', real_tokens=D, scale="smoke", source="planted",
        output=tmp_path / "comparison_ranks.pdf",
    )  # fmt: skip
    make_figure("comparison_ranks", comparison_ranks.draw, given, comparison_ranks.read_packs)
    assert set(pd.read_csv(given.output.with_suffix(".csv"))["panel"]) == {"seeds", "corpora"}
    with pytest.raises(UserError, match="one pack of arms, got 2"):
        one_pack(folder, folder)


def test_a_scale_without_a_comparison_has_none_of_its_figures():
    scale = read_config(ROOT / "config.yaml").scales["smoke"]
    fields = {name: getattr(scale, name) for name in type(scale).model_fields}
    without = SimpleNamespace(**fields | {"comparison": None})
    assert catalogue.drawable("smoke", without, [catalogue.COMPARISON]) == []
    assert set(FIGURES) <= set(catalogue.drawable("smoke", SimpleNamespace(**fields), [catalogue.COMPARISON]))


def test_families_are_told_by_the_config():
    config = read_config(ROOT / "config.yaml").model_copy(update={"scale": "gpu"})
    found = {name: family_of(config, arm) for name, arm in config.scales["gpu"].comparison.arms.items()}
    told = {"wrap": REWRITING, "wrap_stitched": MEGADOCS, "latent": MEGADOCS, "toedit": EDITING, "sbp": OWN_STUDENT}
    assert told.items() <= found.items() and found["synpro"] == TRAINED and found["synpro_static"] == REWRITING
