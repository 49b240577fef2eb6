"""The plan: values by hand, the paper's known totals, what is done subtracted; requests within a site's limits."""

import csv
import json
import re
from pathlib import Path

import pytest

from tests.workflow.conftest import run_module
from tests.workflow.test_runs import shipped_config, with_scale
from tests.workflow.test_site import LIMITS, site
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import write_json
from workflow_scripts.config.comparison_rows import STUDIES as COMPARISON_STUDIES
from workflow_scripts.config.models import Config
from workflow_scripts.config.runs import Run
from workflow_scripts.config.sizes import micro_batch_sequences
from workflow_scripts.config.studies import MAIN, expand_runs, mixture_studies, needed_by
from workflow_scripts.planning import estimates
from workflow_scripts.planning.budget import check_budget
from workflow_scripts.planning.costs import affordable, remaining, study_costs
from workflow_scripts.planning.fits import check_fits
from workflow_scripts.planning.needs import (
    Need,
    ensemble_need,
    evaluation_need,
    generation_need,
    stream_need,
    training_need,
)
from workflow_scripts.planning.plan import make_plan
from workflow_scripts.planning.slurm import resource_keys, slurm_resources
from workflow_scripts.planning.summary import summary

PAPER = shipped_config("paper")
RUNS = {run.run_id: run for run in expand_runs(PAPER)}
REAL = RUNS["real-D203.7M-e16-lr0.003-wd1.6-s0"]
STITCHED = RUNS["stitched-G32-D203.7M-e32-m0.9-lr0.001-wd0.4-s0"]
TOLERANCE = 0.02  # of the facts' totals, which are rounded


def trainings(runs) -> float:
    """H200-hours of students at the paper's scale."""
    return sum(estimates.training_device_hours(PAPER, run) for run in runs)


def finish(results: Path, run: Run, **speed) -> None:
    """A training that has ended."""
    write_json(results / "runs" / run.run_id / "metrics.json", {})
    if speed:
        write_json(results / "runs" / run.run_id / "throughput.json", {"processes": 1, "threads": 1} | speed)


def attempt(results: Path, name: str, hours: float, gpus: int = 1) -> None:
    """A line of the launcher: a training that was killed after so many hours."""
    times = {"launch": "x", "started_at": 0.0, "ended_at": 3600 * hours, "gpus": gpus}
    line = times | {"outcome": "killed", "message": "", "status": 137}
    (results / "attempts").mkdir(parents=True, exist_ok=True)
    (results / "attempts" / f"{name}.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")


def test_two_students_by_hand():
    """777 steps per epoch of 64 x 4,096 tokens; 6 x (102,648,576 + 128,256 x 768) + 6 x 12 x 768 x 4,096 FLOPs each."""
    for run, steps in ((REAL, 777 * 16), (STITCHED, 777 * 32 * 10)):
        assert estimates.steps(PAPER, run) == steps
        assert estimates.run_tokens(PAPER, run) == steps * 262_144
        assert estimates.run_flops(PAPER, run) == steps * 262_144 * 1_433_387_520
    assert estimates.training_device_hours(PAPER, REAL) == pytest.approx(4.6714e18 / (0.4 * 989e12) / 3600, rel=1e-4)


def test_a_student_on_the_synthetic_stream_alone_counts_passes_over_it():
    """Facts 3.6: 1,521 steps per epoch; our estimate of the stream's length is 6% above the authors' count."""
    run = RUNS["stitched-G2-alone-D203.7M-e4-lr0.003-wd0.8-s0"]
    assert estimates.steps(PAPER, run) == pytest.approx(4 * 1521, rel=0.07)


@pytest.mark.parametrize(
    ("runs", "hours"),
    [
        (needed_by(RUNS.values(), "generation_scaling"), 246),
        (needed_by(RUNS.values(), "epochs_and_mixing"), 830),
        ([run for run in needed_by(RUNS.values(), "student_size") if run.student == "1.5b" and run.generations], 3500),
    ],
    ids=["16 points", "s16/b16 sweep", "1.5B sweep"],
)
def test_totals_of_the_facts(runs, hours):
    assert trainings(runs) == pytest.approx(hours, rel=TOLERANCE)


def test_the_law_is_below_the_facts_by_their_rounding():
    """78 H200-hours with 0.21, 0.42, 0.84 and 1.68 billion tokens; whole batches of 203.7 million are 3% less."""
    law = [run for run in needed_by(RUNS.values(), MAIN) if run.stream == "real"]
    assert trainings(law) == pytest.approx(78 * 203.7 / 210, rel=TOLERANCE)


def test_generation_is_within_the_facts():
    """Rephrases 40 to 65 hours; thoughts 50 to 75 for G = 32 alone: the other G ask at other places of a document."""
    assert 40 < estimates.generation_device_hours(PAPER.scales["paper"])["rephrase"] < 65
    only = with_scale(PAPER, "generation", counts=[32])
    assert 50 < estimates.generation_device_hours(only.scales["paper"])["latent_thoughts"] < 75


@pytest.mark.parametrize(
    ("student", "share", "memory_gb", "expected"),
    [("300m", 64, 141, 64), ("300m", 64, 80, 32), ("1.5b", 64, 141, 8), ("1.5b", 8, 141, 8), ("1.5b", 64, 16, 1)],
)
def test_a_device_computes_what_its_memory_holds(student, share, memory_gb, expected):
    assert micro_batch_sequences(PAPER.students[student], 128_256, 4096, share, memory_gb) == expected


@pytest.mark.parametrize(("most", "gpus", "hours"), [(8, 8, 8.2), (3, 2, 32.8), (1, 1, 65.6)])
def test_a_long_training_gets_more_gpus(most, gpus, hours):
    need = training_need(with_scale(PAPER, "compute", gpus=most), STITCHED)
    assert (need.gpus, need.cpus, round(need.hours, 1)) == (gpus, 8 * gpus, hours)
    assert need.micro_batch_sequences == 64 // gpus


def test_without_gpus_cores_are_counted():
    laptop = with_scale(shipped_config("laptop"), "compute", threads=2, peak_tflops=0.5, training_utilisation=0.4)
    run = expand_runs(laptop)[0]
    need = training_need(laptop, run)
    assert (need.gpus, need.cpus) == (0, 2)
    assert need.hours == pytest.approx(estimates.run_flops(laptop, run) / (2 * 0.2e12) / 3600)


def test_members_of_an_array_ask_for_the_largest():
    small, large = REAL, RUNS["1.5b-real-D203.7M-e8-lr0.001-wd3.2-s0"]
    assert evaluation_need(PAPER, [small, large, small]) == ensemble_need(PAPER, [large])
    assert ensemble_need(PAPER, [large] * 5).memory_gb > ensemble_need(PAPER, [large]).memory_gb


def test_a_generator_over_several_gpus_takes_less_time():
    llm = PAPER.llms["llama-3.1-8b"].model_copy(update={"tensor_parallel": 4})
    wide = generation_need(PAPER.model_copy(update={"llms": {"llama-3.1-8b": llm}}))
    narrow = generation_need(PAPER)
    assert (wide.gpus, narrow.gpus) == (4, 1)
    assert wide.hours < narrow.hours / 3


def test_a_server_gets_the_gpus_of_all_its_copies():
    changes = {"engine": "vllm-server", "server_options": ["--data-parallel-size", "8"]}
    assert generation_need(with_scale(PAPER, "generation", **changes)).gpus == 8


def test_packing_needs_no_gpu_and_the_disk_of_its_tokens():
    need = stream_need(PAPER, "stitched", 32)
    assert (need.gpus, round(need.disk_gb, 1)) == (0, 14.8)  # 3.7 billion tokens of 4 bytes


def test_every_request_without_a_site_is_plain():
    found = slurm_resources(Need(2, 8, 10, hours=2, disk_gb=3), None, attempt=1)
    assert found == {"mem_mb": 9_536, "runtime": 180, "disk_mb": 3000, "gpu": 2}
    assert slurm_resources(Need(0, 1, 1, hours=0, disk_gb=0), None, attempt=1)["runtime"] == 10


def test_requests_stay_within_the_site():
    need = Need(2, 8, 200, hours=30, disk_gb=3)
    memory = [slurm_resources(need, site(), attempt)["mem_mb"] for attempt in (1, 2, 3, 4)]
    assert memory == [190_734, 286_102, 429_153, 476_837]  # MiB, which is what SLURM reads
    assert slurm_resources(need, site(), 1)["runtime"] == 24 * 60
    assert slurm_resources(Need(0, 8, 200, hours=30, disk_gb=3), site(), 1)["runtime"] == 12 * 60


@pytest.mark.parametrize(
    ("facts", "with_gpus", "without"),
    [
        ({}, {"gpu": 2}, {"gpu": 0}),
        ({"gpu_model": "h200"}, {"gpu": 2, "gpu_model": "h200"}, {"gpu": 0, "gpu_model": ""}),
        ({"gpu_request": "gres"}, {"gres": "gpu:2"}, {"gres": ""}),
        ({"gpu_request": "gres", "gpu_model": "h200"}, {"gres": "gpu:h200:2"}, {"gres": ""}),
        ({"constraint": "nvlink"}, {"constraint": "nvlink"}, {"constraint": None}),
        ({"account": "me", "qos": "high"}, {"slurm_account": "me", "qos": "high"}, {"slurm_account": "me"}),
        ({}, {"slurm_partition": "h200"}, {"slurm_partition": "batch"}),
        ({"email": "a@b.org"}, {"slurm_extra": "--mail-user=a@b.org --mail-type=FAIL"}, {}),
    ],
)
def test_the_site_s_syntax(facts, with_gpus, without):
    for gpus, expected in ((2, with_gpus), (0, without)):
        found = slurm_resources(Need(gpus, 1, 1, 1, 1), site(**facts), 1)
        assert found | expected == found
        assert list(found) == resource_keys(site(**facts))


class Resources(dict):
    """As the executor gets them."""

    __getattr__ = dict.get


@pytest.mark.parametrize(
    ("facts", "gpus", "asked"),
    [
        ({"gpu_request": "gres", "gpu_model": "h200"}, 2, "--gres=gpu:h200:2"),
        ({"gpu_request": "gres"}, 0, ""),
        ({"gpu_model": "h200"}, 2, "--gpus=h200:2"),
        ({"gpu_model": "h200"}, 0, ""),
        ({}, 1, "--gpus=1"),
    ],
)
def test_the_executor_accepts_the_request(facts, gpus, asked):
    """Its own checks of GPU strings and of further options."""
    from snakemake_executor_plugin_slurm.utils import set_gres_string
    from snakemake_executor_plugin_slurm.validation import validate_slurm_extra

    class Job:
        resources = Resources(slurm_resources(Need(gpus, 1, 1, 1, 1), site(**facts, email="me-e@a-n.org"), 1))

    assert set_gres_string(Job).strip() == asked
    validate_slurm_extra(Job)


@pytest.mark.parametrize(
    ("need", "words"),
    [
        (Need(16, 8, 10, 1, 1), r"16 GPUs .* 8 \(limits.gpus_per_node .*compute.gpus"),
        (Need(1, 128, 10, 1, 1), r"128 CPUs .* 64 \(limits.cpus_per_node .*compute.threads"),
        (Need(1, 8, 900, 1, 1), r"900 GB of memory .* 500 \(limits.memory_gb"),
    ],
)
def test_what_no_node_holds_is_refused(need, words):
    with pytest.raises(UserError, match=words):
        slurm_resources(need, site(), 1)


def test_what_no_node_holds_is_refused_before_the_first_job():
    """The long student alone needs 8 GPUs; the call that asks for it is told, and others are not."""
    small = site(limits=LIMITS | {"gpus_per_node": 4})
    check_fits(PAPER, small, train=[REAL.run_id], generate=40, sample=40)
    with pytest.raises(UserError, match=rf"training {re.escape(STITCHED.run_id)}: a job needs 8 GPUs"):
        check_fits(PAPER, small, train=[REAL.run_id, STITCHED.run_id])
    with pytest.raises(UserError, match="generation: a job needs 64 GB of memory"):
        check_fits(PAPER, site(limits=LIMITS | {"memory_gb": 48}), generate=1)


def test_shared_work_is_counted_once(tmp_path):
    plan = make_plan(PAPER, tmp_path)
    costs = study_costs(plan.work, plan.studies)
    assert sum(cost.added for cost in costs) == pytest.approx(remaining(plan.work))
    assert sum(cost.alone for cost in costs) > 1.2 * remaining(plan.work)
    by_name = {cost.study: cost for cost in costs}
    assert by_name["generation_scaling"].added == 0  # data_efficiency has all of it
    assert by_name["generation_scaling"].trainings == pytest.approx(246, rel=TOLERANCE)
    assert "| generation_scaling | 16 | 0 | 2.44e+11 | 3.5e+20 | 246 |" in summary(plan)


def test_self_distillation_waits_for_its_teacher_and_the_texts_that_it_is_measured_by(tmp_path):
    needed = {p.name for p in make_plan(PAPER, tmp_path).work if "self_distillation" in p.studies}
    assert {REAL.run_id, "texts-0", "self_distilled-39", "stitched-G32", "simple-G32", "self_distilled"} <= needed
    assert "latent-G32" not in needed


def test_what_is_done_is_subtracted(tmp_path):
    before = make_plan(PAPER, tmp_path)
    finish(tmp_path, STITCHED)
    write_json(tmp_path / "generations" / "rephrase-7.0.json", {})  # one shard of eight: the job is not done
    after = make_plan(PAPER, tmp_path)
    assert remaining(before.work) - remaining(after.work) == pytest.approx(trainings([STITCHED]))
    for method in ("rephrase", "latent_thoughts"):
        for part in range(4):
            write_json(tmp_path / "generations" / f"{method}-7.{part}.json", {})
    last = make_plan(PAPER, tmp_path)
    assert {piece.name for piece in last.work if piece.done} == {STITCHED.run_id, "texts-7"}
    assert remaining(after.work) - remaining(last.work) == pytest.approx(generation_need(PAPER).hours)


def test_released_streams_cost_no_generation(tmp_path):
    work = make_plan(with_scale(PAPER, "generation", source="released"), tmp_path).work
    own_texts = {*mixture_studies(PAPER.scales["paper"]), *COMPARISON_STUDIES}
    kinds = {piece.kind for piece in work if not own_texts & set(piece.studies)}
    assert "generation" not in kinds
    assert {"training", "packing", "self-distillation"} <= kinds


def test_a_measured_utilisation_replaces_the_assumed_one(tmp_path):
    speeds = [0.1, 0.2, 0.9]
    for run, speed in zip(list(RUNS.values())[:3], speeds, strict=True):
        finish(tmp_path, run, flops_per_second=speed * 8 * 989e12, processes=8, device="NVIDIA H200")
    finish(tmp_path, list(RUNS.values())[3], flops_per_second=1e9, device="cpu")
    plan = make_plan(PAPER, tmp_path)
    assert plan.utilisation == pytest.approx(0.2)
    assert "measured: median of 3 finished trainings" in summary(plan)
    hours = next(piece.device_hours for piece in plan.work if piece.name == STITCHED.run_id)
    assert hours == pytest.approx(2 * trainings([STITCHED]))


def test_the_search_is_a_study_more(tmp_path):
    usual, with_search = make_plan(PAPER, tmp_path), make_plan(PAPER, tmp_path, tuning=True)
    search = [piece for piece in with_search.work if "tuning" in piece.studies]
    own = [piece for piece in usual.work if {MAIN, "generation_scaling"} & set(piece.studies)]
    assert remaining(with_search.work) > remaining(usual.work) and remaining(search) > remaining(own)
    centre = next(piece for piece in with_search.work if piece.name == STITCHED.run_id)
    assert {MAIN, "tuning"} <= set(centre.studies)


def test_a_budget_pays_for_studies_in_order(tmp_path):
    plan = make_plan(PAPER.model_copy(update={"budget_gpu_hours": 500.0}), tmp_path)
    fitting, left = affordable(plan.work, plan.studies, 500)
    assert fitting == ["data_efficiency", "generation_scaling", "no_real_stream"]  # those between them do not fit
    own = [piece for piece in plan.work if set(fitting) & set(piece.studies)]
    assert left == pytest.approx(500 - remaining(own))
    assert "it pays for: data_efficiency, generation_scaling, no_real_stream; 8.0 H200-hours are then left" in summary(
        plan
    )


def names(study: str) -> list[str]:
    """Ids of a study's students."""
    return [run.run_id for run in needed_by(RUNS.values(), study)]


def test_more_than_the_budget_is_refused(tmp_path):
    attempt(tmp_path, "another", hours=1.5, gpus=8)
    config = PAPER.model_copy(update={"budget_gpu_hours": 100.0})
    with pytest.raises(UserError) as error:
        check_budget(config, tmp_path, train=names("generation_scaling"))
    assert str(error.value) == (
        "this call would use 246 of 100 budgeted H200-hours (12 used so far): raise budget_gpu_hours, or ask for fewer "
        "targets; `snakemake plan` says which figures fit"
    )
    check_budget(config, tmp_path, train=names("no_real_stream"))
    with pytest.raises(UserError, match="would use 158 of 100"):
        check_budget(config, tmp_path, generate=40)


def test_what_an_interrupted_training_has_done_is_not_counted_twice(tmp_path):
    attempt(tmp_path, STITCHED.run_id, hours=7.5, gpus=8)
    config = PAPER.model_copy(update={"budget_gpu_hours": 70.0})
    check_budget(config, tmp_path, train=[STITCHED.run_id])  # 60 used, 6 to come
    finish(tmp_path, STITCHED)
    with pytest.raises(UserError, match=r"would use 66 of 70 .*60 used so far"):  # finished: it would begin anew
        check_budget(config, tmp_path, train=[STITCHED.run_id])


def test_nothing_to_do_fits_any_budget(tmp_path):
    attempt(tmp_path, "another", hours=5)
    check_budget(PAPER.model_copy(update={"budget_gpu_hours": 1.0}), tmp_path)


def test_the_command_writes_what_it_prints(tmp_path):
    config: Config = shipped_config("smoke")
    finish(tmp_path / "results", expand_runs(config)[0])
    options = ["--config", config.model_dump_json(), "--results", tmp_path / "results", "--output", tmp_path / "plan"]
    result = run_module("workflow_scripts.planning.plan", *options, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout == (tmp_path / "plan/plan.md").read_text(encoding="utf-8")
    assert len(result.stdout.splitlines()) < 42
    with open(tmp_path / "plan/plan.csv", newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["name"] for row in rows if row["state"] == "done"] == [expand_runs(config)[0].run_id]
    kinds = {"training", "evaluation", "reinforcement", "generation", "self-distillation", "packing"}
    assert {row["kind"] for row in rows} == kinds
    real = next(row for row in rows if row["name"] == "real-D2.048k-e2-lr0.003-wd0.4-s0" and row["steps"] != "0")
    assert (real["steps"], real["tokens"]) == ("8", "4096")  # 2,048 tokens twice, 4 x 128 at a time
