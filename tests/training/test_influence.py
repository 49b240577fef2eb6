"""Data influence: by hand, whatever else is in the batch, and higher for texts that are like the reference task."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.conftest import STUDENT, TRAINING, VOCABULARY, export_distant_students
from workflow_scripts.common.errors import UserError
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.evaluation.influence import Influence, batches_by_length
from workflow_scripts.megadocs.tokens import TokenRow, write_stream
from workflow_scripts.training.export import export_student, load_student
from workflow_scripts.training.model import Llama
from workflow_scripts.training.pretrain import build_parser, main

TEXTS = ["the cat", "a hat and a cat and the hat", "x", "the hat " * 12, "no", ""]


@pytest.fixture(scope="module")
def students(tokenizer_path, tmp_path_factory) -> list[Path]:
    """Two students whose weights are far from each other."""
    folder = tmp_path_factory.mktemp("students")
    export_distant_students(folder, tokenizer_path)
    return [folder / "1", folder / "2"]


def test_loss_before_minus_loss_after_by_hand(students):
    """Mean over the text's tokens and its end, in fp64 from the logits; cut to the student's context of 64 tokens."""
    tokenizer = StudentTokenizer(students[0] / "tokenizer.json")
    for text, found in zip(TEXTS[:5], Influence(*students).scores(TEXTS)[:5], strict=True):
        ids = torch.tensor(tokenizer.rows([text]))[:, :64]
        losses = []
        for folder in students:
            chances = load_student(folder, torch.float32)[0](ids).double().log_softmax(-1)[0, :-1]
            losses.append(-chances.gather(1, ids[0, 1:, None]).mean().item())
        assert found == pytest.approx(losses[0] - losses[1], abs=1e-5) and abs(found) > 1e-3


def test_neighbours_and_order_do_not_matter(students):
    """The authors' code averages over what fills up a batch, so that a score depends on the longest neighbour."""
    influence = Influence(*students)
    together, backwards = influence.scores(TEXTS), influence.scores(TEXTS[::-1])[::-1]
    alone = np.array([influence.scores([text])[0] for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(together, backwards, atol=1e-5)
    assert np.isnan(together[-1]) and np.isfinite(together[:-1]).all(), "an empty text has no influence"


def test_batches_hold_what_fits():
    assert list(batches_by_length([3, 9, 4, 1], 12)) == [[1], [2, 0, 3]]
    assert list(batches_by_length([20], 12)) == [[0]] and not list(batches_by_length([], 12))


def test_students_of_two_tokenizers(students, tmp_path):
    (tmp_path / "other").mkdir()
    text = (students[0] / "tokenizer.json").read_text()
    (tmp_path / "other/tokenizer.json").write_text(text + " ")
    with pytest.raises(UserError, match="another tokenizer"):
        Influence(students[0], tmp_path / "other")


def test_held_out_texts_near_the_reference_task_score_higher(students, tokenizer_path, tmp_path):
    """After 30 steps on answers in a style of their own, new answers of that style beat the same letters shuffled."""
    tokenizer, random = StudentTokenizer(tokenizer_path), np.random.default_rng(0)
    words = ["cat", "hat", "and", "the", "sun", "sea", "red", "run", "ten", "pin"]
    answers = [" then ".join(random.choice(words, 3)) for _ in range(140)]
    rows = []
    for number, row in enumerate(tokenizer.rows(answers[:100])):
        rows += [
            TokenRow(str(number), "question", -1, [*row[:1], 60, 61]),
            TokenRow(str(number), "answer", -1, row[1:]),
        ]
    write_stream(tmp_path / "reference", rows, VOCABULARY, {"tokenizer_sha256": tokenizer.sha256})
    options = ["--streams", tmp_path / "reference", "--kind", "answer", "--steps", 30, "--lr", 0.005]
    options += ["--tokenizer", tokenizer_path, "--student", STUDENT.model_dump_json()]
    options += ["--training", TRAINING.model_dump_json()]
    main(build_parser().parse_args(list(map(str, [*options, "--output", tmp_path / "after"]))))
    model = Llama(STUDENT, VOCABULARY, torch.float32).initialise(0)
    export_student(model, VOCABULARY, tokenizer_path, tmp_path / "before")
    influence = Influence(tmp_path / "before", tmp_path / "after/model")
    shuffled = ["".join(random.permutation(list(answer))) for answer in answers[100:]]
    near, far = influence.scores(answers[100:]), influence.scores(shuffled)
    assert np.mean(near > far) > 0.9 and near.mean() > 0.5
