"""Where results come from: shipped and planted ones go through the same rules, and nothing can be trained then."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.workflow.conftest import ROOT
from tests.workflow.test_runs import shipped_config
from workflow_scripts.config.load import load_config
from workflow_scripts.config.studies import expand_runs
from workflow_scripts.evaluation.collect import EVERYTHING, collect
from workflow_scripts.evaluation.results import read_results, write_results
from workflow_scripts.evaluation.tables import FILES
from workflow_scripts.evaluation.take_apart import take_apart
from workflow_scripts.planted.plant import plant
from workflow_scripts.planted.truth import Truth

SCALE = "smoke"
COSTLY = {"train_student", "evaluate_losses", "evaluate_ensemble", "evaluate_downstream", "generate_texts"}
COSTLY |= {"pretrain_student", "probe_student", "train_generator", "generate_set", "train_rater"}
COSTLY |= {"sample_student", "build_environment", "read_documents", "build_stream", "build_self_distilled_stream"}


def snakemake(folder: Path, *options: str) -> subprocess.CompletedProcess:
    """`snakemake` at the smoke scale in a folder of the test's own."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder, "-c2"]
    command += ["--workflow-profile", ROOT / "profiles/default", "--configfile", ROOT / "config.yaml", *options]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True)


def of_source(source: str) -> list[str]:
    return ["--config", f"scale={SCALE}", f"source={source}", "--"]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory) -> Path:
    """A folder in which planted results of the smoke scale stand in for shipped ones."""
    folder = tmp_path_factory.mktemp("shipped")
    write_results(folder / f"results/shipped/{SCALE}", plant(shipped_config(SCALE), 1, Truth()))
    return folder


def rules_of(folder: Path, source: str) -> set[str]:
    return set(snakemake(folder, "--list-rules", *of_source(source)).stdout.split())


def test_nothing_can_be_trained_or_generated(shipped):
    assert rules_of(shipped, "rerun") >= COSTLY
    for source in ("shipped", "planted"):
        found = rules_of(shipped, source)
        assert {"supply_results", "collect_study", "draw_figure", "certify_optimum"} <= found
        assert not COSTLY & found
        run = expand_runs(shipped_config(SCALE))[0].run_id
        asked = snakemake(shipped, "-n", *of_source(source), f"results/{SCALE}-{source}/runs/{run}/model")
        assert asked.returncode and "MissingRuleException" in asked.stdout + asked.stderr


def of_megadocs(table):
    """Rows of the megadocs study's students: those of mixtures and of the comparison are in packs of their own."""
    return table[~table["run_id"].str.contains("-T[0-9]|unique-")]


def test_shipped_results_become_packs_and_fits_without_torch(shipped):
    tables = [f"results/{SCALE}-shipped/{path}" for path in ("tables/everything/students.csv", "tables/summary.csv")]
    found = snakemake(shipped, *of_source("shipped"), *tables)
    assert found.returncode == 0, found.stderr[-3000:]
    again = read_results(shipped / f"results/{SCALE}-shipped/tables/everything")
    own = read_results(shipped / f"results/shipped/{SCALE}")
    for name, keys in {"students": ["run_id"], "losses": ["run_id", "set", "doc_id"]}.items():
        pair = [of_megadocs(getattr(each, name)).sort_values(keys).reset_index(drop=True) for each in (again, own)]
        pd.testing.assert_frame_equal(*pair, check_like=True, check_dtype=False, check_categorical=False)
    assert not list(shipped.rglob("model")) and not list(shipped.glob(".venv*"))


def test_student_that_is_not_shipped_is_named_before_any_job(shipped, tmp_path):
    pack = tmp_path / f"results/shipped/{SCALE}"
    shutil.copytree(shipped / f"results/shipped/{SCALE}", pack)
    students = pd.read_csv(pack / "students.csv")
    gone = expand_runs(shipped_config(SCALE))[0].run_id
    students[students["run_id"] != gone].to_csv(pack / "students.csv", index=False)
    found = snakemake(tmp_path, *of_source("shipped"), "tuning")
    assert found.returncode
    assert re.search(rf"students.csv: student {re.escape(gone)} .* is not shipped.*set source=rerun", found.stderr)
    assert not (tmp_path / f"results/{SCALE}-shipped").exists()


def test_scale_that_is_not_shipped_is_said(tmp_path):
    found = snakemake(tmp_path, "--config", "scale=gpu", "source=shipped", "--", "tuning")
    assert found.returncode and "results are shipped of these scales" in found.stderr


def test_source_is_short_for_runs_source(shipped_dictionary):
    found = load_config(shipped_dictionary | {"scale": "paper", "source": "planted"})
    assert (found.runs.source, found.results) == ("planted", "results/paper-planted")


@pytest.fixture
def shipped_dictionary() -> dict:
    """The config as it is read."""
    return shipped_config(SCALE).model_dump()


def test_a_pack_survives_being_taken_apart(tmp_path):
    config = shipped_config(SCALE)
    own = plant(config, 2, Truth())
    take_apart(own, tmp_path)
    again = collect(config, EVERYTHING, tmp_path)
    for name, keys in {"ensembles": ["ensemble", "members", "set", "doc_id"], "downstream": ["run_id", "task"]}.items():
        pair = [getattr(each, name).sort_values(keys).reset_index(drop=True) for each in (again, own)]
        pd.testing.assert_frame_equal(*pair, check_like=True, check_dtype=False, check_categorical=False)


@pytest.fixture(scope="module")
def part(tmp_path_factory) -> Path:
    """A folder that ships students of mixtures and the comparison of all methods, not the megadocs study."""
    folder = tmp_path_factory.mktemp("part")
    pack = folder / f"results/shipped/{SCALE}"
    for name in FILES.values():
        (pack / "methods").mkdir(parents=True, exist_ok=True)
        (pack / name).touch()
        (pack / "methods" / name).touch()
    (pack / "methods/arms.csv").touch()
    names = [run.run_id for run in expand_runs(shipped_config(SCALE)) if run.budget_tokens]
    pd.DataFrame({"run_id": names}).to_csv(pack / "students.csv", index=False)
    return folder


def test_a_page_is_made_of_the_part_that_is_shipped(part):
    found = snakemake(part, "-n", *of_source("shipped"), "page", "figures", "all")
    jobs = set(re.findall(r"rule (\w+):", found.stdout))
    assert found.returncode == 0, found.stderr[-3000:]
    assert {"write_page", "supply_methods", "compare_arms", "check_comparison_claims"} <= jobs
    assert not {"fit_data_efficiency", "collect_study", "check_claims", "tabulate_results"} & jobs


@pytest.mark.parametrize("target", ["generation_scaling", "tuning", f"results/{SCALE}-shipped/tables/results.md"])
def test_what_needs_a_study_that_is_not_shipped_says_so(part, target):
    found = snakemake(part, "-n", *of_source("shipped"), target)
    said = found.stdout + found.stderr
    assert found.returncode and "MissingInputException" not in said
    assert re.search(rf"results/shipped/{SCALE} lacks students of the study \w+: set source=rerun", said)


def test_comparison_that_is_not_shipped_is_said(shipped):
    found = snakemake(shipped, "-n", *of_source("shipped"), "comparison")
    assert found.returncode and "lacks students of the comparison of all methods" in found.stdout + found.stderr
