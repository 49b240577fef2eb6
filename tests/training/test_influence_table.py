"""The table of influence: values by hand, the same whatever the order of sets and answers, sources of one's own."""

import argparse

import numpy as np
import pandas as pd
import pytest

from tests.training.conftest import export_distant_students
from tests.workflow.conftest import generation_row
from workflow_scripts.common.arguments import named_prefix
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import write_json
from workflow_scripts.corpus.documents import document, write_documents
from workflow_scripts.evaluation.influence import Influence
from workflow_scripts.evaluation.influence_table import influence_values, main
from workflow_scripts.generation.shards import write_rows
from workflow_scripts.rewards.written import REPHRASED

SLICES = {f"doc-{i // 2}#{i % 2}": f"the hat number {i} and the {'cat ' * i}" for i in range(8)}
ABOUT = {name: {"operation": "rephrase"} for name in ("plain", "trained")}


@pytest.fixture(scope="module")
def folder(tokenizer_path, tmp_path_factory):
    """Two students whose weights are far from each other, slices, and shards of two sets with answers that fail."""
    folder = tmp_path_factory.mktemp("influence")
    export_distant_students(folder, tokenizer_path)
    write_documents(folder / "slices.parquet", [document(t, "x") | {"doc_id": d} for d, t in SLICES.items()])
    for name in ABOUT:
        rows = [generation_row(d, "rephrase", 0, f"{REPHRASED} {name} {t}") for d, t in SLICES.items()]
        rows[0]["text"], rows[1]["text"] = "", "no heading"
        write_rows(folder / f"{name}-0.0.parquet", rows[:5])
        write_rows(folder / f"{name}-0.1.parquet", rows[5:])
        write_rows(folder / f"{name}-backwards.parquet", rows[::-1])
    write_json(folder / "about.json", ABOUT)
    return folder


def run(folder, sets: dict[str, str], texts: int = 100) -> pd.DataFrame:
    sets = [
        named_prefix(f"{name}={','.join(f'{folder}/{part}' for part in parts.split())}") for name, parts in sets.items()
    ]
    write_json(folder / "plateau.json", {"reached": True, "step": 7, "tokens": 70})
    what = {"pretraining": "base", "seed": 3, "plateau": folder / "plateau.json"}
    paths = {"organic": folder / "slices.parquet", "about": folder / "about.json", "output": folder / "influence.csv"}
    main(argparse.Namespace(before=folder / "1", after=folder / "2", sets=sets, texts=texts, **paths, **what))
    return pd.read_csv(folder / "influence.csv")


SETS = {name: f"{name}-0.0.parquet {name}-0.1.parquet" for name in ABOUT}


def test_values_by_hand(folder):
    """The six answers that keep their format, each beside its own slice; organic: those six slices."""
    found = run(folder, SETS).set_index("set")
    assert list(found.index) == ["organic", "plain", "trained"] and (found["texts"] == 6).all()
    assert found[["pretraining", "seed", "step", "tokens"]].drop_duplicates().values.tolist() == [["base", 3, 7, 70]]
    influence, slices = Influence(folder / "1", folder / "2"), list(SLICES.values())[2:]
    sources = influence.scores(slices)
    own = influence.scores([f"plain {text}".strip() for text in slices])
    expected = [(own > 0).mean(), own.mean(), own.std(), (own - sources).mean(), (own - sources).std()]
    columns = ["positive_share", "mean_nats", "sd_nats", "gain_nats", "gain_sd_nats"]
    np.testing.assert_allclose(found.loc["plain", columns].astype(float), expected, atol=1e-5)
    assert found.loc["organic", "mean_nats"] == pytest.approx(sources.mean(), abs=1e-5)
    assert (
        found.loc["organic", ["gain_nats", "gain_sd_nats"]].isna().all() and abs(found.loc["plain", "gain_nats"]) > 1e-3
    )


def test_order_of_answers_shards_and_sets_does_not_matter(folder):
    """To the last digit, and bit for bit when it runs again."""
    first = run(folder, SETS)
    content = (folder / "influence.csv").read_bytes()
    backwards = run(folder, {name: f"{name}-backwards.parquet" for name in list(ABOUT)[::-1]})
    pd.testing.assert_frame_equal(backwards.sort_values("set").reset_index(drop=True), first.sort_values("set"))
    run(folder, SETS)
    assert (folder / "influence.csv").read_bytes() == content


def test_sets_are_scored_on_the_same_slices(folder):
    """Of 3 texts per set; the organic row tells the slices, as there are no others in it."""
    found = run(folder, SETS, texts=3)
    assert found["texts"].tolist() == [3, 3, 3]
    assert run(folder, {}, texts=3)["texts"].tolist() == [3]


def test_texts_without_a_score_are_left_out():
    """An empty text has no influence: it counts in nothing."""
    found = influence_values(np.array([1.0, np.nan, -0.5]), np.array([0.5, 1.0, np.nan]))
    assert found["texts"] == 2 and found["positive_share"] == 0.5 and found["mean_nats"] == 0.25
    assert found["gain_nats"] == 0.5 and influence_values(np.empty(0), np.empty(0)) == {"texts": 0}


def test_faults_name_the_set_and_the_slice(folder):
    with pytest.raises(UserError, match="there is no set other, only plain, trained"):
        run(folder, {"other": "plain-0.0.parquet"})
    with pytest.raises(UserError, match="no such shard"):
        run(folder, {"plain": "plain-9.parquet"})
    write_rows(folder / "strange.parquet", [generation_row("elsewhere#0", "rephrase", 0, "x")])
    with pytest.raises(UserError, match="elsewhere#0, which is not among the organic slices"):
        run(folder, {"plain": "strange.parquet"})
