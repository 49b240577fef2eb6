"""Figures of mixtures: what is drawn is in the CSV, planted laws and optima come back, and what is refused is said."""

import importlib

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from tests.workflow.packs import D, pack, student
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Analysis
from workflow_scripts.figures import (
    catalogue,
    generator_size,
    mixture_data,
    mixture_domains,
    mixture_ratio,
    mixture_size,
    mixture_speedup,
    retraining,
)
from workflow_scripts.figures.frame import Drawn, Inputs, finish
from workflow_scripts.figures.mixture_looks import colour_of, mixture_look, title_of
from workflow_scripts.figures.style import save

BILLION = 10**9
BUDGETS = [count * BILLION for count in (1, 2, 4, 8, 16)]
FIGURES = [name for name, figure in catalogue.FIGURES.items() if figure.paper == catalogue.MIXTURES]


def mixed(kind: str, share: float, budget: int, loss: float, studies: str = "mixture_data", **changes) -> dict:
    """A student of a mixture; its own text on the domain `newsgroups` is 0.5 nats harder unless `sets` says so."""
    kind = kind if share else "real"
    usual = {"mixing_ratio": share, "budget_tokens": budget, "real_tokens": round(budget * (1 - share))}
    usual |= {"sets": {"newsgroups": loss + 0.5}, "non_embedding_parameters": 1_000_000, "synthetic_epochs_seen": 0.5}
    row = student(kind, 0, loss, **(usual | {"studies": studies} | changes))
    return row | {"run_id": f"{row['student']}-{kind}-T{budget}-m{share}-s{row['seed']}"}


def power(a: float, b: float, e: float, size: float) -> float:
    return a / (size / BILLION) ** b + e


def inputs(*students: dict) -> Inputs:
    """What a figure gets, of a pack made by hand."""
    analysis = Analysis(bootstrap_draws=60, generators=["hq_3bit", "hq"])
    return Inputs(pack(students), analysis, D, "smoke", "rerun", ("a pack",))


def drawn_to(folder, name: str, given: Inputs) -> tuple[Drawn, pd.DataFrame]:
    """A figure saved as its command does, and its CSV."""
    drawn = importlib.import_module(f"workflow_scripts.figures.{name}").draw(given)
    finish(name, drawn, given)
    save(drawn.figure, drawn.rows, folder / f"{name}.pdf")
    return drawn, pd.read_csv(folder / f"{name}.csv")


def smallest() -> list[dict]:
    """One seed, few sizes, two kinds: what the smallest scale has."""
    budgets, sizes, later = (1024, 2048, 4096, 8192), {"tiny": 1e5, "0.2m": 2e5, "0.4m": 4e5}, ("hq", "txbk")
    rows = [mixed(k, r, b, 9 - b / 8192 - 0.1 * r) for k in later for r in (0, 0.5, 1) for b in budgets]
    rows += [
        mixed("hq", r, 4096, 9 - n / 1e6, "mixture_size", student=s, non_embedding_parameters=int(n))
        for s, n in sizes.items()
        for r in (0, 0.5)
    ]
    rows += [mixed("hq", r, 4096, 8.5 - 0.1 * r, "mixture_ratio") for r in (0, 0.25, 0.5, 1)]
    rows += [mixed("hq", 0.0, 4096, 8.5, "retraining generator_size")]
    rows += [mixed("replace_r1", 1.0, 4096, 8.6, "retraining"), mixed("accumulate_r1", 0.5, 4096, 8.55, "retraining")]
    return rows + [mixed(kind, 0.33, 4096, 8.4, "generator_size") for kind in ("hq", "hq_3bit")]


@pytest.mark.parametrize("name", FIGURES)
def test_the_smallest_scale_has_every_figure_and_a_csv_of_what_it_shows(tmp_path, name):
    drawn, table = drawn_to(tmp_path, name, inputs(*smallest()))
    assert len(table) == len(drawn.rows) > 0 and table["loss_nats"].notna().any()
    if name == "mixture_size":
        assert "needs 3 sizes of student below the largest, there are 2" in drawn.bands
    if name == "mixture_ratio":
        best = table[table["role"] == "best"]
        assert best["share"].tolist() == [1.0] and "1 too few shares for a curve" in drawn.bands


def test_a_files_bytes_depend_on_results_alone(tmp_path):
    for folder in ("a", "b"):
        drawn_to(tmp_path / folder, "mixture_domains", inputs(*smallest()))
    names = [f"mixture_domains.{suffix}" for suffix in ("pdf", "svg", "png", "csv")]
    assert [(tmp_path / "a" / name).read_bytes() for name in names] == [
        (tmp_path / "b" / name).read_bytes() for name in names
    ]


def laws_of_budgets(held_out: float = 0.0) -> list[dict]:
    """Natural text has 1 / D^0.5 + 3, HQ 33% 0.5 / D^0.5 + 3; the largest natural loss is `held_out` higher."""
    natural = [power(1, 0.5, 3, d) + held_out * (d == BUDGETS[-1]) for d in BUDGETS]
    rows = [mixed("hq", 0, d, loss) for d, loss in zip(BUDGETS, natural, strict=True)]
    return rows + [mixed("hq", 0.33, d, power(0.5, 0.5, 3, d)) for d in BUDGETS]


def test_the_largest_budget_is_predicted_by_the_law_of_the_others():
    drawn = mixture_data.draw(inputs(*laws_of_budgets(held_out=0.05)))
    rows = drawn.rows[drawn.rows["measure"] == "i.i.d."]
    predicted = rows[rows["role"] == "predicted"].set_index("mixture")
    assert predicted.loc["natural", "loss_nats"] == pytest.approx(3.25, abs=1e-6)  # 1 / 16^0.5 + 3; observed: 3.30
    assert predicted["error_percent"].tolist() == pytest.approx([100 * (3.25 / 3.3 - 1), 0], abs=1e-4)
    assert predicted[["A", "exponent", "E"]].to_numpy() == pytest.approx(
        np.array([[1, 0.5, 3], [0.5, 0.5, 3]]), abs=1e-4
    )
    assert rows.loc[rows["role"] == "held out", "loss_nats"].tolist() == pytest.approx([3.3, 3.125])
    assert rows.loc[rows["role"] == "fitted", "budget_tokens"].tolist() == BUDGETS[:-1] * 2
    mean = drawn.rows[drawn.rows["measure"] == "mean of 2 domains"]
    assert mean["loss_nats"].iloc[0] == pytest.approx(4.25)  # 4 i.i.d. and 4.5
    assert "2 mixtures: 0.70% [" in drawn.bands  # 0.05 / 3.55 = 1.41% and 0%
    assert "natural (−1.52%)" in texts(drawn, 2)


def texts(drawn: Drawn, panel: int) -> list[str]:
    return [text.get_text() for text in drawn.figure.axes[panel].texts]


def test_a_point_says_how_often_its_text_was_passed_over():
    rows = laws_of_budgets()
    rows[-1] |= {"synthetic_epochs_seen": 1.7}
    drawn = mixture_data.draw(inputs(*rows))
    assert [text for text in texts(drawn, 1) if text.startswith("×")] == ["×1.7"]
    assert drawn.rows.loc[drawn.rows["passes"] > 1, "budget_tokens"].tolist() == BUDGETS[-1:] * 2
    assert "HQ rephrase up to 1.7 times" in mixture_speedup.draw(inputs(*rows)).bands
    assert not [text for text in texts(mixture_data.draw(inputs(*laws_of_budgets())), 1) if "×" in text]


def test_laws_over_sizes_are_in_non_embedding_parameters():
    sizes = [10**7 * 2**place for place in range(4)]
    rows = [
        mixed("hq", share, 4096, power(0.1 * (1 + share), 0.5, 3, n), "mixture_size", student=f"s{n}",
              non_embedding_parameters=n, parameters=10 * n)
        for share in (0, 1) for n in sizes
    ]  # fmt: skip
    rows = mixture_size.draw(inputs(*rows)).rows
    predicted = rows[(rows["role"] == "predicted") & (rows["measure"] == "i.i.d.")]
    assert predicted["non_embedding_parameters"].tolist() == sizes[-1:] * 2
    assert predicted["error_percent"].abs().max() < 1e-3 and predicted["A"].tolist() == pytest.approx(
        [0.1, 0.2], rel=1e-3
    )


def test_speed_up_is_the_planted_one_and_says_where_it_is_extrapolated():
    rows = mixture_speedup.draw(inputs(*laws_of_budgets())).rows
    assert rows["speed_up"].to_numpy() == pytest.approx(4, abs=1e-2)  # (1 / 0.5)^(1 / 0.5) at every loss
    curve, read = rows[rows["where"] != "interpolated"], rows[rows["where"] == "interpolated"]
    reached = curve["natural_tokens"] <= BUDGETS[-1] * (1 + 1e-6)
    assert curve["where"].tolist() == np.where(reached, "measured", "extrapolated").tolist()
    assert 0 < reached.sum() < len(curve)
    assert read["mixture_tokens"].tolist() == BUDGETS[:3]  # 4 times the next is beyond the natural budgets


def test_speed_up_without_laws_is_points_and_the_reason():
    few = [row for row in laws_of_budgets() if row["budget_tokens"] in BUDGETS[:3]]
    drawn = mixture_speedup.draw(inputs(*few))
    assert "hq 33%: not identified: not identified: a law" in drawn.bands or "needs 4 budgets" in drawn.bands
    assert set(drawn.rows["where"]) == {"interpolated"}
    with pytest.raises(UserError, match="add the share 0"):
        mixture_speedup.draw(inputs(*(row for row in few if row["mixing_ratio"])))


def test_best_share_is_the_planted_one():
    shares, places = (0, 0.1, 0.2, 0.3, 0.5, 0.7, 1), [("0.2m", 2e5, 1000), ("0.2m", 2e5, 4000), ("0.7m", 7e5, 1000)]
    rows = [
        mixed("hq", share, budget, 3 + 1000 / budget + 0.2 * (share - 0.3) ** 2, "mixture_ratio", student=name,
              non_embedding_parameters=int(n))
        for name, n, budget in places for share in shares
    ]  # fmt: skip
    drawn = mixture_ratio.draw(inputs(*rows)).rows
    best = drawn[drawn["role"] == "best"]
    assert best[["student", "budget_tokens"]].to_numpy().tolist() == [["0.2m", 1000], ["0.2m", 4000], ["0.7m", 1000]]
    assert best["share"].tolist() == pytest.approx([0.3] * 3, abs=0.01) and best["sure"].all()
    at_all = drawn[(drawn["role"] == "share") & (drawn["share"] == 1)]
    assert at_all["difference_nats"].tolist() == pytest.approx([0.08] * 3)  # 0.2 (0.49 - 0.09)


def test_domains_are_differences_over_the_same_documents_and_their_plain_mean():
    losses = {("hq", 0): (3.0, 4.0), ("hq", 0.33): (2.9, 4.3), ("qa", 1): (3.2, 4.0)}
    rows = [mixed(k, r, 2000, loss, sets={"newsgroups": other}) for (k, r), (loss, other) in losses.items()]
    rows += [mixed("hq", 1, 1000, 9.0)]  # of a smaller budget
    drawn = mixture_domains.draw(inputs(*rows)).rows
    found = drawn[drawn["mixing_ratio"] > 0].pivot(index="mixture", columns="domain", values="difference_nats")
    assert list(drawn["domain"].unique()) == ["mean", "validation", "newsgroups"]
    assert found.loc["hq 33%"].to_dict() == pytest.approx({"mean": 0.1, "validation": -0.1, "newsgroups": 0.3})
    assert found.loc["qa 100%"].to_dict() == pytest.approx({"mean": 0.1, "validation": 0.2, "newsgroups": 0})
    assert drawn["low"].to_numpy() == pytest.approx(drawn["high"].to_numpy())  # hard documents are so for both


def test_generators_are_in_the_order_of_their_quality():
    with pytest.raises(UserError, match="generator of hq_9b.*analysis.generators"):
        generator_size.by_quality({"hq_9b", "hq"}, ["hq_3bit", "hq"])
    losses = {("hq", 0): 3.0, ("hq", 0.33): 2.8, ("hq_3bit", 0.33): 2.95}
    rows = [mixed(k, r, b, loss - b / 1e4, "generator_size") for (k, r), loss in losses.items() for b in (1000, 2000)]
    drawn = generator_size.draw(inputs(*rows)).rows
    rows = drawn[drawn["measure"] == "i.i.d."]
    assert rows[["stream", "budget_tokens"]].to_numpy().tolist() == [
        ["hq_3bit", 1000], ["hq", 1000], ["hq_3bit", 2000], ["hq", 2000],
    ]  # fmt: skip
    assert rows["difference_nats"].tolist() == pytest.approx([-0.05, -0.2] * 2)
    assert rows["difference_nats_to_weakest"].tolist() == pytest.approx([0, -0.15] * 2)


def test_rounds_start_from_natural_text_of_the_same_budget():
    chains = {"replace": (3.1, 3.2, 3.3), "accumulate": (3.05, 3.06, 3.07)}
    rows = [mixed("real", 0, 1000, 3.0, "retraining")]
    rows += [mixed(f"{c}_r{k}", 1.0 if c == "replace" else k / (k + 1), 1000, loss, "retraining")
             for c, own in chains.items() for k, loss in enumerate(own, start=1)]  # fmt: skip
    drawn = retraining.draw(inputs(*rows)).rows
    own = drawn[drawn["domain"] == "validation"].groupby("chain")["loss_nats"].agg(list).to_dict()
    assert own == {chain: pytest.approx([3.0, *losses]) for chain, losses in chains.items()}
    assert drawn["domain"].unique().tolist() == ["mean", "validation", "newsgroups"]
    with pytest.raises(UserError, match="one budget_tokens, there are 1000, 2000"):
        retraining.draw(inputs(*rows, mixed("real", 0, 2000, 3.0, "retraining")))


def test_a_kind_has_one_colour_and_its_shares_differ_in_lightness_and_marker():
    looks = [mixture_look(("hq", share)) for share in (0.33, 0.67, 1.0)]
    assert len({style.colour for style in looks}) == len({style.marker for style in looks}) == 3
    assert looks[-1].colour.upper() == colour_of("hq") == colour_of("hq_3bit") == "#0072B2"
    assert mixture_look(("real", 0.0)).colour == "#000000" and mixture_look(("real", 0.0)).label == "natural"
    assert colour_of("poems") == colour_of("poems_v2") and title_of("hq_3bit") == "HQ rephrase, 3bit"


def many() -> list[dict]:
    """All ten sets at eight budgets, close together as real ones are; the largest budgets repeat synthetic text."""
    kinds = {"hq": -0.02, "qa": 0.01, "txbk": 0.03}
    return [
        mixed(kind, share, 10**9 * 2**place, power(0.8, 0.4, 2.6 + gain * share + 0.04 * share**2, 10**9 * 2**place),
              synthetic_epochs_seen=share * 2**place / 40)
        for kind, gain in kinds.items() for share in (0, 0.33, 0.67, 1) for place in range(8)
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["mixture_data", "mixture_speedup", "mixture_domains"])
def test_labels_do_not_overlap_with_all_ten_sets(name):
    given = inputs(*many())
    drawn = importlib.import_module(f"workflow_scripts.figures.{name}").draw(given)
    finish(name, drawn, given)
    drawn.figure.draw_without_rendering()
    for axes in drawn.figure.axes:
        boxes = [Text.get_window_extent(text).padded(-1) for text in axes.texts]  # without lines to labels
        clashes = [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]
        assert not clashes
