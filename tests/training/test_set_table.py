"""The table of sets: counts by hand, a copying generator measures as the organic text does, planted collapse shows."""

import argparse
import json

import numpy as np
import pandas as pd
import pytest

from tests.workflow.conftest import generation_row
from workflow_scripts.common.arguments import named_prefix
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import write_json
from workflow_scripts.corpus.documents import document, write_documents
from workflow_scripts.evaluation import set_table
from workflow_scripts.evaluation.set_texts import Answer, chosen, document_of, equal_number, half_tokens, is_reference
from workflow_scripts.evaluation.synpro_columns import COLLAPSE
from workflow_scripts.generation.shards import write_rows
from workflow_scripts.megadocs.tokens import TokenRow, TokenStream, write_stream
from workflow_scripts.rewards.written import REPHRASED, Written

WORDS = 400
CHANCES = 1 / np.arange(1, WORDS + 1) / (1 / np.arange(1, WORDS + 1)).sum()  # Zipf's law
FOLDS = np.random.default_rng(0).normal(size=(WORDS, 32))


def make_texts(seed: int, count: int = 160, words: int = WORDS) -> list[str]:
    random, chances = np.random.default_rng(seed), CHANCES[:words] / CHANCES[:words].sum()
    return [" ".join(f"w{word}" for word in random.choice(words, 40, p=chances)) for _ in range(count)]


class Embedding:
    """A stand-in for the model: counts of words, folded at random, of length 1."""

    def __init__(self, folder: str) -> None:
        assert folder == "model"

    def vectors(self, texts: list[str]) -> np.ndarray:
        found = np.stack([FOLDS[[int(word[1:]) for word in text.split()]].sum(0) for text in texts])
        return found / np.linalg.norm(found, axis=1, keepdims=True)


def write_set(folder, name: str, texts: dict[str, str]) -> None:
    """A stream of texts, and a shard of answers; ids of tokens are the words' numbers after BOS 0 and EOS 1."""
    answers = [generation_row(d, "rephrase", 0, f"{REPHRASED} {text}") for d, text in texts.items()]
    rows = [TokenRow(d, name, 0, [0, *(int(w[1:]) + 2 for w in text.split()), 1]) for d, text in texts.items()]
    write_stream(folder / name, rows, WORDS + 2, {"tokenizer_sha256": "t"})
    write_rows(folder / f"{name}-0.0.parquet", answers[:60])
    write_rows(folder / f"{name}-0.1.parquet", answers[60:])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """80 documents of two slices; sets: copies, few texts over and over, half of the words, and one that fails."""
    folder = tmp_path_factory.mktemp("sets")
    ids = [f"doc-{number // 2}#{number % 2}" for number in range(160)]
    organic = dict(zip(ids, make_texts(1), strict=True))
    write_documents(folder / "slices.parquet", [document(t, "x") | {"doc_id": d} for d, t in organic.items()])
    sets = {"organic": organic.values(), "copies": organic.values(), "repeated": make_texts(2, 4) * 40}
    sets |= {"narrow": make_texts(3, words=WORDS // 2), "fresh": make_texts(4)}
    for name, texts in sets.items():
        write_set(folder, name, dict(zip(ids, texts, strict=True)))
    answers = [(f"{REPHRASED} w1 w2.", "stop"), (f"{REPHRASED} w1. w2", "length"), ("w3", "stop"), ("", "stop")]
    rows = [
        generation_row(ids[0], "rephrase", place, text) | {"finish_reason": finish}
        for place, (text, finish) in enumerate(answers)
    ]
    write_rows(folder / "failing-0.0.parquet", rows)
    write_json(folder / "about.json", {name: {"title": name, "operation": "rephrase"} for name in [*sets, "failing"]})
    return folder


def run(folder, sets=("copies", "repeated", "narrow", "fresh"), streams=("organic",), **options) -> pd.DataFrame:
    shards = {name: f"{folder}/{name}-0.0.parquet,{folder}/{name}-0.1.parquet" for name in sets}
    shards |= {"failing": f"{folder}/failing-0.0.parquet"} if "failing" in sets else {}
    values = {"organic": folder / "slices.parquet", "about": folder / "about.json", "embedding": "model"}
    values |= {"sets": [named_prefix(f"{name}={paths}") for name, paths in shards.items()]}
    values |= {"streams": [named_prefix(f"{name}={folder}/{name}") for name in streams]}
    limits = {"texts": 400, "tokens": 10**6, "fewest_texts": 10, "fewest_tokens": 100}
    set_table.main(argparse.Namespace(**values | limits | options, output=folder / "sets.csv"))
    return pd.read_csv(folder / "sets.csv").set_index("set")


@pytest.fixture(autouse=True)
def no_model(monkeypatch):
    monkeypatch.setattr(set_table, "SentenceEmbedding", Embedding)


def test_a_copying_generator_measures_as_the_organic_text_and_collapse_shows(folder):
    names = ["copies", "repeated", "narrow", "fresh"]
    found = run(folder, streams=["organic", *names])
    assert list(found.index) == ["organic", *names] and found["texts"].eq(160).all() and found["ok"].eq(160).all()
    measures = found[list(COLLAPSE)]
    pd.testing.assert_series_equal(measures.loc["copies"], measures.loc["organic"], check_names=False)
    assert measures.loc["organic", "ngram_novelty"] == 0 and measures.loc["organic", "copied_share"] == 1
    floor, fresh = measures.loc["organic"], measures.loc["fresh"]
    assert fresh["frechet_distance"] < 1.5 * floor["frechet_distance"] and fresh["ngram_novelty"] > 0.9
    assert measures.loc["repeated", "frechet_distance"] > 3 * floor["frechet_distance"]
    assert measures.loc["repeated", "self_bleu"] > 0.9 > 2 * floor["self_bleu"]
    for name in ("repeated", "narrow"):
        assert measures.loc[name, "unigram_tail_coverage"] < 0.8 * floor["unigram_tail_coverage"]
        assert measures.loc[name, "unigram_entropy_bits"] < floor["unigram_entropy_bits"] - 0.3


def test_answers_are_counted_by_status_and_a_set_with_few_has_no_measures(folder, capsys):
    """3 tokens per answer; the failing set leaves the others' number of texts as it is."""
    found = run(folder, sets=("copies", "failing"))
    row = found.loc["failing"]
    assert row[["texts", "ok", "truncated", "wrong_format", "empty", "generated_tokens"]].tolist() == [
        4,
        1,
        1,
        1,
        1,
        12,
    ]
    assert (
        row[list(COLLAPSE)].isna().all() and np.isnan(row["tokens"]) and "failing: has fewer" in capsys.readouterr().out
    )
    alone = run(folder, sets=("copies",))
    pd.testing.assert_series_equal(alone.loc["copies"], found.loc["copies"])


def test_a_stitched_set_has_measures_of_its_tokens_alone(folder):
    about = json.loads((folder / "about.json").read_text()) | {"stitched": {"title": "Stitched", "rewards": None}}
    write_json(folder / "more.json", about)
    for path in folder.glob("fresh.*"):
        (folder / path.name.replace("fresh", "stitched")).write_bytes(path.read_bytes())
    row = run(folder, sets=(), streams=("organic", "stitched"), about=folder / "more.json").loc["stitched"]
    assert row["tokens"] == 160 * 42 and row["rewards"] == "{}" and row["unigram_entropy_bits"] > 0
    assert row[["texts", "ok", "generated_tokens", "frechet_distance", "copied_share"]].isna().all()


def test_order_of_sets_does_not_matter_and_a_second_run_is_the_same(folder):
    names = ["copies", "narrow"]
    first, content = run(folder, sets=names, streams=["organic", *names]), (folder / "sets.csv").read_bytes()
    pd.testing.assert_frame_equal(run(folder, names[::-1], [*names, "organic"]).sort_index(), first.sort_index())
    run(folder, sets=names, streams=["organic", *names])
    assert (folder / "sets.csv").read_bytes() == content


def test_halves_are_of_documents_and_numbers_of_what_is_large_enough():
    assert document_of("train-1#12") == document_of("train-1") == "train-1"
    assert 0.4 < np.mean([is_reference(f"doc-{number}#0") for number in range(1000)]) < 0.6
    assert all(is_reference(f"doc-{number}#0") == is_reference(f"doc-{number}#7") for number in range(50))
    assert [equal_number([5, 90, 40], fewest, 60) for fewest in (1, 6, 50, 100)] == [5, 40, 60, 60]


def test_samples_are_of_first_texts_and_of_tokens_without_ends(tmp_path):
    """Second texts of a slice and answers without a text are no candidates; rows stay whole but for the last one."""
    answers = [Answer(d, g, 1, Written("s", t, "ok", 1, t)) for d, g, t in [("a", 0, "x"), ("a", 1, "y"), ("b", 0, "")]]
    assert [one.written.text for one in chosen(answers, 5)] == ["x"] and not chosen(answers, 0)
    rows = [TokenRow(doc_id, "x", 0, [0, *ids, 1]) for doc_id, ids in {"a": [5, 6, 7], "b": [8, 9], "c": [4]}.items()]
    write_stream(tmp_path / "s", rows, 10, {})
    stream = TokenStream(tmp_path / "s")
    assert sorted(half_tokens(stream, lambda doc_id: doc_id != "b", 9).tolist()) == [4, 5, 6, 7]
    assert half_tokens(stream, lambda doc_id: doc_id == "a", 2).tolist() == [5, 6]
    assert not len(half_tokens(stream, lambda doc_id: False, 2))


def test_faults_say_what_is_missing(folder):
    with pytest.raises(UserError, match="organic=PREFIX"):
        run(folder, streams=["copies"])
    write_json(folder / "empty.json", {})
    with pytest.raises(UserError, match="no set copies, only organic"):
        run(folder, sets=("copies",), about=folder / "empty.json")
