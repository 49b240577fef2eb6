"""The smoke scale from an empty folder, on a real SLURM, by one call of `snakemake --profile slurm`."""

import os
import re
import shutil

import pandas as pd
import pytest

from tests.slurm.conftest import SLURM, Project, made_locally, same_student

ON_CPUS = {"split_documents", "sample_documents", "tokenise_real_documents", "build_stream", "shuffle_stream"}
ON_GPUS = {"generate_texts", "train_student", "evaluate_losses"}
OF_STUDIES = {"sample_student", "build_self_distilled_stream", "evaluate_ensemble"}
STUDENTS = ["stitched-G2-D2.048k-e2-m0.75-lr0.003-wd0.4-s0", "real-D8.192k-e2-lr0.003-wd0.4-s0"]


@pytest.fixture(scope="module")
def jobs(smoke: Project) -> pd.DataFrame:
    """What accounting knows of the jobs of this copy: one row each, with the rule that it ran."""
    names = ["jobid", "comment", "account", "partition", "alloctres", "state", "workdir"]
    lines = smoke.tell("sacct", "-nXP", "-o", ",".join(names)).splitlines()
    found = pd.DataFrame([line.split("|") for line in lines], columns=names)
    found = found[found["workdir"] == str(smoke.folder)]
    return found.assign(rule=found["comment"].str.extract(r"^rule_(\w+?)(?:_wildcards_.*)?$", expand=False))


def test_every_figure_is_there(smoke: Project):
    for name in ("generation_scaling", "data_efficiency", "context_length"):
        for suffix in ("pdf", "png", "csv"):
            assert (smoke.results / f"figures/{name}.{suffix}").stat().st_size > 100


def test_what_needs_a_gpu_got_one_and_what_is_small_was_no_job(jobs: pd.DataFrame, targets: list[str]):
    assert set(jobs["rule"]) == ON_CPUS | ON_GPUS | (set() if targets else OF_STUDIES)
    assert set(jobs["state"]) == {"COMPLETED"} and set(jobs["account"]) == {"megadocs"}
    wanted = ~jobs["rule"].isin(ON_CPUS | {"build_self_distilled_stream"})
    assert (jobs["alloctres"].str.contains("gres/gpu=1") == wanted).all()
    assert ((jobs["partition"] == "gpu") == wanted).all()


def test_generation_was_one_array(jobs: pd.DataFrame):
    """Evaluations are one where several become ready at once, which is chance here."""
    generated = jobs.loc[jobs["rule"] == "generate_texts", "jobid"].str.split("_", expand=True)
    assert generated[0].nunique() == 1 and set(generated[1]) == {"1", "2"}


def test_students_and_losses_are_those_of_one_machine(smoke: Project, tmp_path):
    other = made_locally(smoke, tmp_path, *(f"evaluations/{run}.parquet" for run in STUDENTS))
    for run in STUDENTS:
        same_student(smoke, other, run)
        path = f"evaluations/{run}.parquet"
        assert (smoke.results / path).read_bytes() == (other.results / path).read_bytes()


def test_a_second_call_has_nothing_to_do(smoke: Project, targets: list[str]):
    before = smoke.tell("sacct", "-nXP", "-o", "jobid")
    assert "Nothing to be done" in smoke.call(*SLURM, *targets)
    assert smoke.tell("sacct", "-nXP", "-o", "jobid") == before


REFUSED = {
    "an unknown account": ("account: other", r"site file, account: .* 'other' for you; it has megadocs"),
    "an unknown partition": (
        "partitions: {gpu: big, cpu: cpu}",
        r"site file, partitions.gpu: .*'big'.* it has cpu, gpu",
    ),
    "a missing limit": ("limits: {gpus_per_node: 2}", r"slurm/site.yaml is not valid.*\n.*limits.cpus_per_node"),
}


@pytest.mark.parametrize(("line", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_site_file_is_refused_before_anything_is_submitted(slurm, tmp_path, line, sentence):
    project = Project(tmp_path, slurm)
    site = tmp_path / "slurm/site.yaml"
    key = line.split(":")[0]
    site.write_text(re.sub(rf"^{key}:.*$", line, site.read_text(), flags=re.MULTILINE))
    _refused(project, sentence)


def test_without_a_site_file_nothing_is_submitted(slurm, tmp_path):
    _refused(Project(tmp_path, slurm, site=None), r"slurm/site.yaml: no such file; copy slurm/site.example.yaml there")


def test_without_a_cluster_nothing_is_submitted(tmp_path):
    assert not shutil.which("sbatch")
    _refused(Project(tmp_path, dict(os.environ)), r"no `sbatch` on this machine: .* login node")


def _refused(project: Project, sentence: str) -> None:
    printed = project.call("--profile", "slurm", status=1)
    assert re.search(sentence, printed) and "Traceback" not in printed, printed[-3000:]
    assert not project.results.exists() and "submitted" not in printed
