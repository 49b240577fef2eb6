"""The page of a scale that ships the comparison of all methods and students of mixtures, not the megadocs study."""

import html
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.page.results import comparison
from tests.page.test_page import CONTRASTS, NOISE
from tests.workflow.arm_packs import WORTHS, arm_pack, write_arm_pack
from tests.workflow.conftest import ROOT, run_main
from workflow_scripts.common.files import read_json, write_json
from workflow_scripts.config.load import load_config
from workflow_scripts.config.models import Config
from workflow_scripts.config.studies import expand_runs
from workflow_scripts.page import page

QUALITY = "generations/quality.json"


@pytest.fixture(scope="module")
def config() -> Config:
    """The laptop's, of shipped results."""
    raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    return load_config(raw | {"scale": "laptop", "runs": {"source": "shipped"}})


@pytest.fixture(scope="module")
def written(tmp_path_factory, config) -> Path:
    """Its file."""
    folder, shipped = tmp_path_factory.mktemp("results"), tmp_path_factory.mktemp("shipped") / "laptop"
    write_json(folder / "comparison/comparison.json", comparison())
    write_arm_pack(folder / "tables/methods", arm_pack({**WORTHS, "mga": 1.2}))
    ship(shipped, config)
    run_main(
        page.main, config=config.model_dump_json(), results=[folder / "tables/methods"], folder=folder,
        shipped=shipped, output=folder / "page.html",
    )  # fmt: skip
    return folder / "page.html"


@pytest.fixture(scope="module")
def shipped_page(written) -> str:
    """Its HTML."""
    return written.read_text(encoding="utf-8")


def ship(folder: Path, config: Config) -> None:
    """Names of the students of mixtures, a picture of theirs, measures of texts without them, a pack of all methods."""
    (folder / "methods").mkdir(parents=True)
    (folder / "methods/students.csv").touch()
    names = [run.run_id for run in expand_runs(config) if run.budget_tokens]
    pd.DataFrame({"run_id": names}).to_csv(folder / "students.csv", index=False)
    (folder / "figures").mkdir()
    write_json(folder / QUALITY, read_json(ROOT / "results/shipped/replication" / QUALITY))
    (folder / "figures/mixture_data.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 36"/>')


def words(text: str) -> str:
    """What is read of a part of the page."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)))


def section(text: str, name: str) -> str:
    """One section."""
    return re.search(rf'<section id="{name}".*?</section>', text, re.DOTALL)[0]


def test_the_comparison_is_the_first_screen_and_no_headline_is_shown(shipped_page):
    assert shipped_page.index('id="methods"') < shipped_page.index('id="answer"')
    assert 'href="#answer"' not in shipped_page
    answer = words(section(shipped_page, "answer"))
    assert (
        "students of the megadocs study are not at hand at scale laptop" in answer
        and "data efficiency of" not in answer
    )
    assert "validation documents" in answer and "seeds 3" in answer
    assert "Bands hold 90% of bootstrap draws" in words(section(shipped_page, "trust"))


def test_runs_are_those_of_the_comparison_by_name_and_colour(shipped_page):
    runs, pack = section(shipped_page, "runs"), arm_pack({**WORTHS, "mga": 1.2})
    assert runs.count("data-run=") == len(pack.results.students)
    assert '<option value="comparison">all methods on one protocol</option>' in runs
    assert 'data-method="mga"' in runs and 'data-method="real only"' in runs


def test_measures_of_texts_are_shown_without_the_texts(shipped_page):
    assert "near copy of source" in section(shipped_page, "generations")
    assert "texts are kept where they were generated" in section(shipped_page, "examples")


def test_figures_are_shipped_ones_or_say_what_is_not_shipped(shipped_page):
    figures = section(shipped_page, "figures")
    assert 'id="figure-mixture_data"' in figures
    reason = "results/shipped/laptop lacks students of the study generation_scaling: set source=rerun to train them"
    assert f"Loss against generations per document {reason}" in words(figures).replace("  ", " ")
    assert "Data efficiency of every method not drawn yet" in words(figures).replace("  ", " ")


@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_is_legible_and_quiet(tab, written, width):
    tab.open(written, width)
    assert tab.value("document.documentElement.scrollWidth") == width and tab.value(CONTRASTS) == []
    assert [event for kind in NOISE for event in tab.told(kind)] == []
