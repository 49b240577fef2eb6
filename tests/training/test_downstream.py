"""The harness on an exported student: its likelihoods are our losses, its accuracies are those counted by hand."""

import json
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tests.training.conftest import ROOT, TRAINING, VOCABULARY
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import sha256, write_json
from workflow_scripts.config.models import Student
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.evaluation.downstream import checked_tasks
from workflow_scripts.training.export import export_student, load_student
from workflow_scripts.training.model import Llama

SHAPE = Student(hidden=32, feed_forward=48, layers=2, heads=4, key_value_heads=2, max_context=128, initializer_std=0.3)
SETTINGS = TRAINING.model_copy(update={"context": 128})
QUESTIONS = {
    "arc_easy": [
        {
            "question": f"{name}?",
            "choices": {"text": ["yes", "no", "the hat"], "label": ["A", "B", "C"]},
            "answerKey": k,
        }
        for name, k in zip(["cat", "hat", "a cat"], "ABC", strict=True)
    ],
    "piqa": [{"goal": goal, "sol1": "sit", "sol2": "the cat sat", "label": 1} for goal in ["Sit", "Hat", "Cat"]],
    "sciq": [
        {
            "support": "",
            "question": q,
            "distractor1": "a",
            "distractor2": "b",
            "distractor3": "c",
            "correct_answer": "d",
        }
        for q in ["Who?", "What?", "Why?"]
    ],
}
PROMPTS = {
    "arc_easy": lambda row: (
        f"Question: {row['question']}\nAnswer:",
        row["choices"]["text"],
        "ABC".index(row["answerKey"]),
    ),
    "piqa": lambda row: (f"Question: {row['goal']}\nAnswer:", [row["sol1"], row["sol2"]], row["label"]),
    "sciq": lambda row: (f"\nQuestion: {row['question']}\nAnswer:", ["a", "b", "c", "d"], 3),
}  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory, tokenizer_path):
    """Folder of an exported student whose weights are large enough that its answers differ."""
    folder = tmp_path_factory.mktemp("downstream") / "model"
    export_student(Llama(SHAPE, VOCABULARY, torch.float32).initialise(5), VOCABULARY, tokenizer_path, folder)
    return folder


@pytest.fixture
def questions(tmp_path):
    """Folder of three questions per task, as `prepare_questions` leaves it."""
    about = {}
    for task, rows in QUESTIONS.items():
        path = tmp_path / f"{task}.parquet"
        pq.write_table(pa.Table.from_pylist(rows), path)
        about[task] = {"split": "validation", "questions": 3, "sha256": sha256(path)}
    write_json(tmp_path / "questions.json", {"tasks": about})
    return tmp_path


@torch.inference_mode()
def likelihood(model, prompt: str, answer: str) -> float:
    """Log-probability in nats of an answer after BOS and its prompt: minus our own token losses."""
    student, tokenizer = load_student(model, torch.float32)[0], StudentTokenizer(model / "tokenizer.json")
    whole, before = (tokenizer.rows([text])[0][:-1] for text in (prompt + answer, prompt))
    losses = student.token_losses(torch.tensor([whole]), None)[0]
    return -float(losses[len(before) - 1 :].sum())


def test_likelihoods_are_our_losses(model):
    from lm_eval.api.instance import Instance

    from workflow_scripts.evaluation.harness import open_student

    pairs = [("Question: a cat?\nAnswer:", " the hat"), ("Question: a hat?\nAnswer:", " the cat and the hat")]
    asked = [Instance("loglikelihood", {}, pair, place) for place, pair in enumerate(pairs)]
    found = [score for score, _ in open_student(model, SETTINGS).loglikelihood(asked)]
    assert found == pytest.approx([likelihood(model, *pair) for pair in pairs], abs=1e-3)
    assert abs(found[0] - found[1]) > 1


def test_answer_longer_than_the_context_is_refused(model):
    from lm_eval.api.instance import Instance

    from workflow_scripts.evaluation.harness import open_student

    asked = [Instance("loglikelihood", {}, ("Question:", " x" * 100), 0)]
    with pytest.raises(UserError, match="an answer has 200 tokens, more than the student's context of 128"):
        open_student(model, SETTINGS).loglikelihood(asked)


def start(model, questions, output, home, **settings) -> subprocess.Popen:
    """The command, with a home folder in which nothing may be left."""
    options = {
        "run": output.stem, "model": model, "questions": questions, "settings": json.dumps(settings),
        "training": SETTINGS.model_dump_json(), "output": output,
    }  # fmt: skip
    words = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "workflow_scripts.evaluation.downstream", *words]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | {"HOME": str(home)}, stdout=-1, stderr=-1, text=True)


def test_two_students_at_once_get_the_accuracies_counted_by_hand(model, questions, tmp_path):
    (tmp_path / "home").mkdir()
    jobs = {
        tmp_path / f"{name}.json": start(model, questions, tmp_path / f"{name}.json", tmp_path / "home", **settings)
        for name, settings in {"all": {}, "first": {"limit": 2}}.items()
    }
    for job in jobs.values():
        assert job.wait() == 0, job.communicate()[1]
    whole, first = (json.loads(path.read_text()) for path in jobs)
    for row in whole["tasks"]:
        right = whole["right"][row["task"]]
        assert right == "".join(map(str, map(int, by_hand(model, row["task"]))))
        assert (row["run_id"], row["accuracy"], row["questions"]) == ("all", pytest.approx(right.count("1") / 3), 3)
        assert (row["metric"], row["shots"], row["split"], row["task_version"]) == ("acc", 0, "validation", "1.0")
        assert first["right"][row["task"]] == right[:2]
    assert "0" in "".join(whole["right"].values()) and "1" in "".join(whole["right"].values())
    assert whole["cut_requests"] == 0
    assert not list((tmp_path / "home").rglob("*"))


def by_hand(model, task: str) -> list[bool]:
    """Whether the likeliest answer of each question is the right one."""
    found = []
    for prompt, answers, right in map(PROMPTS[task], QUESTIONS[task]):
        scores = [likelihood(model, prompt, f" {answer}") for answer in answers]
        found.append(scores.index(max(scores)) == right)
    return found


def test_questions_that_are_not_as_written_are_refused(questions):
    pq.write_table(pa.Table.from_pylist(QUESTIONS["piqa"][:2]), questions / "piqa.parquet")
    with pytest.raises(UserError, match=r"piqa.parquet: the file is damaged"):
        checked_tasks(questions, ["arc_easy", "piqa"])
    with pytest.raises(UserError, match="the questions of piqa are missing"):
        checked_tasks(questions, ["piqa"])
