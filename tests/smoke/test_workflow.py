"""The whole workflow at the smoke scale: real text, vLLM and the real 135M model, killed once on the way."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.processes import processes_in
from workflow_scripts.evaluation.results import read_results
from workflow_scripts.figures.catalogue import COMPARISON, FIGURES, MIXTURES, SYNPRO
from workflow_scripts.scaling.bootstrap import mean_losses

ROOT = Path(__file__).parents[2]
STUDENTS = 4 + 3 * 2 + 8  # of the law, of three methods at two G, of the other studies
SMOKE = ["--configfile", ROOT / "config.yaml", "--config", "scale=smoke"]


def snakemake(folder: Path, *options: object) -> list[str]:
    base = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder, "--cores", "2"]
    return list(map(str, [*base, "--workflow-profile", ROOT / "profiles/default", *options]))


def run(folder: Path, *options: object) -> str:
    result = subprocess.run(snakemake(folder, *options), capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-6000:]
    return result.stdout + result.stderr


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A working folder in which the smoke scale was killed with -9 in the middle and then called again."""
    folder = tmp_path_factory.mktemp("smoke")
    process = subprocess.Popen(
        snakemake(folder, *SMOKE), start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    journal = folder / "results/smoke/generations/journal"
    deadline = time.monotonic() + 300
    while len(list(journal.glob("*.json"))) < 1 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run(["pkill", "-9", "-f", str(folder)])  # nothing of it lives on
    assert list(journal.glob("*.json")), "killed before generation had begun"
    for path in (folder / "results").rglob("[!.]*.parquet"):
        pq.read_metadata(path)  # whole, or not there
    for path in (folder / "results").rglob("[!.]*.json"):
        json.loads(path.read_text())
    run(folder, *SMOKE)
    return folder


def students_of_default_target(folder: Path) -> list[dict]:
    """Rows of the run table that `snakemake` trains; those of mixtures have a target of their own."""
    rows = csv.DictReader((folder / "results/smoke/runs.csv").open())
    return [row for row in rows if row["budget_tokens"] == "0"]


def test_every_figure_is_there_with_its_numbers(folder):
    for name in (name for name, figure in FIGURES.items() if figure.paper not in (MIXTURES, SYNPRO, COMPARISON)):
        for suffix in ("pdf", "png", "svg", "csv"):
            assert (folder / f"results/smoke/figures/{name}.{suffix}").stat().st_size > 100
    drawn = pd.read_csv(folder / "results/smoke/figures/generation_scaling.csv")
    assert set(drawn["stream"]) == {"real", "simple", "stitched", "latent"} and drawn["loss_nats"].between(1, 10).all()
    assert ((drawn["low"] <= drawn["loss_nats"]) & (drawn["loss_nats"] <= drawn["high"])).all()


def test_second_call_does_nothing(folder):
    assert "Nothing to be done" in run(folder, *SMOKE)


def test_token_counts_add_up_from_documents_to_students(folder):
    results = folder / "results/smoke"
    stitched, simple = (json.loads((results / f"streams/{s}-G2.json").read_text()) for s in ("stitched", "simple"))
    assert stitched["tokens"] == simple["tokens"] and stitched["tokens_by_kind"] == simple["tokens_by_kind"]
    rows = students_of_default_target(folder)
    assert len(rows) == STUDENTS
    for row in rows:
        metrics = json.loads((results / "runs" / row["run_id"] / "metrics.json").read_text())
        assert metrics["tokens"] == metrics["real_tokens_seen"] + metrics["synthetic_tokens_seen"]
        passed_over = stitched["tokens"] if row["alone"] == "True" else int(row["real_tokens"])
        assert metrics["steps"] == int(passed_over // 512 * int(row["real_epochs"]) / (1 - float(row["mixing_ratio"])))


def test_every_study_has_its_losses_and_ensembles_gain(folder):
    studies = folder / "results/smoke/tables/studies"
    rows = students_of_default_target(folder)
    for study in {name for row in rows for name in row["studies"].split()}:
        found = read_results(studies / study)
        expected = {row["run_id"] for row in rows if study in row["studies"].split()}
        assert set(found.students["run_id"]) == expected == set(found.losses["run_id"]) and found.sets
        assert mean_losses(found.losses, "run_id", "validation").between(1, 10).all()
    found = read_results(studies / "ensembles")
    alone = mean_losses(found.losses, "run_id", "validation")
    together = mean_losses(found.ensembles, "members", "validation")
    assert together[1] == pytest.approx(alone.sort_index().iloc[0], abs=1e-4) and together[2] < alone.mean()


def test_first_seeds_are_asked_all_three_tasks(folder):
    found = read_results(folder / "results/smoke/tables/studies/generation_scaling").downstream
    assert set(found["task"]) == {"arc_easy", "piqa", "sciq"} and set(found["questions"]) == {8}
    assert found["run_id"].nunique() == 7 and found["accuracy"].between(0, 1).all()


def test_self_distilled_stream_is_as_large_as_the_simple_one(folder):
    streams = folder / "results/smoke/streams"
    own, simple = (json.loads((streams / f"{name}.json").read_text()) for name in ("self_distilled", "simple-G2"))
    assert simple["tokens"] <= own["tokens"] < 1.2 * simple["tokens"] and set(own["rows_by_kind"]) == {"sample"}


def test_plan_and_status_say_that_all_is_done(folder):
    left = len(list(csv.DictReader((folder / "results/smoke/runs.csv").open()))) - STUDENTS  # of mixtures
    planned = STUDENTS + left + 6  # pretrainings of SynPro, which has a target of its own, too
    assert re.search(rf"training: {planned} jobs, {STUDENTS} done, 0", run(folder, "plan", *SMOKE))
    done = rf"all, each student once +{STUDENTS + left} +{left} +- +- +{STUDENTS} +-"
    assert re.search(done, run(folder, "status", *SMOKE))


def test_no_held_out_text_is_trained_on(folder):
    results = folder / "results/smoke/corpus"
    paths = ("train", "split/tuning", "split/validation")
    train, tuning, validation = (set(pq.read_table(results / f"{p}.parquet")["text"].to_pylist()) for p in paths)
    assert train and tuning and validation and not train & (tuning | validation) and not tuning & validation


def test_one_changed_row_re_runs_one_student(folder, tmp_path):
    table = (ROOT / "results/shipped/hyperparameters.csv").read_text()
    changed = re.sub(r"(smoke,tiny,latent,2,2048),2,", r"\1,3,", table)
    assert changed != table
    (tmp_path / "table.csv").write_text(changed)
    printed = run(folder, *SMOKE, f"hyperparameters={tmp_path / 'table.csv'}", "-n", "--quiet", "rules")
    assert re.search(r"train_student +1\n", printed), printed
    assert not re.search(r"(generate_texts|build_stream|split_documents) +\d", printed), printed


def test_report_renders(folder):
    run(folder, *SMOKE, "--report", folder / "report.html")
    text = (folder / "report.html").read_text()
    assert "Loss against generations per document" in text and "not the paper" in text


def test_megadoc_is_printed_in_stitched_order(folder):
    results = folder / "results/smoke"
    doc_id = pq.read_table(results / "streams/stitched-G2.rows.parquet").column("doc_id")[0].as_py()
    command = [sys.executable, "-m", "workflow_scripts.megadocs.show", results / "streams/stitched-G2", doc_id]
    printed = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert re.findall(r"── (\w+)", printed) == ["rephrase", "rephrase", "real"]


def test_paper_scale_is_planned_without_a_network(tmp_path):
    started = time.monotonic()
    printed = run(tmp_path, "--configfile", ROOT / "config.yaml", "--config", "scale=paper", "-n", "--quiet", "rules")
    assert re.search(r"train_student +441\n", printed) and re.search(r"generate_texts +40\n", printed), printed
    released = "scales={paper: {generation: {source: released}}}"
    printed = run(
        tmp_path, "--configfile", ROOT / "config.yaml", "--config", "scale=paper", released, "-n", "--quiet", "rules"
    )
    assert re.search(r"train_student +441\n", printed) and re.search(r"tokenise_released_stream +19\n", printed), (
        printed
    )
    assert not re.search(r"(generate_texts|sample_student|build_stream|shuffle_stream) +\d", printed), printed
    assert time.monotonic() - started < 60


def readme_example(title: str) -> str:
    """The YAML block under a heading of the README."""
    section = (ROOT / "README.md").read_text().split(f"### {title}\n")[1]
    return section.split("```yaml\n")[1].split("```")[0]


def test_readme_examples_with_a_server_that_two_jobs_share(folder, tmp_path):
    """Documents and LLM of one's own as the README has them; and the jobs' server is ended with them."""
    (tmp_path / "documents.yaml").write_text(readme_example("Your own documents"))
    (tmp_path / "llm.yaml").write_text(readme_example("Your own LLM"))
    server = {"engine": "vllm-server", "batching": "continuous", "jobs": 2, "shards_per_job": 1, "batch_documents": 2}
    (tmp_path / "server.yaml").write_text(json.dumps({"scales": {"smoke": {"generation": server}}}))
    news = pq.read_table(folder / "results/smoke/corpus/raw/train.parquet").column("text").to_pylist()
    (tmp_path / "my_documents").mkdir()
    for number, text in enumerate(news):
        (tmp_path / f"my_documents/{number}.txt").write_text(text, encoding="utf-8")
    (tmp_path / "my_llm").symlink_to(folder / "results/llms/smollm2-135m-instruct")
    files = ["--configfile", ROOT / "config.yaml", "documents.yaml", "llm.yaml", "server.yaml"]
    result = subprocess.run(
        snakemake(tmp_path, *files, "--", "results/smoke/streams/stitched-G2.json"),
        capture_output=True, text=True, cwd=tmp_path, timeout=400,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-4000:]
    made = json.loads((tmp_path / "results/smoke/streams/stitched-G2.json").read_text())
    generations = tmp_path / "results/smoke/generations"
    rows = [pq.read_table(generations / f"rephrase-{job}.0.parquet").to_pylist() for job in range(2)]
    assert all(rows) and made["rows_by_kind"]["rephrase"] > 0
    assert {row["model"] for row in sum(rows, [])} == {"my_llm"}
    assert all(row["engine"].startswith("vllm-server 0.") for row in sum(rows, []))
    assert not (generations / "server.json").exists() and processes_in(tmp_path) == []
