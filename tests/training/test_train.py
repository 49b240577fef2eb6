"""Trainings of a tiny student through the real command line."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import losses
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Training
from workflow_scripts.training.train import main

GOLDEN = Path(__file__).with_name("golden_curve.json")


def test_outputs_and_counts(fp32_run):
    """By hand: 4 batches of 128 real tokens, twice, are a quarter of 32 steps."""
    metrics = json.loads((fp32_run / "metrics.json").read_text())
    expected = {
        "steps": 32, "tokens": 4096, "real_tokens_seen": 1024, "synthetic_tokens_seen": 3072, "real_epochs_seen": 2.0,
        "synthetic_epochs_seen": 3.0, "real_stream_tokens": 512, "synthetic_stream_tokens": 1024,
    }  # fmt: skip
    assert {key: metrics[key] for key in expected} == expected
    files = {str(path.relative_to(fp32_run)) for path in fp32_run.rglob("*") if path.is_file()}
    model = {f"model/{n}" for n in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")}
    assert files == {"metrics.json", "curve.csv", "throughput.json"} | model
    assert (fp32_run / "metrics.json").stat().st_mtime_ns == max((fp32_run / file).stat().st_mtime_ns for file in files)


def test_stopped_early_is_the_same_training_cut_short(fp32_run, train):
    """An earlier checkpoint: the learning rates are those of the whole schedule, so the losses are the same."""
    early = train("early", stop_share=0.25, training={"curve_points": 128})
    metrics = json.loads((early / "metrics.json").read_text())
    assert metrics["steps"] == 8 and metrics["tokens"] == 8 * 128
    assert losses(early) == losses(fp32_run)[:8]


def test_throughput(fp32_run):
    """What was measured on the way; the tiny student leaves little time for data, and a process takes some memory."""
    speed = json.loads((fp32_run / "throughput.json").read_text())
    assert speed["tokens_per_second"] == pytest.approx(31 * 128 / speed["seconds"], rel=0.01)  # not the first step
    assert 0 < speed["data_wait_share"] < 0.5 and speed["processes"] == speed["threads"] == 1
    assert 50 * 2**20 < speed["peak_memory_bytes"] < 4 * 2**30


def test_loss_falls(fp32_run):
    """From chance (ln 260) towards the entropy of the ids, on validation too."""
    curve = losses(fp32_run)
    assert len(curve) == 32 and curve[0] == pytest.approx(math.log(260), abs=0.05)
    assert curve[-1] < curve[0] - 1
    assert json.loads((fp32_run / "metrics.json").read_text())["validation_loss_nats"] < curve[0] - 1


def test_golden_curve(fp32_run):
    """A guard of the recipe: results of an old recipe must not be reused as those of a new one."""
    golden, found, recipe = json.loads(GOLDEN.read_text()), losses(fp32_run), Training(student="any").recipe
    now = json.dumps({"recipe": recipe, "train_loss_nats": [round(x, 6) for x in found]}, indent=2)
    renewal = f"write this to {GOLDEN.name} when the change is wanted:\n{now}"
    if not np.allclose(found, golden["train_loss_nats"], atol=1e-4, rtol=0):
        raised = recipe > golden["recipe"]
        todo = "" if raised else f"raise the default of `Training.recipe` in config/models.py from {recipe}; "
        pytest.fail(f"what is trained has changed, which needs a new `recipe`: {todo}{renewal}")
    assert golden["recipe"] == recipe, f"the recipe was raised and the losses are the old ones; {renewal}"


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_twice_gives_the_same_bytes(train, fp32_run, precision):
    """Two processes; what is compared is all that later stages read."""
    more = {"training": {"precision": precision, "cross_document_attention": precision == "fp32"}}
    first = fp32_run if precision == "fp32" else train("first", **more)
    second = train("second", **more)
    for file in ("metrics.json", "curve.csv", "model/model.safetensors"):
        assert (first / file).read_bytes() == (second / file).read_bytes(), file
    assert losses(second)[-1] < losses(second)[0] - 1


def test_micro_batches_change_nothing(parse, fp32_run, tmp_path):
    """Gradients of four micro batches add up to those of the batch."""
    main(parse(tmp_path, micro_batch_sequences=1))
    np.testing.assert_allclose(losses(tmp_path), losses(fp32_run), atol=1e-5)


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-3), ("bf16", 0.02)])
def test_fast_kernels_give_the_golden_curve(parse, tmp_path, precision, tolerance):
    """With `compile`, in either precision: rounded differently, and the same is computed."""
    main(parse(tmp_path, training={"compile": True, "precision": precision}))
    golden = json.loads(GOLDEN.read_text())["train_loss_nats"]
    np.testing.assert_allclose(losses(tmp_path), golden, atol=tolerance, rtol=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mixing_ratio": 1.0}, "--mixing-ratio 1 needs --budget-tokens"),
        ({"synthetic": None}, "--mixing-ratio 0.75 needs --synthetic"),
        ({"student": {"max_context": 16}}, "context 32 is longer than .* max_context 16"),
        ({"micro_batch_sequences": 3}, "4 is no multiple of --micro-batch-sequences 3"),
        ({"threads": 0}, "--threads 0: must be above 0"),
        ({"checkpoint_minutes": -1}, "--checkpoint-minutes -1.0: must be above 0"),
        ({"real_tokens": 127}, "127 real tokens are less than one batch of 128"),
    ],
)
def test_impossible_combinations(parse, tmp_path, options, message):
    """Refused before any work."""
    with pytest.raises(UserError, match=message):
        main(parse(tmp_path, **options))
    assert not list(tmp_path.iterdir())


def test_a_training_that_diverges_ends_and_says_so(parse, tmp_path, capfd):
    """In a search that is a result: the student is there, with no loss."""
    main(parse(tmp_path, lr=1e30))
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["diverged_at_step"] < metrics["steps"] and "train_loss_nats" not in metrics
    assert (tmp_path / "model/model.safetensors").exists()
    assert "lower lr from 1e+30" in capfd.readouterr().err


@pytest.mark.parametrize("size", [1000, 1001, 0], ids=["whole tokens", "half a token", "nothing left"])
def test_truncated_stream(parse, tmp_path, write_stream_of, size):
    """A token file that lost its end is named, with both sizes."""
    stream = write_stream_of("real", [600])
    with open(stream.paths.tokens, "r+b") as handle:
        handle.truncate(size)
    with pytest.raises(UserError, match=rf"real.tokens.bin: .*damaged: it holds {size:,} bytes, .* need 1,200"):
        main(parse(tmp_path / "out", real=tmp_path / "real"))


@pytest.mark.parametrize("option", ["synthetic", "validation"])
def test_damaged_stream(parse, tmp_path, write_stream_of, tokenizer_path, option):
    """One bit of a token, before any work; the file is set aside, so that it is made again."""
    stream = write_stream_of(option, [1030], tokenizer=tokenizer_path.read_text(encoding="utf-8"))
    content = bytearray(stream.paths.tokens.read_bytes())
    content[700] ^= 1
    stream.paths.tokens.write_bytes(content)
    with pytest.raises(UserError, match=f"{option}.tokens.bin: .*damaged"):
        main(parse(tmp_path / "out", **{option: tmp_path / option}))
    assert not stream.paths.tokens.exists() and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"synthetic": "no/such"}, "no/such"),
        ({"tokenizer": "no/such.json"}, "no/such.json"),
        ({"real_epochs": 0}, "real-epochs"),
    ],
)
def test_more_impossible_combinations(parse, tmp_path, options, message):
    """Files that are not there, no epochs."""
    with pytest.raises(UserError, match=message):
        main(parse(tmp_path, **options))


@pytest.mark.parametrize("option", ["tokenizer", "validation"])
def test_another_tokenizer_is_refused(parse, tmp_path, tokenizer_path, write_stream_of, option):
    """The exported tokenizer and the validation stream must be those of the real stream."""
    write_stream_of("validation", [100], tokenizer="other")
    (tmp_path / "tokenizer").write_text(tokenizer_path.read_text() + "\n")
    with pytest.raises(UserError, match="another tokenizer"):
        main(parse(tmp_path / "out", **{option: tmp_path / option}))


def test_errors_are_one_sentence(command, arguments, tmp_path):
    """Exit status 1 and no traceback."""
    result = command(arguments(tmp_path, real_tokens=1024))
    assert result.returncode == 1
    assert result.stderr.strip().splitlines()[-1].startswith("error: ") and "Traceback" not in result.stderr
    assert "holds 600 tokens, --real-tokens asks 1,024" in result.stderr


def test_help(command):
    """Every option is explained."""
    result = command(["--help"])
    assert result.returncode == 0 and "--mixing-ratio" in result.stdout
