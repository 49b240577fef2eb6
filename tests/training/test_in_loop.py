"""In-loop scores: losses as by hand and as the harness's, whatever else is in the batch; accuracies counted by hand."""

import argparse
import os

import numpy as np
import pandas as pd
import pytest
import torch

from tests.training.conftest import STUDENT, VOCABULARY
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import read_json
from workflow_scripts.config.models import Training
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.evaluation.in_loop import answer_losses, main, read_requests, score_rows, tokenised
from workflow_scripts.training.export import export_student, load_student
from workflow_scripts.training.model import Llama

REQUESTS = [
    ("hats", "0", "Question: a cat?\nAnswer:", [" the hat", " no"], 0, "characters"),
    ("hats", "1", "Question: the cat and the hat?\nAnswer:", [" é", " the cat and the hat"], 1, "characters"),
    ("hats", "2", "Question: who?\nAnswer:", [" hat", " cat", " and"], 2, "characters"),
    ("cats", "0", "the hat and" * 9, [" yes", " no"], 1, "none"),
    ("cats", "1", "Cat.", [" yes", " no"], 0, "none"),
]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tokenizer_path, tmp_path_factory):
    """An exported student, whose weights are large enough that its answers differ."""
    folder = tmp_path_factory.mktemp("in_loop") / "model"
    shape = STUDENT.model_copy(update={"max_context": 128, "initializer_std": 0.3})
    export_student(Llama(shape, VOCABULARY, torch.float32).initialise(5), VOCABULARY, tokenizer_path, folder)
    return folder


@pytest.fixture(scope="module")
def student(folder) -> tuple[Llama, StudentTokenizer]:
    """The same, opened."""
    return load_student(folder, torch.float32)[0], StudentTokenizer(folder / "tokenizer.json")


@pytest.fixture
def requests(tmp_path):
    """A file as `in_loop_questions` writes it."""
    rows = [
        {"task": task, "question": question, "choice": n, "context": context, "continuation": answer,
         "is_gold": n == right, "normaliser": normaliser}
        for task, question, context, answers, right, normaliser in REQUESTS for n, answer in enumerate(answers)
    ]  # fmt: skip
    pd.DataFrame(rows).to_parquet(tmp_path / "requests.parquet")
    return tmp_path / "requests.parquet"


def scored(table: pd.DataFrame, student) -> np.ndarray:
    """Losses of a table that is tokenised."""
    return answer_losses(student[0], table["ids"].tolist(), table["answer_tokens"].tolist(), CPU)


@torch.inference_mode()
def by_hand(student, ids: list[int], answer: int) -> float:
    """Loss in nats of the last tokens, in fp64 from all logits."""
    chances = student[0](torch.tensor([ids])).double().log_softmax(-1)[0, :-1]
    return -float(chances.gather(1, torch.tensor(ids[1:])[:, None])[-answer:].sum())


def test_losses_by_hand_and_alone(requests, student):
    table = tokenised(read_requests(requests), student[1], 128)
    found = scored(table, student)
    expected = [by_hand(student, ids, n) for ids, n in zip(table["ids"], table["answer_tokens"], strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    alone = np.concatenate([scored(table.iloc[[n]], student) for n in range(len(table))])
    np.testing.assert_allclose(found, alone, atol=1e-4)
    assert np.ptp(found) > 1


def test_losses_are_those_of_the_harness(requests, folder, student, tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "HF_HUB_OFFLINE", "1")
    from lm_eval.api.instance import Instance

    from workflow_scripts.evaluation.harness import open_student

    table = tokenised(read_requests(requests), student[1], 128)
    pairs = list(zip(table["context"], table["continuation"], strict=True))
    asked = [Instance("loglikelihood", {}, pair, n) for n, pair in enumerate(pairs)]
    model = open_student(folder, Training(student="test", context=128, batch_sequences=1, precision="fp32"))
    found = [-score for score, _ in model.loglikelihood(asked)]
    np.testing.assert_allclose(scored(table, student), found, atol=1e-3)


def test_long_prompts_lose_their_first_tokens_and_long_answers_are_left_out(requests, student):
    """The longest answer is ` the cat and the hat`, of `hats`' question 1; only `Cat.` with its answers is shorter."""
    table, tokenizer = read_requests(requests), student[1]
    longest = len(tokenizer.rows([" the cat and the hat"])[0]) - 2
    cut = tokenised(table, tokenizer, longest + 1)
    whole = tokenised(table, tokenizer, 1000)
    assert cut["cut"].tolist() == [True] * 9 + [False] * 2 and not whole["cut"].any()
    assert cut["ids"].tolist() == [ids[-longest - 1 :] for ids in whole["ids"]]
    assert {ids[0] for ids in whole["ids"]} == {tokenizer.bos_id}
    less = tokenised(table, tokenizer, longest)
    assert less[["task", "question"]].drop_duplicates().to_numpy().tolist() == [
        ["hats", "0"], ["hats", "2"], ["cats", "0"], ["cats", "1"],
    ]  # fmt: skip
    with pytest.raises(UserError, match="hats: only 0 questions fit into 3 tokens"):
        tokenised(table, tokenizer, 3)


def test_scores_by_hand(requests):
    """Per character: 3/7 < 1/2; 1/1 > 6/19; 4/3, 4/3 and 3/3. Per byte of the right answers: 3/7, 6/19, 3/3."""
    table = read_requests(requests).assign(nats=[3, 1, 1, 6, 4, 4, 3, 2, 1, 2, 1])
    rows = {(row["task"], row["metric"]): row for row in score_rows(table)}
    assert list(rows) == [(task, metric) for task in ("hats", "cats") for metric in ("accuracy", "gold_nats_per_byte")]
    hats, cats = rows["hats", "accuracy"], rows["cats", "accuracy"]
    assert (hats["value"], hats["stderr"], hats["questions"]) == (1.0, 0.0, 3)
    assert (cats["value"], cats["stderr"], cats["questions"]) == (0.5, pytest.approx(0.5), 2)
    losses = rows["hats", "gold_nats_per_byte"]
    values = np.array([3 / 7, 6 / 19, 1])
    assert losses["value"] == pytest.approx(values.mean())
    assert losses["stderr"] == pytest.approx(values.std(ddof=1) / 3**0.5)
    wide = table.assign(is_gold=[True, False, True, False, True, False, False] + [True, False] * 2)
    byte = [row["value"] for row in score_rows(wide) if row["metric"] == "gold_nats_per_byte"][0]
    assert byte == pytest.approx((3 / 7 + 1 / 2 + 4 / 3) / 3), "é is two bytes"
    raw = [row["value"] for row in score_rows(wide.assign(normaliser="none")) if row["metric"] == "accuracy"]
    assert raw[0] == pytest.approx(1 / 3), "not per character, the short answer of `1` is the likelier one"


def test_command(requests, folder, tmp_path, student):
    options = {"tasks": ["hats"], "limit": 2, "context": 64, "threads": 1}
    main(argparse.Namespace(model=folder, requests=requests, output=tmp_path / "found.json", **options))
    found = read_json(tmp_path / "found.json")
    table = tokenised(read_requests(requests, ["hats"], 2), student[1], 64)
    table["nats"] = scored(table, student)
    assert found["rows"] == score_rows(table) and {row["questions"] for row in found["rows"]} == {2}
    assert (found["context"], found["cut_requests"], found["left_out_questions"]) == (64, 0, 0)
    with pytest.raises(UserError, match="has no task 'dogs', only hats, cats"):
        read_requests(requests, ["dogs"])
