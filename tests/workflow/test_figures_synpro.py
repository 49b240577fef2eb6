"""SynPro's figures: each draws from the planted pack without overlaps, its CSV has the values that were planted."""

import argparse
from dataclasses import replace
from importlib import import_module
from itertools import combinations
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from tests.workflow.conftest import ROOT
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.load import read_config
from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.synpro_tables import SynProPack
from workflow_scripts.figures import catalogue, synpro_collapse
from workflow_scripts.figures.frame import Drawn, Inputs, finish, make_figure
from workflow_scripts.figures.synpro_ablation import groups_of, own_sets
from workflow_scripts.figures.synpro_costs import generation_flops, training_flops
from workflow_scripts.figures.synpro_influence import wilson
from workflow_scripts.figures.synpro_looks import kind_of, looks_of_arms, looks_of_sets
from workflow_scripts.figures.synpro_pack import arms_of, one_pack
from workflow_scripts.planted.synpro import PARAMETERS, plant_pack, without_noise, write_pack
from workflow_scripts.planted.synpro_truth import SynProTruth

FIGURES = [name for name, figure in catalogue.FIGURES.items() if figure.paper == catalogue.SYNPRO]
TRUTH = SynProTruth()
ANALYSIS = Analysis(bootstrap_draws=20)


@pytest.fixture(scope="module")
def pack() -> SynProPack:
    """The planted study without noise; three generators, as panels of more take long to draw."""
    found = plant_pack(without_noise(TRUTH), 0)
    return replace(
        found, rewards=found.rewards[found.rewards["set"].isin(list(dict.fromkeys(found.rewards["set"]))[:3])]
    )


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def inputs_of(pack: SynProPack) -> Inputs:
    return Inputs(pack, ANALYSIS, TRUTH.organic_tokens, "laptop", "rerun", ("a/pack",))


def drawn_of(name: str, pack: SynProPack) -> Drawn:
    """A figure as its command draws it, not yet saved."""
    given = inputs_of(pack)
    drawn = import_module(f"workflow_scripts.figures.{name}").draw(given)
    finish(name, drawn, given)
    drawn.figure.draw_without_rendering()
    return drawn


def require_legible(drawn: Drawn) -> None:
    """Nothing is cut off, and no two texts of a panel, or heads of panels, are on top of each other."""
    page, heads = drawn.figure.bbox, []
    for axes in drawn.figure.axes:
        low, high = sorted(axes.get_ylim())
        ticks = [t for t in axes.get_yticklabels() if low <= t.get_position()[1] <= high]
        titles = [axes._left_title, axes.xaxis.label, axes.yaxis.label, *ticks]
        heads.append(axes._left_title)
        for text in [*axes.texts, *titles]:
            if text.get_text() and text.get_visible():
                box = text.get_window_extent()
                assert min(box.x0, box.y0) > -1 and box.x1 < page.x1 + 1 and box.y1 < page.y1 + 1, text.get_text()
    for texts in [heads, *(axes.texts for axes in drawn.figure.axes)]:
        boxes = [(t.get_text(), plt.Text.get_window_extent(t)) for t in texts if t.get_text()]
        assert not [(a[0], b[0]) for a, b in combinations(boxes, 2) if a[1].overlaps(b[1])]


def rows_of_effective(rows: pd.DataFrame, pack: SynProPack) -> None:
    last = rows.sort_values("budget_tokens").groupby("curve").last()
    assert set(last.index) == {"repetition", "oracle", "static", "repro", "round2"}  # round1 is part of round2's
    for name in ("static", "repro", "round2"):
        assert last.loc[name, "ratio"] == pytest.approx(TRUTH.ratio(name), rel=0.05)
        own = rows[rows["curve"] == name]
        assert (
            own["budget_tokens"].min() <= TRUTH.plateau_tokens("repetition") < own["budget_tokens"].nsmallest(2).max()
        )
    joins = rows.loc[rows["joins"] & (rows["curve"] == "round2"), "budget_tokens"]
    assert len(joins) == 2 and (rows["parts"] == TRUTH.parts).all() and (rows["seeds"] == 3).all()


def rows_of_losses(rows: pd.DataFrame, pack: SynProPack) -> None:
    refreshes = rows[(rows["role"] == "refresh") & (rows["set"] == "validation")].set_index("pretraining")["tokens"]
    assert refreshes.to_dict() == {name: TRUTH.plateau_tokens(name) for name in ("repetition", "round1")}
    means = rows[rows["role"] == "mean"].merge(rows[rows["role"] == "seed"], on=["pretraining", "set", "number"])
    gap = means.groupby(["pretraining", "set", "number"]).agg({"loss_nats_x": "first", "loss_nats_y": "mean"})
    assert np.allclose(gap["loss_nats_x"], gap["loss_nats_y"]) and len(gap)


def rows_of_rewards(rows: pd.DataFrame, pack: SynProPack) -> None:
    assert len(rows) == len(pack.rewards) and (rows["answers"] == pack.rewards["n"].to_numpy()).all()
    assert np.allclose(rows["high"] - rows["low"], 2 * pack.rewards["sd"])


def rows_of_influence(rows: pd.DataFrame, pack: SynProPack) -> None:
    own = rows.set_index(["set", "pretraining"])
    table = pack.influence[(pack.influence["set"] == "reformat_r2") & (pack.influence["pretraining"] == "round1")]
    found = own.loc[("reformat_r2", "round1")]
    assert found["positive"] == pytest.approx(table["positive_share"].mean()) and found["refreshed"]
    assert found["positive_low"] < found["positive"] < found["positive_high"] and found["seeds"] == 3
    assert own.loc["organic", "gain"].isna().all() and not own.loc[("reformat_r2", "repetition"), "refreshed"]


def rows_of_ablation(rows: pd.DataFrame, pack: SynProPack) -> None:
    own = rows[rows["role"] == "difference"].set_index("pretraining")
    planted = {name: float(TRUTH.loss(TRUTH.best(name))) for name in own.index}
    for name, row in own.iterrows():
        assert row["difference_nats"] == pytest.approx(planted[name] - planted[row["against"]], abs=0.003)
    assert own["against"].to_dict() | {"newest_only": "round2", "unfaithful": "round1"} == own["against"].to_dict()


def rows_of_collapse(rows: pd.DataFrame, pack: SynProPack) -> None:
    distances = pack.sets.set_index("set")["frechet_distance"]
    assert rows.set_index("set")["frechet_distance"].to_dict() == distances.to_dict()
    assert rows["kind"].iloc[0] == "organic" and rows["kind"].iloc[-1] == "refreshed"


def rows_of_comparison(rows: pd.DataFrame, pack: SynProPack) -> None:
    own = rows.set_index("pretraining")
    assert list(own.index) == ["repetition", "oracle", "static", "repro", "round1", "round2"]
    assert np.allclose(own["training_flops"], 6 * PARAMETERS * own["tokens"])
    assert own["equal_tokens"].nunique() == 1 and own["equal_loss_nats"].idxmin() == "oracle"
    assert own.loc["round2", "equal_loss_nats"] > own.loc["round2", "loss_nats"] + 0.01  # it is trained for longer


VALUES = dict(
    zip(FIGURES, (rows_of_effective, rows_of_losses, rows_of_rewards, rows_of_influence, rows_of_ablation,
                  rows_of_collapse, rows_of_comparison), strict=True)
)  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_legible_and_its_rows_are_what_was_planted(name, pack):
    drawn = drawn_of(name, pack)
    require_legible(drawn)
    VALUES[name](drawn.rows, pack)
    assert "Scale laptop" in drawn.figure.get_supxlabel()


def test_a_command_reads_the_pack_and_writes_the_csv_of_what_it_shows(tmp_path, pack):
    write_pack(tmp_path / "pack", pack)
    given = argparse.Namespace(
        results=[tmp_path / "pack"], settings='{"bootstrap_draws": 20}', real_tokens=1, scale="smoke", source="planted",
        output=tmp_path / "synpro_collapse.pdf",
    )  # fmt: skip
    make_figure("synpro_collapse", synpro_collapse.draw, given, one_pack)
    assert pd.read_csv(given.output.with_suffix(".csv"))["set"].tolist()[0] == "organic"
    assert "<!-- PLANTED -->" in given.output.with_suffix(".svg").read_text(encoding="utf-8")
    with pytest.raises(UserError, match="one pack, got 2"):
        one_pack(tmp_path, tmp_path)


@pytest.mark.parametrize(("name", "table"), [("synpro_rewards", "rewards"), ("synpro_influence", "influence")])
def test_an_empty_table_is_named(name, table, pack):
    empty = replace(pack, **{table: getattr(pack, table).iloc[:0]})
    with pytest.raises(UserError, match=f"a/pack/{table}.csv: it has no row"):
        drawn_of(name, empty)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("synpro_ablation", {"ablation": "static"}, "no pretraining has the role ablation"),
        ("synpro_effective_tokens", {"oracle": "static"}, "role oracle"),
        ("synpro_comparison", {"oracle": "static"}, "role oracle"),
    ],
)
def test_a_missing_role_is_named(name, change, message, pack):
    roles = pack.pretrainings["role"].replace(change)
    with pytest.raises(UserError, match=message):
        drawn_of(name, replace(pack, pretrainings=pack.pretrainings.assign(role=roles)))


def test_an_ablation_is_compared_with_the_round_of_its_start_by_the_sets_that_differ(pack):
    assert groups_of(inputs_of(pack)) == {"round1": ["static", "repro", "unfaithful"], "round2": ["newest_only"]}
    assert own_sets(pack, "unfaithful", "round1") == ["reformat_unfaithful"]
    assert own_sets(pack, "newest_only", "round2") == ["reformat_r2"]  # in the full one, too, but not in its start
    assert own_sets(pack, "round2", "round2") == ["reformat_r2"]


def test_sets_of_an_earlier_student_are_paid_once(pack):
    """Round 2 keeps the sets of round 1; the newest set alone has been paid for besides those of its start."""
    cost = pack.pretrainings.groupby("pretraining")["generation_flops"].first()
    assert generation_flops(pack, "round2") == cost["round2"] and generation_flops(pack, "repetition") == 0
    assert generation_flops(pack, "newest_only") == cost["newest_only"] + cost["round1"]
    assert training_flops(pack, "round2", 5e7) == pytest.approx(6 * PARAMETERS * 5e7)


def test_a_share_has_wilsons_interval():
    low, high = wilson(pd.Series([0.5]), pd.Series([100]), 1.6449)
    assert (low[0], high[0]) == (pytest.approx(0.41885, abs=1e-4), pytest.approx(0.58115, abs=1e-4))


def test_arms_and_sets_of_a_kind_share_a_colour_and_differ_in_their_marker(pack):
    for looks in (looks_of_arms(arms_of(pack)), looks_of_sets(pack.sets)):
        assert len({(look.colour, look.marker) for look in looks.values()}) == len(looks)
    joined = pd.Series({"set": "m", "operation": "", "student": "", "rewards": "{}"})
    assert kind_of(joined) == "stitched" and looks_of_arms(arms_of(pack))["repetition"].colour == "#000000"


def test_a_scale_without_the_section_has_no_figure_of_synpro_and_need_not_say_why():
    scale = read_config(ROOT / "config.yaml").scales["smoke"]
    fields = {name: getattr(scale, name) for name in type(scale).model_fields}
    without, with_it = (SimpleNamespace(**fields | {"synpro": section}) for section in (None, "a section"))
    assert catalogue.drawable("smoke", without, [catalogue.SYNPRO]) == []
    assert catalogue.drawable("smoke", with_it, [catalogue.SYNPRO]) == FIGURES


def test_without_a_law_of_unique_text_the_reason_is_said_and_losses_are_still_compared(pack):
    few = {
        name: table[(table["pretraining"] != "oracle") | (table["step"] <= table["step"].min() + 64)]
        for name, table in (("evaluations", pack.evaluations), ("parts", pack.parts))
    }
    drawn = drawn_of("synpro_effective_tokens", replace(pack, **few))
    reason = drawn.rows["reason"].iloc[0]
    assert "evaluations of unique text" in reason and len(drawn.rows) == 6
    assert "No arm has a number" in drawn.figure.axes[0].texts[0].get_text()
    compared = drawn_of("synpro_comparison", replace(pack, **few))
    assert compared.rows["ratio"].isna().all() and compared.rows["loss_nats"].notna().all() and reason in compared.bands
