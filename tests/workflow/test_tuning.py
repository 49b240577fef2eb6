"""The hyper-parameter search: which neighbours a tuned row has, what a certificate says, and that rows converge."""

import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.workflow.conftest import ROOT, run_main, run_module
from tests.workflow.test_runs import shipped_config, with_scale
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import read_json, write_json
from workflow_scripts.config.grid import Grid, Tuning
from workflow_scripts.config.models import Config
from workflow_scripts.config.runs import Run, read_hyperparameters, run_of
from workflow_scripts.config.studies import expand_runs
from workflow_scripts.tuning import candidates, certify, propose
from workflow_scripts.tuning.neighbourhood import centres, expand_tuning, neighbours

TABLE = ROOT / "results/shipped/hyperparameters.csv"
GRIDS = Tuning(
    real=Grid(real_epochs=[1, 2, 4, 8, 16], lr=[0.001, 0.003, 0.01], weight_decay=[0.4]),
    synthetic=Grid(
        real_epochs=[1, 2, 4, 8, 16, 32],
        mixing_ratio=[0.5, 0.75, 0.9],
        lr=[0.001, 0.003, 0.01],
        weight_decay=[0.1, 0.4, 0.8, 1.6],
    ),
)


def test_search_has_the_authors_139_students():
    """Facts 3.4 and 8: 17 centres, 139 students; the authors searched two streams from lr 0.001 and from 0.003."""
    config = shipped_config("paper")
    ours = [run for run in centres(config) if run.stream != "real" and not run.natural]
    moved = [centre for centre in ours if centre.lr == 0.001]
    assert (len(ours), len(moved)) == (15, 2)
    # 13 centres inside the grid: 1 + 2 along each of 4 axes = 9. Two at the edge of epochs, mix and lr: 1 + 3 + 2 = 6.
    students = {run.run_id for centre in ours for run in [centre, *neighbours(config, centre)]}
    assert len(students) == 13 * 9 + 2 * 6 == 129
    # At lr 0.003: 1 + 1 + 1 + 2 + 2 = 7, of which the two centres of a stream are in both of its neighbourhoods.
    second = [next(run for run in neighbours(config, centre) if run.lr == 0.003) for centre in moved]
    students |= {run.run_id for centre in second for run in [centre, *neighbours(config, centre)]}
    assert len(students) == 129 + 2 * (7 - 2) == 139


def test_neighbourhood_is_clipped_at_the_grid_s_edges():
    config = shipped_config("paper")
    by_id = {run.run_id: [near.run_id for near in neighbours(config, run)] for run in centres(config)}
    assert by_id["stitched-G32-D203.7M-e32-m0.9-lr0.001-wd0.4-s0"] == [
        "stitched-G32-D203.7M-e16-m0.9-lr0.001-wd0.4-s0",
        "stitched-G32-D203.7M-e32-m0.75-lr0.001-wd0.4-s0",
        "stitched-G32-D203.7M-e32-m0.9-lr0.003-wd0.4-s0",
        "stitched-G32-D203.7M-e32-m0.9-lr0.001-wd0.1-s0",
        "stitched-G32-D203.7M-e32-m0.9-lr0.001-wd0.8-s0",
    ]
    assert by_id["600m-real-D203.7M-e8-lr0.001-wd3.2-s0"] == [
        "600m-real-D203.7M-e4-lr0.001-wd3.2-s0",
        "600m-real-D203.7M-e16-lr0.001-wd3.2-s0",
        "600m-real-D203.7M-e8-lr0.0003-wd3.2-s0",
        "600m-real-D203.7M-e8-lr0.003-wd3.2-s0",
        "600m-real-D203.7M-e8-lr0.001-wd1.6-s0",
        "600m-real-D203.7M-e8-lr0.001-wd6.4-s0",
    ]


def test_each_tuned_row_in_use_is_one_centre():
    """Other seeds, attention, `tuned_as`, `alone` and values given in a study make no centres of their own."""
    config = shipped_config("smoke")
    used = [row for key, row in read_hyperparameters(TABLE).items() if key[0] == "smoke"]
    found = {(run.student, run.stream, run.generations, run.real_tokens) for run in centres(config)}
    assert found == {row.applies_to[1:] for row in used}
    own = {run.run_id for run in centres(config) if not run.natural}  # those of the comparison have its batch in names
    assert own <= {run_of(config, row).run_id for row in used}
    paper = {(run.student, run.stream) for run in centres(shipped_config("paper"))}
    assert ("1.5b", "real") in paper and ("1.5b", "simple") not in paper and ("300m", "self_distilled") not in paper


def test_value_off_its_grid_is_named():
    config = with_scale(shipped_config("laptop"), "tuning", synthetic=Grid(real_epochs=[4, 12], weight_decay=[0.8]))
    with pytest.raises(UserError) as error:
        expand_tuning(config)
    words = ["hyperparameters.csv", "real_epochs 8", "1m, simple, G 2, 32768", "[4, 12]", "laptop.tuning.synthetic"]
    assert [word for word in words if word not in str(error.value)] == []


def test_axis_of_one_value_is_not_searched():
    config = shipped_config("gpu")  # its rows have weight decay 1.6 and 0.4, its grids 0.8 alone
    assert {run.weight_decay for run in expand_tuning(config)} == {0.4, 0.8, 1.6}
    own = [run for run in centres(config) if not run.natural]  # the comparison has a grid of its own
    assert all(near.weight_decay == run.weight_decay for run in own for near in neighbours(config, run))


@pytest.fixture
def small(tmp_path) -> Config:
    """Two tuned rows in a table of the test's own: real-only and stitched at G = 2, far from any planted optimum."""
    config = with_scale(shipped_config("smoke", tmp_path / "table.csv"), "generation", counts=[2], streams=["stitched"])
    config = with_scale(with_scale(config, "corpus", baseline_tokens=[2048]), "training", seeds=[0, 1])
    scale = config.scales["smoke"].model_copy(update={"studies": {}, "comparison": None, "tuning": GRIDS})
    (tmp_path / "table.csv").write_text(
        "scale,student,stream,generations,real_tokens,real_epochs,mixing_ratio,lr,weight_decay,origin\n"
        'paper,300m,real,0,203685888,16,0.0,3e-3,1.6,"authors\' code, ""final"""\r\n'
        "smoke,tiny,real,0,2048,1,0.0,1e-3,0.4,guess\n"
        "\n"
        'smoke,tiny,stitched,2,2048,1,0.50,0.010,1.6,"guess,\nof two lines"\r\n'
        "smoke,tiny,simple,2,2048,1,0.5,0.01,1.6,not used",
        encoding="utf-8",
    )
    return config.model_copy(update={"scales": {"smoke": scale}})


def evaluate(folder, run: Run, losses: dict[str, float]) -> None:
    """Write a student's evaluation, two documents of unequal length per set, with these mean losses per token."""
    rows = [
        {"set": name, "doc_id": f"d{i}", "tokens": n + 1, "predicted_tokens": n, "loss_sum_nats": n * (loss + shift)}
        for name, loss in losses.items()
        for i, (n, shift) in enumerate([(30, 0.1), (10, -0.3)])
    ]
    (folder / "evaluations").mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / f"evaluations/{run.run_id}.parquet")


def bowl(run: Run) -> float:
    """Convex in log epochs, lr and weight decay and in the mixing ratio; smallest at 8, 0.75, 0.003, 0.4."""
    offsets = [math.log(run.real_epochs / 8), math.log(run.lr / 0.003), math.log(run.weight_decay / 0.4)]
    mixing = 4 * (run.mixing_ratio - 0.75) if run.mixing_ratio else 0
    return 3 + 0.1 * sum(x * x for x in [*offsets, mixing]) + 0.05 * offsets[0] * offsets[1]


def certify_all(config: Config, folder, loss=bowl) -> dict[str, dict]:
    """Evaluate what is not yet evaluated, as `snakemake tuning` does, and certify each centre; by the centre's name."""
    for run in expand_tuning(config):
        if not (folder / f"evaluations/{run.run_id}.parquet").exists():
            evaluate(folder, run, {"tuning": loss(run), "validation": 9 - loss(run)})
    for run in centres(config):
        output = folder / f"certificates/{run.run_id}.json"
        run_main(certify.main, config=config.model_dump_json(), centre=run.run_id, folder=folder, output=output)
    return {run.run_id: read_json(folder / f"certificates/{run.run_id}.json") for run in centres(config)}


def propose_rows(config: Config, folder, write=True) -> int:
    """Exit status of the proposing command."""
    options = {"config": config.model_dump_json(), "config_file": None, "scale": None, "write": write}
    with pytest.raises(SystemExit) as end:
        run_main(propose.main, certificates=folder / "certificates", **options)
    return end.value.code


def test_repeated_calls_end_at_the_planted_optimum(small, tmp_path):
    statuses = []
    while not statuses or statuses[-1] == 3:
        found = certify_all(small, tmp_path)
        statuses.append(propose_rows(small, tmp_path))
        assert len(statuses) < 20
    assert statuses[-1] == 0
    best = {stream: (e, m, lr, wd) for stream, e, m, lr, wd in map(values_of, centres(small))}
    assert best == {"real": (8, 0.0, 0.003, 0.4), "stitched": (8, 0.75, 0.003, 0.4)}
    assert {content["verdict"] for content in found.values()} == {"certified"}
    assert len(list((tmp_path / "evaluations").iterdir())) < 5 * 3 + 6 * 3 * 3 * 4  # the grids were not searched whole


def test_students_that_diverge_are_worse_than_all_others(small, tmp_path):
    """A learning rate far too high is what a grid's end is for; it blocks no certificate."""
    found = certify_all(small, tmp_path, lambda run: math.nan if run.lr == 0.01 else bowl(run))
    stitched = found["stitched-G2-D2.048k-e1-m0.5-lr0.01-wd1.6-s0"]
    assert stitched["loss_nats"] == math.inf and "lr0.003" in stitched["verdict"]
    real = found["real-D2.048k-e1-lr0.001-wd0.4-s0"]
    assert all(math.isfinite(each["loss_nats"]) for each in real["neighbours"])
    while propose_rows(small, tmp_path) == 3:
        found = certify_all(small, tmp_path, lambda run: math.nan if run.lr == 0.01 else bowl(run))
    assert {content["verdict"] for content in found.values()} == {"certified"}


def values_of(run: Run) -> tuple:
    return run.stream, run.real_epochs, run.mixing_ratio, run.lr, run.weight_decay


def test_planted_better_neighbour_is_named(small, tmp_path):
    better = "stitched-G2-D2.048k-e1-m0.75-lr0.01-wd1.6-s0"

    def loss(run: Run) -> float:
        return 2.9 if run.run_id == better else 2.95 if run.real_epochs == 2 else 3.0

    found = certify_all(small, tmp_path, loss)
    stitched = found["stitched-G2-D2.048k-e1-m0.5-lr0.01-wd1.6-s0"]
    assert stitched["verdict"] == f"move to {better}"
    assert stitched["chosen_on"] == "tuning"
    assert (stitched["loss_nats"], stitched["margin_nats"]) == pytest.approx((3.0, -0.1))
    moves = {each["axis"]: (each["value"], round(each["difference_nats"], 6)) for each in stitched["neighbours"]}
    assert moves == {
        "real_epochs": (2, -0.05), "mixing_ratio": (0.75, -0.1), "lr": (0.003, 0.0), "weight_decay": (0.8, 0.0)
    }  # fmt: skip
    assert stitched["edges"] == [
        "real_epochs 1 is the smallest of its grid",
        "mixing_ratio 0.5 is the smallest of its grid",
        "lr 0.01 is the largest of its grid",
        "weight_decay 1.6 is the largest of its grid",
    ]
    assert found["real-D2.048k-e1-lr0.001-wd0.4-s0"]["not_searched"] == ["weight_decay"]


def test_an_equal_neighbour_is_not_better(small, tmp_path):
    found = certify_all(small, tmp_path, lambda run: 3.0)
    assert {(each["verdict"], each["margin_nats"]) for each in found.values()} == {("certified", 0.0)}


def test_paper_compares_on_the_validation_set(small, tmp_path):
    found = certify_all(with_scale(small, "corpus", tuning_fraction=0.0), tmp_path)
    assert {each["chosen_on"] for each in found.values()} == {"validation"}
    real = found["real-D2.048k-e1-lr0.001-wd0.4-s0"]
    assert real["loss_nats"] == pytest.approx(9 - bowl(centres(small)[0]))
    assert real["verdict"] == "certified"  # the validation losses are a bowl upside down


def test_margin_is_compared_with_the_spread_over_seeds(small, tmp_path):
    assert {each["note"] for each in certify_all(small, tmp_path).values()} == {"seed noise not measured"}
    for run in expand_runs(small):  # seeds 0 and 1 of both students: pairs 0.2 and 0.4 apart
        away = (0.2 if run.stream == "real" else 0.4) * run.seed
        evaluate(tmp_path, run, {"tuning": 3.0 + away})
    for path in (tmp_path / "evaluations").iterdir():
        if "-s0" in path.name and path.stem not in {run.run_id for run in centres(small)}:
            path.unlink()
    found = certify_all(small, tmp_path, lambda run: 3.1 if run.stream == "real" else 3.5)
    spread = math.sqrt((0.2**2 / 2 + 0.4**2 / 2) / 2)  # two variances with one degree of freedom each
    assert {round(each["seed_spread_nats"], 9) for each in found.values()} == {round(spread, 9)}
    notes = {name.partition("-")[0]: each["note"] for name, each in found.items()}
    assert notes == {"real": "the margin is below the seed spread: 0.1000 < 0.2236 nats", "stitched": ""}


def test_missing_neighbour_is_named(small, tmp_path):
    certify_all(small, tmp_path)
    missing = tmp_path / f"evaluations/{neighbours(small, centres(small)[0])[0].run_id}.parquet"
    missing.unlink()
    with pytest.raises(UserError, match=f"{missing.name}: no such file; `snakemake tuning`"):
        certify.certify(small, centres(small)[0], tmp_path)


def test_only_the_moved_row_is_rewritten(small, tmp_path):
    table = tmp_path / "table.csv"
    before = table.read_bytes()
    certify_all(small, tmp_path, lambda run: 3.0 - (run.mixing_ratio == 0.75))
    assert propose_rows(small, tmp_path, write=False) == 3
    assert table.read_bytes() == before
    assert propose_rows(small, tmp_path) == 3
    old = b'smoke,tiny,stitched,2,2048,1,0.50,0.010,1.6,"guess,\nof two lines"\r\n'
    origin = b"moved from mixing_ratio 0.5 to 0.75 (loss 3.0000 to 2.0000 nats) by the neighbourhood search"
    assert table.read_bytes() == before.replace(old, b"smoke,tiny,stitched,2,2048,1,0.75,0.010,1.6," + origin + b"\r\n")


def test_proposals_are_printed(small, tmp_path, capsys):
    certify_all(small, tmp_path, lambda run: 3.0 - 0.5 * (run.mixing_ratio == 0.75))
    capsys.readouterr()
    propose_rows(small, tmp_path, write=False)
    real, stitched = capsys.readouterr().out.splitlines()
    assert real.startswith("certified   real-D2.048k-e1-lr0.001-wd0.4-s0: loss 3.0000 nats; real_epochs 1 is the small")
    assert stitched.startswith("move        stitched-G2") and stitched.endswith(
        "mixing_ratio 0.5 to 0.75, loss 3.0000 to 2.5000 nats"
    )


def test_rows_without_a_current_certificate_are_incomplete(small, tmp_path, capsys):
    assert propose_rows(small, tmp_path) == 4
    assert capsys.readouterr().out.count("incomplete") == 2
    certify_all(small, tmp_path, lambda run: 3.0)
    assert propose_rows(small, tmp_path) == 0
    finer = GRIDS.real.model_copy(update={"lr": [0.001, 0.002, 0.003]})
    scale = small.scales["smoke"].model_copy(update={"tuning": GRIDS.model_copy(update={"real": finer})})
    assert propose_rows(small.model_copy(update={"scales": {"smoke": scale}}), tmp_path) == 4


def test_damaged_certificate_is_set_aside(small, tmp_path):
    certify_all(small, tmp_path)
    path = tmp_path / f"certificates/{centres(small)[0].run_id}.json"
    write_json(path, read_json(path) | {"neighbours": None})
    with pytest.raises(UserError, match="neighbours: .*set aside"):
        propose.current_certificate(small, centres(small)[0], path.parent)
    assert not path.exists()


def test_candidates_are_listed_best_first(small, tmp_path):
    certify_all(small, tmp_path)
    for run in expand_tuning(small):
        write_json(tmp_path / f"runs/{run.run_id}/metrics.json", {"steps": run.real_epochs})
    table = candidates.candidates(small, tmp_path)
    assert len(table) == len(expand_tuning(small))
    stitched = table[table["stream"] == "stitched"]["tuning_loss_nats"]
    assert stitched.is_monotonic_increasing
    header = (ROOT / "results/shipped/laptop/tuning/candidates.csv").read_text(encoding="utf-8").splitlines()[0]
    assert ",".join(table.columns) == header


def test_command_reads_the_config_file(tmp_path):
    result = run_module(
        "workflow_scripts.tuning.propose", "--config-file", ROOT / "config.yaml", "--scale", "paper",
        "--certificates", tmp_path, cwd=tmp_path,
    )  # fmt: skip
    rows = 32 + 4 + 21  # of the paper, of the comparison's baseline, of its arms
    assert (result.returncode, result.stdout.count("incomplete"), result.stderr) == (4, rows, "")
