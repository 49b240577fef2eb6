"""The run table: the paper's students with the paper's steps, each once, under a readable name."""

import csv
import random

import pytest

from tests.workflow.conftest import ROOT
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.comparison_rows import STUDIES as COMPARISON_STUDIES
from workflow_scripts.config.load import read_config
from workflow_scripts.config.models import Config
from workflow_scripts.config.runs import Run, write_runs
from workflow_scripts.config.sizes import total_steps
from workflow_scripts.config.studies import MAIN, ensembles_of, expand_runs, mixture_studies, needed_by, studies_of

# Facts 3.5: steps of the tuned students of the paper, by stream and G.
PAPER_STEPS = {
    ("real", 0): 12_432,
    ("simple", 2): 12_432, ("simple", 4): 24_864, ("simple", 8): 24_864, ("simple", 16): 49_728,
    ("simple", 32): 49_728,
    ("stitched", 2): 24_864, ("stitched", 4): 24_864, ("stitched", 8): 49_728, ("stitched", 16): 49_728,
    ("stitched", 32): 248_640,
    ("latent", 2): 12_432, ("latent", 4): 24_864, ("latent", 8): 24_864, ("latent", 16): 49_728,
    ("latent", 32): 248_640,
}  # fmt: skip


def shipped_config(scale: str, table=ROOT / "results/shipped/hyperparameters.csv") -> Config:
    """The shipped config at a scale."""
    return read_config(ROOT / "config.yaml").model_copy(update={"scale": scale, "hyperparameters": str(table)})


def with_scale(config: Config, section: str, **changes) -> Config:
    """The config with values of one section of its selected scale changed."""
    scale = config.scales[config.scale]
    changed = scale.model_copy(update={section: getattr(scale, section).model_copy(update=changes)})
    return config.model_copy(update={"scales": {**config.scales, config.scale: changed}})


def test_paper_students_take_the_paper_s_steps():
    config = shipped_config("paper")
    training = config.scales["paper"].training
    batch = training.batch_sequences * training.context
    found = {
        (run.stream, run.generations): total_steps(run.real_tokens, batch, run.real_epochs, run.mixing_ratio)
        for run in needed_by(expand_runs(config), "generation_scaling")
    }
    assert found == PAPER_STEPS


# Students per study of the megadocs paper, counted by hand from facts 3.6; a student may serve several studies.
PAPER_STUDIES = {
    "data_efficiency": 4 + 15,
    "generation_scaling": 1 + 15,
    "controlled_hyperparameters": 2 * 5,
    "ordering": 4 * 3,
    "epochs_and_mixing": 2 * 6 * 2 * 3,
    "no_real_stream": 2 * 3,
    "no_real_document": 4,
    "cross_document_attention": 2 + 2 * 4 + 1,
    "student_baselines": 4,
    "student_size": 2 + 3 + 6 * 17,
    "self_distillation": 4 * 3 * 3,
    "ensembles": 8 * 5,
    "standard_recipe": 4 * 4 + 2,
    "regularised_recipe": 4 * 4,
    "baseline_ensembles": 4 * 5,
}


def test_paper_studies_have_all_the_students_that_the_authors_trained():
    config = shipped_config("paper")
    runs = expand_runs(config)
    found = {name: len(needed_by(runs, name)) for name in studies_of(config.scales["paper"])}
    assert {name: found[name] for name in PAPER_STUDIES} == PAPER_STUDIES
    others = {"optimum_against_generations", *mixture_studies(config.scales["paper"]), *COMPARISON_STUDIES}
    assert set(found) - set(PAPER_STUDIES) == others


def test_paper_mixtures_are_the_grid_of_the_second_paper():
    """Ten training sets at eight budgets of a 1B student and at six sizes; budgets up to 10B have three seeds."""
    config = shipped_config("paper")
    runs = expand_runs(config)
    data, size = needed_by(runs, "mixture_data"), needed_by(runs, "mixture_size")
    assert len(data) == 10 * (4 * 3 + 4) and {run.budget_tokens for run in data} >= {10**9, 2 * 10**11}
    assert len(size) == 10 * 6 and {run.student for run in size} == {"100m", "250m", "500m", "1b", "2b", "3b"}
    assert {(run.stream, run.mixing_ratio) for run in data} == {("real", 0.0)} | {
        (kind, share) for kind in ("hq", "qa", "txbk") for share in (0.33, 0.67, 1.0)
    }


def test_controlled_megadocs_have_the_values_of_simple_rephrases():
    runs = expand_runs(shipped_config("paper"))
    values = {
        g: {
            (r.real_epochs, r.lr, r.weight_decay, r.mixing_ratio)
            for r in needed_by(runs, "controlled_hyperparameters")
            if r.generations == g
        }
        for g in (2, 32)
    }
    assert values == {2: {(4, 0.003, 0.8, 0.75)}, 32: {(16, 0.003, 0.4, 0.75)}}


def test_ensembles_join_five_seeds_of_one_setting():
    config = shipped_config("paper")
    ensembles = ensembles_of(expand_runs(config), config.scales["paper"])
    assert len(ensembles) == 8
    for members in ensembles.values():
        assert [run.seed for run in members] == [0, 1, 2, 3, 4]
        same = [run.model_dump(exclude={"seed", "run_id", "studies"}) for run in members]
        assert all(row == same[0] for row in same)


def test_paper_baselines_have_the_predecessor_s_values():
    runs = [run for run in needed_by(expand_runs(shipped_config("paper")), MAIN) if run.stream == "real"]
    values = [(run.real_tokens // 203_685_888, run.real_epochs, run.lr, run.weight_decay) for run in runs]
    assert values == [(1, 16, 3e-3, 1.6), (2, 16, 3e-3, 0.8), (4, 16, 3e-3, 0.4), (8, 32, 1e-3, 0.4)]


@pytest.mark.parametrize("scale", ["smoke", "laptop", "laptop_newsgroups", "replication", "gpu", "paper"])
def test_ids_are_unique_and_safe_in_paths(scale):
    ids = [run.run_id for run in expand_runs(shipped_config(scale))]
    assert len(set(ids)) == len(ids)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789GDTBMk_.-") for name in ids)


def test_id_is_readable():
    ids = [run.run_id for run in expand_runs(shipped_config("paper"))]
    assert ids[18] == "latent-G32-D203.7M-e32-m0.9-lr0.001-wd0.4-s0"
    assert "1.5b-stitched-G32-D203.7M-e8-m0.5-lr0.001-wd3.2-s0" in ids
    assert "stitched-G2-alone-D203.7M-e8-lr0.003-wd1.6-s0" in ids
    assert "real-D203.7M-e16-lr0.003-wd1.6-masked-s0" in ids


def test_two_students_under_one_name_are_refused(tmp_path):
    table = (ROOT / "results/shipped/hyperparameters.csv").read_text(encoding="utf-8")
    (tmp_path / "near.csv").write_text(table + "laptop,1m,real,0,131073,16,0.0,0.003,1.6,a near twin\n")
    near = shipped_config("laptop", tmp_path / "near.csv")
    near = with_scale(near, "corpus", baseline_tokens=[32768, 131072, 131073])
    with pytest.raises(UserError, match=r"real-D131.1k-e16-lr0.003-wd1.6-s0"):
        expand_runs(near)


def test_order_of_table_and_config_changes_nothing(tmp_path):
    head, *rows = (ROOT / "results/shipped/hyperparameters.csv").read_text(encoding="utf-8").splitlines()
    random.Random(1).shuffle(rows)
    (tmp_path / "shuffled.csv").write_text("\n".join([head, *rows]), encoding="utf-8")
    shuffled = with_scale(shipped_config("paper", tmp_path / "shuffled.csv"), "generation", counts=[32, 2, 8, 4, 16])
    baselines = shuffled.scales["paper"].corpus.baseline_tokens
    shuffled = with_scale(shuffled, "corpus", baseline_tokens=baselines[::-1])
    found, expected = (needed_by(expand_runs(c), MAIN) for c in (shuffled, shipped_config("paper")))
    assert found == expected


def test_missing_row_says_what_to_add():
    config = with_scale(shipped_config("paper"), "generation", counts=[2, 3])
    with pytest.raises(UserError) as error:
        expand_runs(config)
    for words in ("hyperparameters.csv", "stream simple, generations 3", "add one", "snakemake tuning"):
        assert words in str(error.value)


def test_csv_round_trips(tmp_path):
    runs = expand_runs(shipped_config("paper"))
    runs[0] = runs[0].model_copy(update={"origin": 'guess, or "best of 9"\nsecond line'})
    write_runs(tmp_path / "runs.csv", runs)
    with open(tmp_path / "runs.csv", newline="", encoding="utf-8") as handle:
        assert [Run.model_validate(row) for row in csv.DictReader(handle)] == runs
