"""The authors' tracker: logged configurations become rows of our run table, and without a network one sentence says so.

The stand-in below answers as the tracker's client does; the real client is tested where it is installed.
"""

from types import SimpleNamespace

import pandas as pd
import pytest

from tests.workflow.conftest import ROOT, run_main, run_module
from workflow_scripts.audit import published
from workflow_scripts.audit.tracker import EVALUATION, TRAINING, checkpoints_of
from workflow_scripts.audit.tracker_runs import NotOurs, row_of, tracked_of, with_studies
from workflow_scripts.claims.check import published_column
from workflow_scripts.claims.model import read_claims
from workflow_scripts.claims.published_values import read_published
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.load import read_config
from workflow_scripts.config.models import Analysis
from workflow_scripts.config.studies import expand_runs
from workflow_scripts.evaluation.results import read_results

CONFIG = read_config(ROOT / "config.yaml").model_copy(update={"scale": "paper"})
SHAPE = {"hidden_dim": 768, "intermediate_dim": 2688, "num_layers": 12, "num_heads": 12, "num_kv_heads": 12}
REAL_TOKENS = 777 * 64 * 4096


def configuration(stream=None, mix=0.75, steps=12432, lr=0.003, decay=1.6, seed=0, data_seed=42, **changes) -> dict:
    """What the authors' trainer logs of a run."""
    weights = {"dcr": 1 - mix, stream: mix} if stream else {"dcr": 1.0}
    data = {"train_weights": weights | {"dc_1k_val_normal": 0.0}, "max_train_batches": {"dcr": 777},
            "block_cross_document_attention": False, "shuffle": True}  # fmt: skip
    return {
        "data": data, "model": SHAPE | {"max_seq_len": 4096}, "train_seq_len": 4096, "data_seed": data_seed,
        "optimizer": {"learning_rate": lr, "weight_decay": decay, "beta1": 0.9},
        "trainer": {"seed": seed, "train_batch_size": 64, "num_train_steps": steps, "tracker": {}},
    } | changes  # fmt: skip


def row(**options):
    return row_of(tracked_of(configuration(**options)), CONFIG)


def test_configuration_becomes_our_row():
    """By hand: 49,728 steps at 3/4 synthetic are 49,728 / 4 / 777 = 16 epochs over the real stream."""
    run = row(stream="s32", steps=49728, decay=0.4)
    assert (run.stream, run.generations, run.student, run.real_tokens) == ("simple", 32, "300m", REAL_TOKENS)
    assert (run.real_epochs, run.mixing_ratio, run.lr, run.weight_decay) == (16, 0.75, 0.003, 0.4)
    assert run.cross_document_attention and not run.alone
    own = {own.run_id for own in expand_runs(CONFIG)}
    assert run.run_id in own and row().run_id in own
    assert row(stream="b32", mix=0.9, steps=248640, lr=0.001, decay=0.4).run_id in own


def test_seeds_that_change_the_order_of_data_are_students_of_their_own():
    """Ordinary runs of the authors have data seed 42; those of three seeds the seed itself: 0 is there twice."""
    ordinary, reshuffled = row(stream="b8", decay=0.4), row(stream="b8", decay=0.4, data_seed=0)
    own = {run.run_id: run for run in expand_runs(CONFIG)}
    assert ordinary.run_id != reshuffled.run_id and reshuffled.run_id.endswith("-reshuffled-s0")
    again = row(stream="b8", steps=49728, decay=0.4, seed=2, data_seed=2)
    assert "ordering" in with_studies(again, own, {"ordering"}).studies.split()


def test_stream_alone_counts_its_own_epochs():
    data = {"train_weights": {"w2": 1.0}, "max_train_batches": {"w2": 1521}, "block_cross_document_attention": False}
    run = row(data=data, steps=8 * 1521, decay=0.8)
    assert run.alone and (run.stream, run.generations, run.real_epochs, run.mixing_ratio) == ("stitched", 2, 8, 0)
    assert run.run_id in {own.run_id for own in expand_runs(CONFIG)}


NOT_OURS = {
    "two streams": ({"data": {"train_weights": {"dcr": 0.2, "s8": 0.4, "z8": 0.4}}}, "several synthetic streams"),
    "unknown stream": ({"stream": "m16"}, "its stream m16 has no counterpart"),
    "other text": ({"data": {"train_weights": {"dclm": 1.0}}}, "its stream dclm has no counterpart"),
    "shape": ({"model": SHAPE | {"num_layers": 13}}, "its student has another shape"),
    "batch": ({"trainer": {"seed": 0, "train_batch_size": 128, "num_train_steps": 9}}, "batches are of another size"),
    "no seed": ({"trainer": {"train_batch_size": 64, "num_train_steps": 9}}, "no usable trainer.seed"),
    "older tokens": ({"data": {"train_weights": {"dcr": 1.0}, "max_train_batches": {"dcr": 750}}}, "number of steps"),
}


@pytest.mark.parametrize(("change", "reason"), NOT_OURS.values(), ids=NOT_OURS)
def test_other_runs_are_left_out_with_a_reason(change, reason):
    with pytest.raises(NotOurs, match=reason):
        row(**change)


def test_checkpoints_name_their_trainings():
    folder = "gs://bucket/checkpoints/data_efficiency"
    assert checkpoints_of({"hf_checkpoint": f"{folder}/a-wd0.4/hf/step-99"}) == ["a-wd0.4"]
    both = {"hf_checkpoints": [f"{folder}/a-seed0/hf/step-99", {"model_name_or_path": f"{folder}/a-seed1/hf/step-99"}]}
    assert checkpoints_of(both) == ["a-seed0", "a-seed1"]


IID = "eval/dc_1k_val_normal/loss"


def stand_in(project: str):
    """Runs of a project, as the client gives them: real-only, simple and a better neighbour, and their evaluations."""
    training = [
        ("real", configuration(), {IID: 3.5544}),
        ("simple", configuration("s32", steps=49728, decay=0.4), {IID: 3.42}),
        ("neighbour", configuration("s32", steps=49728, decay=0.8), {IID: 3.412}),
        ("odd", {"trainer": {}}, {IID: 3.0}),
        ("unfinished", configuration("s16", steps=49728, decay=0.4), {IID: "NaN"}),
    ]
    long = "eval/dc_500_val_long/loss"
    evaluation = [("long", {"hf_checkpoint": "gs://b/neighbour/hf/step-1"}, {long: 3.3}),
                  ("foreign", {"hf_checkpoint": "gs://b/other/hf/step-1"}, {long: 9.9})]  # fmt: skip
    found = {TRAINING: training, EVALUATION: evaluation}[project]
    return [SimpleNamespace(name=name, config=config, summary=summary) for name, config, summary in found]


def fetch(folder, monkeypatch):
    api = SimpleNamespace(runs=lambda project, **options: stand_in(project))
    monkeypatch.setattr(published, "open_tracker", lambda: api)
    run_main(published.main, config=str(ROOT / "config.yaml"), folder=str(folder))


def test_tracked_losses_become_a_pack_and_a_table(tmp_path, monkeypatch, capsys):
    fetch(tmp_path, monkeypatch)
    table = pd.read_csv(tmp_path / "losses.csv")
    assert sorted(table[table["set"] == "validation"]["loss_nats"]) == [3.412, 3.42, 3.5544]
    (long,) = table[table["set"] == "long"].to_dict("records")
    assert (long["loss_nats"], long["weight_decay"], long["generations"]) == (3.3, 0.8, 32)
    assert "1 runs left out: its configuration has no usable trainer.seed" in capsys.readouterr().out
    assert len(read_results(tmp_path).students) == 4


def test_tracked_losses_fill_the_published_column(tmp_path, monkeypatch):
    """The lowest loss of a stream counts, as in the authors' figures; published laws stand in for a baseline."""
    fetch(tmp_path, monkeypatch)
    claims, analysis = read_claims(ROOT / "claims.yaml"), Analysis(bootstrap_draws=50)
    cells = published_column(claims, read_published(), str(tmp_path), analysis)
    found = cells["simple_efficiency"]
    by_hand = ((3.5544 - 1.925) / (3.412 - 1.925)) ** (1 / 0.235)
    assert found.verdict == "agrees" and found.value.estimate == pytest.approx(by_hand)
    assert "simple, G = 32" in found.value.note and found.value.low < found.value.estimate < found.value.high
    assert cells["baseline_loss"].verdict == "agrees" and cells["baseline_loss"].value.estimate == 3.5544
    assert cells["megadoc_efficiency"].value.note.startswith("band: rounding")  # not tracked here: the public numbers


def test_without_a_network_one_sentence_says_so(tmp_path):
    """The real client, where it is installed, against a port where nothing listens."""
    environment = {"WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_API_KEY": "0" * 40, "WANDB_MODE": "online"}
    found = run_module(
        "workflow_scripts.audit.published", "--config", ROOT / "config.yaml", cwd=tmp_path, **environment
    )
    assert found.returncode == 1 and "Traceback" not in found.stderr
    (sentence,) = [line for line in found.stderr.splitlines() if line.startswith("error: ")]
    assert "can't be read" in sentence or "pip install wandb" in sentence
    assert not (tmp_path / "results").exists()


def test_unreachable_tracker_is_named():
    def unreachable(*arguments, **options):
        raise ConnectionError("connection refused\nmore")

    with pytest.raises(UserError, match=r"stanford-mercury.*can't be read: connection refused\. It needs a network"):
        list(published.tracked_runs(SimpleNamespace(runs=unreachable), TRAINING))
