"""A wrong config is one readable sentence that names the key, the value and what to do, before anything is planned."""

import subprocess
import sys

import pytest
import yaml

from tests.workflow.conftest import ROOT
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.load import load_config, read_config
from workflow_scripts.config.runs import read_hyperparameters
from workflow_scripts.config.schema import SCHEMA_PATH, schema_text

MIXING_RATIO_1 = {"synthetic": {"real_epochs": [4], "weight_decay": [0.4], "mixing_ratio": [1.0]}}
WRONG = {
    "unknown key": ("training.contxt", 256, ["scales.laptop.training.contxt", "unknown key", "spelling"]),
    "wrong type": ("corpus.real_tokens", "many", ["scales.laptop.corpus.real_tokens", "'many'", "integer"]),
    "mixing ratio 1": ("tuning", MIXING_RATIO_1, ["tuning.synthetic.mixing_ratio.0", "1.0", "less than 1"]),
    "G above generated": ("generation.counts", [2, 16], ["laptop.generation", "[2, 16]", "`generated` = 8"]),
    "long context": (
        "training.context", 1024, ["scales.laptop.training.context 1024", "max_context 512", "students.1m.max_context"]
    ),
    "unknown llm": ("generation.llm", "gpt", ["scales.laptop.generation.llm", "'gpt'", "smollm2-135m"]),
    "unknown student": ("training.student", "7m", ["scales.laptop.training.student", "'7m'", "tiny, 1m, 0.1m"]),
    "D without a baseline": ("corpus.real_tokens", 999, ["laptop.corpus", "baseline_tokens", "999"]),
    "no place for files": ("corpus.train", {"kind": "files"}, ["laptop.corpus.train", "`path`", ".jsonl"]),
}  # fmt: skip

SCALES = ("smoke", "laptop", "laptop_newsgroups", "replication", "gpu", "paper", "synpro_400m", "synpro_1b")


def change(content: dict, key: str, value: object) -> dict:
    """Set one key of the laptop scale."""
    *path, last = ["scales", "laptop", *key.split(".")]
    section = content
    for name in path:
        section = section[name]
    section[last] = value
    return content


@pytest.mark.parametrize(("key", "value", "words"), WRONG.values(), ids=WRONG.keys())
def test_wrong_value_is_named_with_its_fix(shipped, key, value, words):
    with pytest.raises(UserError) as error:
        load_config(change(shipped, key, value))
    assert [word for word in words if word not in str(error.value)] == []


def test_every_wrong_value_is_reported_at_once(shipped):
    change(change(shipped, "training.contxt", 1), "corpus.real_tokens", "many")
    with pytest.raises(UserError) as error:
        load_config(shipped)
    assert "contxt" in str(error.value) and "'many'" in str(error.value)


TABLE = "scale,student,stream,generations,real_tokens,real_epochs,mixing_ratio,lr,weight_decay,origin\n"
WRONG_ROWS = {
    "mixing ratio 1": ("simple,2,32768,4,1,0.003,0.4,x", ["mixing_ratio", "less than 1", "'1'"]),
    "real-only, mixed": ("real,0,32768,4,0.75,0.003,0.4,x", ["mixing_ratio", "0.75", "real"]),
    "no number": ("real,0,32768,4,0,nan,0.4,x", ["lr", "nan"]),
    "unknown stream": ("sewn,2,32768,4,0.5,0.003,0.4,x", ["stream", "'sewn'", "stitched"]),
    "missing value": ("simple,2,32768,4,0.5,0.003", ["weight_decay"]),
    "unquoted comma": ("simple,2,32768,4,0.5,0.003,0.4,guess, really", ["quote", " really"]),
}


@pytest.mark.parametrize(("row", "words"), WRONG_ROWS.values(), ids=WRONG_ROWS.keys())
def test_wrong_row_of_tuned_values_is_named_with_its_line(tmp_path, row, words):
    table = tmp_path / "hyperparameters.csv"
    table.write_text(f"{TABLE}laptop,1m,real,0,16384,4,0,0.003,0.4,good\nlaptop,1m,{row}\n")
    with pytest.raises(UserError) as error:
        read_hyperparameters(table)
    assert [word for word in [f"{table}:3: ", *words] if word not in str(error.value)] == []


def test_second_row_for_the_same_student_is_refused(tmp_path):
    table = tmp_path / "hyperparameters.csv"
    table.write_text(TABLE + "laptop,1m,real,0,16384,4,0,0.003,0.4,x\nlaptop,1m,real,0,16384,8,0,0.003,0.4,y\n")
    with pytest.raises(UserError, match=r":3: a second row .* keep one"):
        read_hyperparameters(table)


def test_shipped_config_is_valid():
    assert set(read_config(ROOT / "config.yaml").scales) == set(SCALES)


def test_schema_file_is_the_models():
    fix = "run `python -m workflow_scripts.config.schema`"
    assert (ROOT / SCHEMA_PATH).read_text(encoding="utf-8") == schema_text(), fix


def dry_run(folder, content: dict, *options: str) -> subprocess.CompletedProcess:
    """`snakemake -n` with a config of our own in an empty folder."""
    (folder / "own.yaml").write_text(yaml.safe_dump(content))
    command = [sys.executable, "-m", "snakemake", "-n", "--snakefile", ROOT / "Snakefile", "--directory", folder]
    command += ["--configfile", folder / "own.yaml", *options]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_snakemake_plans_a_right_config(tmp_path, shipped):
    found = dry_run(tmp_path, shipped, "--config", "scale=smoke")
    assert found.returncode == 0, found.stdout
    counts = {line.split()[0]: line.split()[-1] for line in found.stdout.splitlines() if len(line.split()) == 2}
    assert (counts["train_student"], counts["evaluate_losses"], counts["draw_figure"]) == ("18", "18", "19")


def test_snakemake_plans_nothing_of_a_wrong_config(tmp_path, shipped):
    found = dry_run(tmp_path, change(shipped, "training.context", 1024))
    assert found.returncode != 0
    assert "scales.laptop.training.context 1024 is longer than the student's max_context 512" in found.stdout
    assert "Traceback" not in found.stdout and "train_student" not in found.stdout
    assert not (tmp_path / "results").exists()


def test_snakemake_names_the_scales(tmp_path, shipped):
    found = dry_run(tmp_path, shipped, "--config", "scale=huge")
    assert found.returncode != 0
    named = ", ".join(f"'{name}'" for name in SCALES[:-1])
    assert f"scale: Input should be {named} or '{SCALES[-1]}' (got 'huge')" in found.stdout
