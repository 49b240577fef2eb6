"""The planted SynPro pack: read back as written, its own law, and packs that are damaged are refused in a sentence."""

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

from tests.workflow.conftest import run_module
from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluation.synpro_columns import COLUMNS
from workflow_scripts.evaluation.synpro_tables import read_pack
from workflow_scripts.planted.synpro import plant_pack, without_noise, write_pack
from workflow_scripts.planted.synpro_truth import EVALUATION_TOKENS, SynProTruth

TRUTH = SynProTruth(seeds=(0, 1))
PACK = plant_pack(TRUTH, 0)


@pytest.fixture
def folder(tmp_path):
    write_pack(tmp_path, PACK)
    return tmp_path


def test_pack_is_read_as_it_was_written(folder):
    found = read_pack(folder)
    for table in (field.name for field in fields(PACK)):
        written = getattr(PACK, table)[list(COLUMNS[table])].reset_index(drop=True)
        pd.testing.assert_frame_equal(getattr(found, table), written, check_dtype=False)
    assert found.of_role("round") == ["round1", "round2"] and found.of_role("static", "oracle")[0] == "oracle"
    assert found.sets_of("round1") == ["rephrase_trained", "reformat_r1"] and found.sets_of("oracle") == []


def test_losses_follow_the_law_without_noise():
    """By hand: U = 2 * 1024^2; after two passes repetition is worth U + 5 U (1 - exp(-1/5)) tokens."""
    pack = plant_pack(without_noise(TRUTH), 0)
    own = pack.evaluations[
        (pack.evaluations["pretraining"] == "repetition") & (pack.evaluations["set"] == "validation")
    ]
    loss = own.set_index(["seed", "tokens"])["loss_nats"]
    unique = 2**21
    assert loss[0, EVALUATION_TOKENS] == pytest.approx(2.6 + 60 / EVALUATION_TOKENS**0.26)
    assert loss[1, 2 * unique] == pytest.approx(2.6 + 60 / (unique * (6 - 5 * np.exp(-0.2))) ** 0.26)
    row = pack.row("round2")
    assert row["start_tokens"] == pack.row("round1")["plateau_tokens"] == (16 + 20) * EVALUATION_TOKENS
    assert pack.evaluations.loc[pack.evaluations["pretraining"] == "round2", "tokens"].min() == 37 * EVALUATION_TOKENS


def test_same_seed_gives_the_same_bytes_and_another_one_other_losses(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        found = run_module("workflow_scripts.planted.synpro", "--output", tmp_path / name, "--seed", seed, cwd=tmp_path)
        assert found.returncode == 0, found.stderr
    read = {name: [(tmp_path / name / f"{f.name}.csv").read_bytes() for f in fields(PACK)] for name in "abc"}
    assert read["a"] == read["b"] and read["a"][2] != read["c"][2]


DAMAGES = {
    "file": ("rater", None, "rater.csv: no such file; a SynPro pack holds pretrainings.csv"),
    "column": ("sets", lambda text: text.replace("self_bleu", "bleu"), "sets.csv: column self_bleu is missing"),
    "number": (
        "evaluations", lambda text: text.replace("validation,", "validation,x", 1), "which is no number: make the pack",
    ),
    "whole number": ("pretrainings", lambda text: text.replace("repetition,0,", "repetition,0.5,", 1),
                     "column seed has '0.5', which is no whole number"),
    "no rows": ("sets", lambda text: text.splitlines()[0] + "\n", "sets.csv: it has no rows"),
    "twice": ("rater", lambda text: text + text.splitlines()[1] + "\n", "rater.csv: a second row of quality"),
    "unknown": ("in_loop", lambda text: text.replace("static,1", "static,9"), "has no static of seed 9"),
    "start": ("pretrainings", lambda text: text.replace(",round1,", ",round7,"), "start 'round7' is not in the table"),
    "losses": ("evaluations", lambda text: text.replace("validation,4.", "validation,5.", 1),
               "parts.csv: it does not have the loss of evaluations.csv at repetition, 0, 64"),
}  # fmt: skip


@pytest.mark.parametrize(("table", "change", "message"), DAMAGES.values(), ids=DAMAGES)
def test_damaged_pack_is_refused(folder, table, change, message):
    path = folder / f"{table}.csv"
    if change:
        path.write_text(change(path.read_text()))
    else:
        path.unlink()
    with pytest.raises(UserError) as error:
        read_pack(folder)
    assert message in str(error.value) and "snakemake synpro" in str(error.value)


def test_tables_of_what_was_not_measured_may_be_empty(folder):
    for table in ("in_loop", "rewards", "influence", "rater"):
        path = folder / f"{table}.csv"
        path.write_text(path.read_text().splitlines()[0] + "\n")
    assert read_pack(folder).influence.empty
