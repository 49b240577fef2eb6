"""Figures: the same tables give the same bytes, and the CSV beside a figure holds what is drawn."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.workflow.conftest import run_module

D = 32_768
LAW = {
    "A": 0.02, "B": 0.5, "C": 3.0, "A_band": [0.01, 0.03], "B_band": [0.4, 0.6], "C_band": [2.8, 3.2],
    "asymptote_identified": True, "range_tokens": [D // 2, 4 * D],
}  # fmt: skip
LOSSES = {"real": {0: 6.5}, "simple": {2: 6.2, 8: 6.0}, "stitched_real_first": {2: 6.1, 8: 5.0}}
EFFICIENCIES = {("real", 0): 1.0, ("simple", 2): 1.2, ("simple", 8): 1.36, ("stitched_real_first", 2): 1.27}
FIGURES = ["generation_scaling", "data_efficiency", "context_length"]


def summary_table() -> pd.DataFrame:
    """Losses on three sets: real-only at four D, and two methods at G = 2 and 8."""
    losses = [("real", 0, tokens, loss) for tokens, loss in ((D // 2, 7.0), (2 * D, 6.0), (4 * D, 5.6))]
    losses += [(stream, g, D, loss) for stream, own in LOSSES.items() for g, loss in own.items()]
    rows = [
        {"set": name, "stream": stream, "generations": g, "real_tokens": tokens, "seeds": 1, "documents": 50,
         "loss_nats": loss + shift, "low": loss + shift - 0.1, "high": loss + shift + 0.2}
        for name, shift in {"long": -0.3, "short": 0.4, "validation": 0.0, "newsgroups": 1.0}.items()
        for stream, g, tokens, loss in losses
    ]  # fmt: skip
    return pd.DataFrame(rows)


def analysis_record() -> dict:
    """A fitted law; the second method at G = 8 is outside its range."""
    outside = {"status": "outside the law's range", "efficiency": None, "low": None, "high": None}
    rows = []
    for stream, own in LOSSES.items():
        for g, loss in own.items():
            value = EFFICIENCIES.get((stream, g))
            found = {"status": "measured", "efficiency": value, "low": value, "high": value} if value else outside
            rows.append({"stream": stream, "generations": g, "real_tokens": D, "loss_nats": loss, **found})
    return {"band": 0.9, "draws": 10, "seeds": 1, "status": "fitted", "law": LAW, "efficiencies": rows}


@pytest.fixture
def tables(tmp_path) -> Path:
    """Folder with both inputs of a figure."""
    summary_table().to_csv(tmp_path / "summary.csv", index=False)
    (tmp_path / "analysis.json").write_text(json.dumps(analysis_record()))
    return tmp_path


def draw(tables: Path, figure: str, folder: str, **environment: str) -> Path:
    """Draw a figure by its command."""
    inputs = ("--summary", tables / "summary.csv", "--analysis", tables / "analysis.json", "--scale", "laptop")
    output = tables / folder / f"{figure}.pdf"
    found = run_module(f"workflow_scripts.figures.{figure}", *inputs, "--output", output, cwd=tables, **environment)
    assert found.returncode == 0, found.stderr
    return output


@pytest.mark.parametrize("figure", FIGURES)
def test_same_tables_give_the_same_bytes(tables, figure):
    first = draw(tables, figure, "first", PYTHONHASHSEED="1", TZ="UTC")
    second = draw(tables, figure, "second", PYTHONHASHSEED="2", TZ="Asia/Tokyo")
    for suffix in (".pdf", ".png", ".csv"):
        content = first.with_suffix(suffix).read_bytes()
        assert content == second.with_suffix(suffix).read_bytes() and len(content) > 100
    assert sorted(p.name for p in first.parent.iterdir()) == [f"{figure}{s}" for s in (".csv", ".pdf", ".png")]
    check_csv(figure, pd.read_csv(first.with_suffix(".csv")))


def check_csv(figure: str, drawn: pd.DataFrame) -> None:
    """The CSV holds the numbers of the figure and no others."""
    summary = summary_table()
    if figure == "data_efficiency":
        own = summary[summary["set"] == "validation"].reset_index(drop=True)
        pd.testing.assert_series_equal(drawn["loss_nats"], own["loss_nats"])
        found = drawn[drawn["real_tokens"] == D].set_index(["stream", "generations"])["efficiency"]
        assert found.dropna().to_dict() == EFFICIENCIES
        last = drawn[(drawn["stream"] == "stitched_real_first") & (drawn["generations"] == 8)]
        assert last["status"].item() == "outside the law's range" and last["efficiency"].isna().all()
        return
    sets = {"generation_scaling": ["validation"], "context_length": ["long", "short"]}[figure]
    own = summary[summary["set"].isin(sets) & (summary["real_tokens"] == D)].reset_index(drop=True)
    pd.testing.assert_frame_equal(drawn, own)


def test_law_that_is_not_identified_is_drawn_as_such(tables):
    record = analysis_record() | {"status": "not identified: 3 sizes of D", "law": None, "efficiencies": []}
    (tables / "analysis.json").write_text(json.dumps(record))
    drawn = pd.read_csv(draw(tables, "data_efficiency", "out").with_suffix(".csv"))
    assert set(drawn["status"]) == {"not identified: 3 sizes of D"}
    assert drawn["efficiency"].isna().all() and len(drawn) == 8
