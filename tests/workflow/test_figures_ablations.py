"""Ablations, ensembles and baselines: what is chosen, what is drawn, and what is refused; tables and examples."""

import importlib

import numpy as np
import pandas as pd
import pytest

from tests.workflow.packs import D, ensemble_of, pack, student
from workflow_scripts.config.models import Analysis
from workflow_scripts.config.runs import Hyperparameters
from workflow_scripts.config.studies import AXES
from workflow_scripts.figures import (
    examples,
    hyperparameter_tables,
    joint_limit,
    no_real_stream,
    ordering,
    self_distillation,
    student_size,
    sweeps,
)
from workflow_scripts.figures.frame import Inputs, finish
from workflow_scripts.figures.style import save
from workflow_scripts.scaling.limits import limit_of
from workflow_scripts.tuning.certificate import Certificate

MAIN = [student("real", 0, 3.5), student("simple", 2, 3.4), student("stitched", 2, 3.3), student("latent", 2, 3.2)]
SMALL = {"real_epochs": 2, "studies": "standard_recipe regularised_recipe"}
PAIR = [student("real", 0, 3.5, seed, studies="ensembles baseline_ensembles", lr=0.001) for seed in (0, 1)]
# One size, two members, one seed: what the smallest scale has.
SMOKE = [
    *(row | {"studies": "generation_scaling ordering student_size no_real_document"} for row in MAIN),
    student("stitched_real_first", 2, 3.35, studies="ordering"),
    student("simple_no_real", 2, 3.45, studies="no_real_document"),
    student("real", 0, 3.5, studies="cross_document_attention", lr=0.002),
    student("stitched", 2, 3.33, studies="cross_document_attention", cross_document_attention=False),
    student("stitched", 2, 3.36, studies="no_real_stream", alone=True, mixing_ratio=0.0),
    student("self_distilled", 0, 3.41, studies="self_distillation"),
    *(student("real", 0, 3.6 - 0.01 * d, real_tokens=d * D, **SMALL) for d in (1, 2, 4)),
    *PAIR,
]  # fmt: skip
FIGURES = [
    "ordering", "no_real_document", "cross_document_attention", "no_real_stream", "ensembles", "self_distillation",
    "student_size", "standard_recipe", "regularised_recipe", "joint_limit",
]  # fmt: skip


def inputs(*students: dict, ensembles=()) -> Inputs:
    """What a figure gets, of a pack made by hand."""
    return Inputs(pack(students, ensembles=ensembles), Analysis(bootstrap_draws=60), D, "smoke", "rerun", ("a pack",))


@pytest.mark.parametrize("name", FIGURES)
def test_the_smallest_scale_has_every_figure_and_a_csv_of_what_it_shows(tmp_path, name):
    given = inputs(*SMOKE, ensembles=ensemble_of(PAIR[0], [3.5, 3.4]))
    drawn = importlib.import_module(f"workflow_scripts.figures.{name}").draw(given)
    finish(name, drawn, given)
    save(drawn.figure, drawn.rows, tmp_path / f"{name}.pdf")
    table = pd.read_csv(tmp_path / f"{name}.csv")
    assert len(table) == len(drawn.rows) and table["loss_nats"].notna().any()
    if name in ("ensembles", "joint_limit", "regularised_recipe"):
        assert "not identified: a law of three parameters needs 4" in drawn.bands
        assert table.loc[np.isinf(table.get("x", table.get("members"))), "loss_nats"].isna().all()


def test_best_of_a_sweep_is_chosen_on_tuning_documents_and_reported_on_others():
    lucky = {"sets": {"tuning": 3.9}, "real_epochs": 4}
    sweep = [
        student("self_distilled", 0, 3.40, studies="self_distillation", **lucky),
        student("self_distilled", 0, 3.45, studies="self_distillation", real_epochs=8, sets={"tuning": 3.5}),
        student("self_distilled", 0, 3.44, studies="self_distillation", real_epochs=8, lr=0.01, sets={"tuning": 3.6}),
    ]
    rows = self_distillation.drawn_rows(inputs(*MAIN, *sweep))
    assert rows["stream"].tolist() == ["real", "self_distilled", "self_distilled", "simple"]
    assert rows["loss_nats"].tolist() == pytest.approx([3.5, 3.40, 3.45, 3.4])
    assert rows.loc[rows["chosen"], "loss_nats"].tolist() == pytest.approx([3.45])
    assert rows["tried"].tolist() == [1, 1, 2, 1] and "tuning documents" in sweeps.choice(rows)


def test_order_inside_a_megadoc_is_a_mean_over_seeds_with_the_sample_deviation():
    losses = {"simple": (3.40, 3.42, 3.44), "stitched_real_first": (3.3, 3.3, 3.3), "latent": (3.1, 3.2, 3.3)}
    rows = [
        student(stream, 8, loss, seed, studies="ordering", sets={"reuters": loss + 1, "arxiv": loss + 2})
        for stream, own in losses.items()
        for seed, loss in enumerate(own)
    ]
    drawn = ordering.drawn_rows(inputs(*rows))
    assert drawn["set"].unique().tolist() == ["validation", "arxiv"] and len(drawn) == 18
    means = drawn[drawn["set"] == "arxiv"].groupby("stream", sort=False)[["loss_nats", "std_nats"]].first()
    assert means["loss_nats"].to_dict() == pytest.approx({"simple": 5.42, "stitched_real_first": 5.3, "latent": 5.2})
    assert means["std_nats"].tolist() == pytest.approx([0.02, 0, 0.1], abs=1e-12)


def test_stream_alone_stands_beside_the_same_stream_with_real_documents():
    alone = [
        student("stitched", 2, loss, studies="no_real_stream", alone=True, mixing_ratio=0.0, real_epochs=epochs)
        for loss, epochs in ((3.6, 4), (3.36, 8))
    ]
    rows = no_real_stream.drawn_rows(inputs(*MAIN, *alone))
    found = rows[["stream", "alone", "loss_nats"]].to_numpy().tolist()
    assert found == [
        ["real", False, 3.5],
        ["stitched", False, pytest.approx(3.3)],
        ["stitched", True, pytest.approx(3.36)],
    ]


def test_gain_is_against_the_real_only_student_of_the_same_size():
    sizes = {"1m": (1_000_000, 0.0), "4m": (4_000_000, 0.2)}
    rows = [
        student(s, g, loss - lower * (1 + (s == "latent")), studies="student_size", student=name, parameters=n)
        for name, (n, lower) in sizes.items()
        for s, g, loss in (("real", 0, 3.5), ("simple", 2, 3.45), ("simple", 8, 3.4), ("latent", 8, 3.3))
    ]
    drawn = student_size.drawn_rows(inputs(*rows))
    assert drawn["student"].tolist() == ["1m"] * 3 + ["4m"] * 3 and drawn["generations"].tolist() == [0, 8, 8] * 2
    assert drawn["gain_nats"].tolist() == pytest.approx([0, 0.1, 0.2, 0, 0.1, 0.4])


def test_limit_is_the_planted_one_and_refused_where_there_is_none():
    members = np.arange(1, 6)
    losses = 0.25 / members**1.02 + 3.34
    draws = losses[:, None] + np.linspace(-0.01, 0.01, 21)
    found = limit_of(members, losses, draws, 0.9, "sizes of ensemble")
    assert pytest.approx((0.25, 1.02, 3.34), rel=1e-4) == (found.A, found.B, found.C)
    assert (found.low, found.high) == pytest.approx((3.331, 3.349), abs=1e-4)
    assert (
        "needs 4 sizes of ensemble, there are 3"
        in limit_of(members[:3], losses[:3], draws[:3], 0.9, "sizes of ensemble").status
    )
    assert "does not fall" in limit_of(members, losses[::-1], draws, 0.9, "sizes of ensemble").status
    rising = np.where(np.arange(21) < 6, draws[::-1], draws)
    assert limit_of(members, losses, rising, 0.9, "sizes").status == "not identified: no law in 29% of draws"


def test_joint_limit_is_that_of_the_limits():
    ensembles, students = [], []
    for name, size in {"a": 1e9, "b": 2e9, "c": 4e9, "d": 8e9}.items():
        limit = 0.3 / (size / 1e9) ** 0.8 + 3.1
        shared = {"student": name, "parameters": int(size)}
        members = [student("real", 0, 4, seed, studies="baseline_ensembles", **shared) for seed in range(5)]
        ensembles += ensemble_of(members[0], [0.2 / k + limit for k in range(1, 6)])
        students += [*members, student("real", 0, limit + 0.3, studies="regularised_recipe", lr=0.001, **shared)]
    drawn = joint_limit.draw(inputs(*students, ensembles=ensembles)).rows
    joint = drawn[(drawn["series"] == joint_limit.JOINT.label) & np.isinf(drawn["x"])]
    assert joint["loss_nats"].item() == pytest.approx(3.1, abs=1e-3) and joint["status"].item() == "identified"


def certificate(row: dict, verdict: str) -> Certificate:
    """A certificate of the student of a row."""
    kept = {key: row[key] for key in ("student", "stream", "generations", "real_tokens", *AXES)}
    return Certificate(
        verdict=verdict, run_id=row["run_id"], centre=Hyperparameters(scale="paper", origin="planted", **kept),
        chosen_on="tuning", loss_nats=3.0, neighbours=[], margin_nats=None, edges=[], not_searched=[],
        seed_spread_nats=None, note="",
    )  # fmt: skip


def test_tables_of_tuned_hyperparameters_say_what_is_certified():
    first = student("simple", 2, 3.4, weight_decay=0.8, lr=0.003)
    rows = [first, student("simple", 32, 3.3, real_epochs=32, mixing_ratio=0.9, lr=0.001), student("real", 0, 3.5)]
    found = [certificate(first, "certified")]
    table = hyperparameter_tables.tuned_rows(pack(rows), found, D)
    text = hyperparameter_tables.document(table, "paper", "rerun")
    assert "| Simple rephrases | G = 2 | G = 32 |" in text
    assert "| real epochs | 8 | 32 |" in text and "| mixing ratio | 0.75 | 0.9 |" in text
    assert "| learning rate | 0.003 | 0.001 |" in text and "| weight decay | 0.8 | 0.4 |" in text
    assert "| certified | certified | not tested |" in text and "Stitched" not in text


def test_examples_mark_thoughts_and_say_what_is_left_out():
    pieces = examples.marked("One.<think>\nWhy one\n</think>\n Two.", ("<think>\n", "\n</think>\n"))
    assert [(piece["kind"], piece["text"]) for piece in pieces] == [
        ("real", "One."),
        ("thought", "Why one"),
        ("real", " Two."),
    ]
    rows = [{"kind": "rephrase", "generation": g, "text": f"Rephrase {g}"} for g in range(8)]
    real = {"kind": "real", "generation": -1, "text": "One. Two."}
    latent = [{"kind": "megadoc", "generation": -1, "text": "One.[Why]Two."}]
    found = examples.example("doc", [real, *rows], [*rows, real], latent, ("[", "]"))
    assert found["text"] == "One. Two." and len(found["streams"]["simple"]) == 1
    texts = [row["text"] for row in found["streams"]["stitched"]]
    assert texts == ["Rephrase 0", "6 further rephrases", "Rephrase 7", "One. Two."]
    assert "*thought 1*\n\n> Why" in examples.as_markdown([found], 8)
