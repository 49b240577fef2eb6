"""A browser, and a page of a few made-up students."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.debian import unpacked
from tests.page.browser import Page, browser
from tests.page.results import comparison, write_folder
from tests.workflow.conftest import ROOT, run_main
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import write_json
from workflow_scripts.config.load import load_config
from workflow_scripts.page import page

PACKAGES = ["chromium-headless-shell"]


@pytest.fixture(scope="session")
def tab(tmp_path_factory) -> Iterator[Page]:
    """A tab of Debian's Chromium; skips, with the reason, where it can't be had."""
    try:
        root = unpacked("chromium", PACKAGES)
    except UserError as reason:
        pytest.skip(str(reason))
    folders = [*(root / "usr/lib").glob("*-linux-gnu"), *(root / "usr/lib").glob("*-linux-gnu/pulseaudio")]
    program = root / "usr/lib/chromium/chromium-headless-shell"
    libraries = ":".join(map(str, [*folders, program.parent]))
    with browser(program, libraries, tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="session")
def own_page(tmp_path_factory) -> Path:
    """A page that has everything."""
    return make_page(tmp_path_factory.mktemp("results"), "rerun")


@pytest.fixture(scope="session")
def methods_page(tmp_path_factory) -> Path:
    """A page whose first screen is the comparison of all methods."""
    folder = tmp_path_factory.mktemp("methods")
    write_json(folder / "comparison/comparison.json", comparison())
    return make_page(folder, "rerun")


def make_page(folder: Path, source: str, optional: bool = True) -> Path:
    """The page of made-up results; `optional`: with claims, figures and examples."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    settings = load_config(config | {"scale": "laptop", "runs": {"source": source}})
    write_folder(folder, optional)
    run_main(
        page.main, config=settings.model_dump_json(), results=[folder / "pack"], folder=folder, shipped=None,
        output=folder / "page.html",
    )  # fmt: skip
    return folder / "page.html"
