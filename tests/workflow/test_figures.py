"""Figures: the same packs give the same bytes, the CSV holds what is drawn, a method looks the same everywhere."""

import re
import zlib
from importlib import import_module
from itertools import combinations
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from tests.workflow.conftest import run_module
from tests.workflow.packs import D, pack, student, write_pack
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.results import Results
from workflow_scripts.figures.frame import Drawn, Inputs, finish
from workflow_scripts.figures.marks import spread_out
from workflow_scripts.figures.style import METHODS
from workflow_scripts.scaling.law import DataLaw

FIGURES = ["generation_scaling", "data_efficiency", "context_length", "out_of_distribution", "downstream"]
FIGURES += ["epochs_and_mixing", "optimum_against_generations", "controlled_hyperparameters"]
LAW = DataLaw(0.002, 0.4, 3.0)  # D in billions: 3.5 nats at D = 1000
MAIN = "generation_scaling data_efficiency"
SWEEPS = "epochs_and_mixing optimum_against_generations"
ACCURACY = {"arc_easy": 0.4, "piqa": 0.6, "sciq": 0.8}
LOSSES = {"simple": {2: 3.4, 8: 3.37}, "stitched": {2: 3.399, 8: 3.35}, "latent": {2: 3.398, 8: 3.349}}


def real(times: int = 1, **changes) -> dict:
    """A real-only student with `times` D, whose loss is on the law."""
    studies = MAIN if times == 1 else "data_efficiency"
    loss = float(LAW.loss(times * D))
    return student("real", 0, loss, **({"real_tokens": times * D, "studies": studies, "accuracy": ACCURACY} | changes))


def synthetic(stream: str, count: int, loss: float, studies: str = MAIN, **changes) -> dict:
    """A student on synthetic data, with losses on a further set."""
    own = {"sets": {"newsgroups": loss + 1}, "accuracy": ACCURACY, "studies": studies} | changes
    return student(stream, count, loss, **own)


def whole_pack() -> list[dict]:
    """Crowded losses of three streams at two G, sweeps, and real sets of four sizes."""
    students = [real(times, **({"sets": {"newsgroups": 4.5}} if times == 1 else {})) for times in (1, 2, 4, 8)]
    students += [synthetic(stream, g, loss) for stream, own in LOSSES.items() for g, loss in own.items()]
    for stream, g, e in (("simple", 2, 8), ("simple", 8, 16), ("stitched", 2, 4), ("stitched", 8, 32)):
        for epochs in (4, 8, 16, 32):
            for ratio in (0.5, 0.75):
                loss = LOSSES[stream][g] + 0.01 + 0.02 * np.log2(epochs / e) ** 2 + 0.1 * (0.75 - ratio)
                values = {"real_epochs": epochs, "mixing_ratio": ratio, "weight_decay": 0.8}
                students.append(synthetic(stream, g, loss, SWEEPS, **values))
    return students + [
        synthetic(stream, g, LOSSES[stream][g] + 0.001, "controlled_hyperparameters", weight_decay=0.1)
        for stream in ("stitched", "latent")
        for g in (2, 8)
    ]


def small_pack() -> list[dict]:
    """One G and one seed, as at the scale `smoke`."""
    studies = f"{MAIN} {SWEEPS} controlled_hyperparameters"
    return [real(sets={"newsgroups": 4.5}), *(synthetic(s, 2, own[2], studies) for s, own in LOSSES.items())]


PACKS = {"whole": whole_pack, "small": small_pack}


def inputs_of(results: Results, source: str = "rerun") -> Inputs:
    return Inputs(results, Analysis(bootstrap_draws=20), D, "laptop", source, ("results/tables",))


def drawn_of(figure: str, results: Results, source: str = "rerun") -> Drawn:
    """A figure as its command draws it, not yet saved."""
    inputs = inputs_of(results, source)
    drawn = import_module(f"workflow_scripts.figures.{figure}").draw(inputs)
    finish(figure, drawn, inputs)
    drawn.figure.draw_without_rendering()
    return drawn


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def command(folder: Path, figure: str, source: str, **environment: str) -> Path:
    """Draw a figure by its command."""
    options = ["--settings", '{"bootstrap_draws": 20}', "--real-tokens", D, "--scale", "paper", "--source", source]
    output = folder / environment["TZ"].replace("/", "-") / f"{figure}.pdf"
    packs = ["--results", folder / "pack"]
    found = run_module(f"workflow_scripts.figures.{figure}", *packs, *options, "--output", output, cwd=folder,
                       **environment)  # fmt: skip
    assert found.returncode == 0, found.stderr
    return output


@pytest.mark.parametrize("figure", ["generation_scaling", "epochs_and_mixing"])
def test_same_pack_gives_the_same_bytes_and_planted_says_so(tmp_path, figure):
    write_pack(tmp_path / "pack", whole_pack())
    first = command(tmp_path, figure, "planted", PYTHONHASHSEED="1", TZ="UTC")
    second = command(tmp_path, figure, "planted", PYTHONHASHSEED="2", TZ="Asia/Tokyo")
    assert sorted(p.suffix for p in first.parent.iterdir()) == [".csv", ".pdf", ".png", ".svg"]
    for suffix in (".pdf", ".png", ".svg", ".csv"):
        assert first.with_suffix(suffix).read_bytes() == second.with_suffix(suffix).read_bytes()
    assert "<!-- PLANTED -->" in first.with_suffix(".svg").read_text(encoding="utf-8")
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", first.read_bytes(), flags=re.DOTALL)
    pages = b"".join(zlib.decompress(s) for s in streams if s[:1] == b"\x78")
    assert b"PLANTED" in re.sub(rb"\)\s*-?[\d.]+\s*\(|\x00", b"", pages)  # without kerning between letters


@pytest.mark.parametrize("figure", ["construction", *FIGURES])
@pytest.mark.parametrize("name", PACKS)
def test_nothing_is_cut_off_and_no_labels_overlap(figure, name):
    drawn = drawn_of(figure, pack(PACKS[name]()), "planted" if name == "whole" else "rerun")
    page = drawn.figure.bbox
    own = [[t for t in axes.texts if t.get_text() != "PLANTED"] for axes in drawn.figure.axes]
    titles = [t for a in drawn.figure.axes for t in (a.title, a._left_title, a.xaxis.label, a.yaxis.label)]
    for text in [t for texts in own for t in texts] + titles + drawn.figure.texts:
        if text.get_text():
            box = text.get_window_extent()
            assert min(box.x0, box.y0) > -1 and box.x1 < page.x1 + 1 and box.y1 < page.y1 + 1, text.get_text()
    for texts in own:
        boxes = [(t.get_text(), plt.Text.get_window_extent(t)) for t in texts if t.get_text()]
        assert not [(a[0], b[0]) for a, b in combinations(boxes, 2) if a[1].overlaps(b[1])]
    assert len(drawn.rows) and ("PLANTED" in _texts(drawn)) == (name == "whole" and figure != "construction")


def _texts(drawn: Drawn) -> list[str]:
    return [text.get_text() for axes in drawn.figure.axes for text in axes.texts]


def test_method_has_one_colour_in_all_figures():
    assert len({(m.colour, m.hatch) for m in METHODS.values()}) == len(METHODS)
    found = {}
    for figure in FIGURES:
        for axes in drawn_of(figure, pack(whole_pack())).figure.axes:
            for text in axes.texts:
                method = next((m for m in METHODS.values() if text.get_text().startswith(m.label)), None)
                if method:
                    found.setdefault(method.label, set()).add(text.get_color())
    assert found == {m.label: {m.colour} for name, m in METHODS.items() if name in ("real", *LOSSES)}


def test_footnote_states_scale_source_seeds_documents_and_band():
    students = [real(seed=0), real(seed=1), synthetic("simple", 2, 3.4)]
    note = drawn_of("generation_scaling", pack(students), "shipped").figure.get_supxlabel().replace("\n", " ")
    assert note.startswith("Scale laptop: result tables shipped with the repository; 1 to 2 seeds; 20 documents.")
    assert "Bands: 90% bootstrap" in note and note.endswith("This scale's numbers are not the paper's.")


def test_generation_scaling_draws_the_planted_losses_with_paired_bands():
    """Documents that are hard for all students alike leave differences between them without any spread."""
    drawn = drawn_of("generation_scaling", pack(whole_pack()))
    rows = drawn.rows.set_index(["stream", "generations"])
    planted = {("real", 0): 3.5, **{(s, g): loss for s, own in LOSSES.items() for g, loss in own.items()}}
    assert rows["loss_nats"].to_dict() == pytest.approx({**planted, ("real", 0): float(LAW.loss(D))})
    assert np.allclose(rows["low"], rows["loss_nats"]) and np.allclose(rows["high"], rows["loss_nats"])
    (axes,) = drawn.figure.axes
    lines = {line.get_color(): line for line in axes.lines if len(line.get_xdata()) == 3}
    for stream, own in LOSSES.items():
        line = lines[METHODS[stream].colour]
        assert list(line.get_xdata()) == [0, 2, 8]
        assert line.get_ydata() == pytest.approx([float(LAW.loss(D)), own[2], own[8]])


def test_data_efficiency_by_hand():
    """A loss that real-only students have at 2 D is worth 2, by the law and between the sets; one below all, none."""
    students = [*map(real, (1, 2, 4, 8)), synthetic("simple", 2, float(LAW.loss(2 * D))), synthetic("latent", 2, 3.0)]
    rows = drawn_of("data_efficiency", pack(students)).rows.set_index(["stream", "real_tokens"])
    simple, latent = rows.loc[("simple", D)], rows.loc[("latent", D)]
    assert simple["efficiency"] == pytest.approx(2, rel=1e-4)
    assert simple["interpolated_efficiency"] == pytest.approx(2)
    assert rows.loc[("real", D), "efficiency"] == rows.loc[("real", D), "interpolated_efficiency"] == 1
    assert latent[["efficiency", "interpolated_efficiency"]].isna().all()
    assert latent["status"] == "outside the law's range"


def test_without_a_law_the_efficiency_is_still_interpolated():
    students = [*map(real, (1, 2, 4)), synthetic("simple", 2, float(LAW.loss(np.sqrt(2) * D)))]
    drawn = drawn_of("data_efficiency", pack(students))
    simple = drawn.rows[drawn.rows["stream"] == "simple"].iloc[0]
    share = (LAW.loss(D) - LAW.loss(np.sqrt(2) * D)) / (LAW.loss(D) - LAW.loss(2 * D))
    assert simple["interpolated_efficiency"] == pytest.approx(2**share)
    assert simple["status"].startswith("not identified: 3 sizes of D") and pd.isna(simple["efficiency"])
    assert "Law not identified: 3 sizes" in drawn.figure.get_supxlabel().replace("\n", " ")


def test_best_of_a_sweep_is_chosen_on_the_tuning_documents():
    """Not on those that are reported: the student with the lowest reported loss is not circled."""
    lucky = synthetic("simple", 2, 3.30, SWEEPS, real_epochs=16, sets={"tuning": 3.5})
    steady = synthetic("simple", 2, 3.35, SWEEPS, real_epochs=4, sets={"tuning": 3.4})
    for figure in ("epochs_and_mixing", "optimum_against_generations"):
        rows = drawn_of(figure, pack([real(), lucky, steady])).rows
        assert rows.loc[rows["circled"], "real_epochs"].tolist() == [4]


def test_arrows_join_the_optima_of_each_stream():
    drawn = drawn_of("optimum_against_generations", pack(whole_pack()))
    arrows = [
        [(text.xyann[0], text.xy[0]) for text in axes.texts if not text.get_text() and text.arrow_patch]
        for axes in drawn.figure.axes
    ]
    assert arrows == [[(8, 16)], [(4, 32)]]


def test_downstream_error_by_hand():
    better = {"arc_easy": 0.5, "piqa": 0.6, "sciq": 1.0}
    rows = drawn_of("downstream", pack([real(), synthetic("simple", 2, 3.4, accuracy=better)])).rows
    error = rows.set_index(["task", "stream"])["error"]
    assert error["downstream_average_v1", "real"] == pytest.approx(0.4)
    assert error["downstream_average_v1", "simple"] == pytest.approx(0.3)
    assert error["arc_easy", "simple"] == pytest.approx(0.5)
    average = rows[rows["task"] == "downstream_average_v1"]
    assert (average["high"] - average["error"]).tolist() == pytest.approx([0.01 / np.sqrt(3)] * 2)


@pytest.mark.parametrize("figure", FIGURES)
def test_pack_without_what_a_figure_needs_is_refused(figure):
    with pytest.raises(UserError, match="results/tables: "):
        drawn_of(figure, pack([real(studies="ordering")]))
    with pytest.raises(UserError, match="synthetic|no student|out-of-distribution|megadocs"):
        drawn_of(figure, pack([real()]))


def test_labels_are_spread_with_the_least_move():
    assert spread_out(np.array([0.5, 0.1, 0.9]), 0.2).tolist() == [0.5, 0.1, 0.9]
    assert spread_out(np.array([0.5, 0.5]), 0.2) == pytest.approx([0.4, 0.6])
    assert spread_out(np.array([0.9, 0.52, 0.5]), 0.1) == pytest.approx([0.9, 0.56, 0.46])
