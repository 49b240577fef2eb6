"""`snakemake synpro` as a user calls it: what is planned at each scale, and what a round more adds."""

import re

import pytest
import yaml

from tests.workflow.conftest import ROOT
from tests.workflow.test_sources import snakemake


def jobs_of(told: str) -> dict[str, int]:
    """How often each rule would run, as a dry run tells."""
    table = told.partition("Job stats:")[2].partition("Reasons:")[0]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}


@pytest.mark.parametrize(
    ("scale", "pretrainings", "generators", "sets"),
    [("smoke", 6, 1, 2), ("laptop", 45, 9, 12), ("synpro_400m", 13, 8, 9 * 8), ("synpro_1b", 8, 4, 5 * 8)],
)
def test_every_scale_plans_its_students_generators_and_sets(tmp_path, scale, pretrainings, generators, sets):
    called = snakemake(tmp_path, "-n", "--config", f"scale={scale}", "--", "synpro")
    jobs = jobs_of(called.stdout + called.stderr)
    assert (jobs["pretrain_student"], jobs["train_generator"], jobs["generate_set"]) == (pretrainings, generators, sets)


def test_round_more_is_an_entry_in_two_tables(tmp_path):
    rewards = {"influence": 3, "format": 1}
    own = {"title": "again", "operation": "rephrase", "student": "round_1", "rewards": rewards}
    new = {"sets": {"refreshed_2": own}, "pretrainings": {"round_2": {"title": "round 2", "role": "round", "steps": 4}}}
    new["pretrainings"]["round_2"] |= {"start": "round_1", "sets": ["plain", "refreshed_1", "refreshed_2"]}
    (tmp_path / "more.yaml").write_text(yaml.safe_dump({"scales": {"smoke": {"synpro": new}}}))
    files = [ROOT / "config.yaml", tmp_path / "more.yaml"]
    options = ["--configfile", *files, "--config", "scale=smoke", "--", "synpro"]
    called = snakemake(tmp_path, "-n", *options)
    jobs = jobs_of(called.stdout + called.stderr)
    assert (jobs["pretrain_student"], jobs["train_generator"], jobs["probe_student"]) == (7, 2, 3)


def test_scale_without_it_says_so(tmp_path):
    called = snakemake(tmp_path, "-n", "--config", "scale=replication", "--", "synpro")
    assert called.returncode and "scale replication has no section `synpro`" in called.stdout + called.stderr
