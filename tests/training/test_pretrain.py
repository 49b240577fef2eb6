"""Pretraining to a plateau and on from it, through the real command line."""

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch

from tests.training.conftest import STUDENT, TRAINING, VOCABULARY
from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluation.losses import kind_loss
from workflow_scripts.megadocs.tokens import TokenRow, TokenStream, write_stream
from workflow_scripts.training.checkpoint import read_state
from workflow_scripts.training.export import load_student
from workflow_scripts.training.outcome import INTERRUPTED
from workflow_scripts.training.pretrain import build_parser, main, prepare
from workflow_scripts.training.trainer import Trainer

NEVER = {"patience": 3, "improvement": 0.0, "of": "validation"}  # within 12 steps
AT_ONCE = {"patience": 1, "improvement": 0.99, "of": "validation"}
RESULTS = ("evaluations.csv", "metrics.json", "curve.csv", "plateau.json", "plateau.safetensors")


@pytest.fixture
def options(streams, tokenizer_path) -> Callable:
    """12 steps of 4 x 32 tokens on two streams, evaluated every third step."""

    def build(output: Path, *more: str, plateau: dict = NEVER, steps: int = 12):
        words = [
            "--streams",
            streams["real"],
            streams["synthetic"],
            "--evaluate",
            f"validation={streams['validation']}",
        ]
        words += ["--evaluate-every", 3, "--steps", steps, "--warmup-steps", 4, "--tokenizer", tokenizer_path]
        words += ["--student", STUDENT.model_dump_json(), "--training", TRAINING.model_dump_json()]
        words += ["--plateau", json.dumps(plateau), "--lr", 0.01, "--output", output, *more]
        return build_parser().parse_args(list(map(str, words)))

    return build


def test_rate_stays_after_the_warm_up(options, tmp_path):
    setup = prepare(options(tmp_path))
    assert [setup.rate(step) for step in (0, 1, 3, 4, 11)] == pytest.approx([0.0025, 0.005, 0.01, 0.01, 0.01])


def test_goes_on_from_the_last_state_where_no_plateau_was(options, tmp_path):
    main(options(tmp_path / "first"))
    first = pd.read_csv(tmp_path / "first/evaluations.csv")
    assert first["step"].tolist() == [3, 6, 9, 12] and first["tokens"].tolist() == [384, 768, 1152, 1536]
    found = json.loads((tmp_path / "first/plateau.json").read_text())
    assert (found["reached"], found["step"]) == (False, 12) and len(found["losses_nats"]) == 4
    assert {path.name for path in (tmp_path / "first").glob("*.safetensors")} == {"plateau.safetensors"}

    words = ("--continue-from", tmp_path / "first/plateau.safetensors")
    trainer = Trainer(prepare(options(tmp_path / "second", *words)))
    exported, _ = load_student(tmp_path / "first/model", torch.float32)
    for (name, ours), theirs in zip(trainer.model.named_parameters(), exported.parameters(), strict=True):
        assert torch.equal(ours, theirs), name
    assert all(state["exp_avg"].abs().sum() > 0 for state in trainer.optimizer.state.values())
    assert trainer.setup.rate(0) == 0.01, "a second warm-up"
    main(options(tmp_path / "second", *words))
    second = pd.read_csv(tmp_path / "second/evaluations.csv")
    assert second["step"].tolist() == [15, 18, 21, 24] and second["tokens"].iloc[-1] == 3072
    assert second["validation"].iloc[-1] < first["validation"].iloc[-1]


def test_state_of_the_plateau_is_kept(options, tmp_path):
    """The first evaluation, known at the second."""
    main(options(tmp_path, plateau=AT_ONCE))
    found = json.loads((tmp_path / "plateau.json").read_text())
    assert (found["reached"], found["step"], found["rule"]["patience"]) == (True, 3, 1)
    about, state = read_state(tmp_path / "plateau.safetensors")
    assert about["step"] == 3 and about["validation"] == pd.read_csv(tmp_path / "evaluations.csv")["validation"][0]
    main(options(tmp_path / "short", steps=3))
    exported, _ = load_student(tmp_path / "short/model", torch.float32)
    for name, weight in exported.named_parameters():
        assert torch.equal(state[f"weight/{name}"], weight), name


@pytest.mark.parametrize("plateau", [NEVER, AT_ONCE])
def test_interrupted_anywhere_it_ends_with_the_same_bytes(options, tmp_path, monkeypatch, plateau):
    """Before, between and after evaluations, and after the plateau was found."""
    main(options(tmp_path / "whole", plateau=plateau))
    step, sent = Trainer.step, {1, 3, 6, 7, 10}

    def step_and_signal(self, number: int):
        if number in sent:
            sent.remove(number)
            signal.raise_signal(signal.SIGTERM)
        return step(self, number)

    monkeypatch.setattr(Trainer, "step", step_and_signal)
    parts = options(tmp_path / "parts", "--checkpoint", tmp_path / "checkpoint", plateau=plateau)
    while sent:
        with pytest.raises(SystemExit) as stopped:
            main(parts)
        assert stopped.value.code == INTERRUPTED
        shutil.rmtree(tmp_path / "parts", ignore_errors=True)  # as Snakemake does with outputs of a job that failed
    main(parts)
    for file in RESULTS:
        assert (tmp_path / "parts" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes(), file
    assert not list((tmp_path / "parts").glob("state-*"))


def test_answers_alone_are_learned_and_measured(options, tmp_path, tokenizer_path):
    """An answer that follows from its question is learned; what comes in questions is not."""
    sha256 = json.loads(Path(f"{options(tmp_path).streams[0]}.json").read_text())["tokenizer_sha256"]
    random = torch.Generator().manual_seed(0)
    rows = []
    for item in range(80):
        asked = torch.randint(100, 200, (9,), generator=random).tolist()
        rows += [TokenRow(str(item), "question", -1, [0, *asked]), TokenRow(str(item), "answer", -1, [20, 21, 22, 1])]
    write_stream(tmp_path / "reference", rows, VOCABULARY, {"tokenizer_sha256": sha256})
    words = (
        "--streams",
        tmp_path / "reference",
        "--kind",
        "answer",
        "--evaluate",
        f"validation={tmp_path}/reference:answer",
    )
    main(options(tmp_path / "out", *words, steps=40))
    model, _ = load_student(tmp_path / "out/model", torch.float32)
    stream = TokenStream(tmp_path / "reference")
    answers, questions = (kind_loss(model, stream, 32, False, kind) for kind in ("answer", "question"))
    assert answers < 0.5 and questions > 4.5
    assert pd.read_csv(tmp_path / "out/evaluations.csv")["validation"].iloc[-1] == pytest.approx(answers, abs=1e-5)


def test_options_that_make_no_sense(options, tmp_path, streams):
    with pytest.raises(UserError, match="of 'reference', which is not among .* validation"):
        prepare(options(tmp_path, plateau={"of": "reference"}))
    with pytest.raises(UserError, match="two streams have the same name"):
        prepare(options(tmp_path, "--streams", streams["real"], streams["real"]))
    with pytest.raises(UserError, match="--evaluate reference: write NAME=PREFIX"):
        prepare(options(tmp_path, "--evaluate", "reference"))
    (tmp_path / "broken.safetensors").write_bytes(b"x")
    with pytest.raises(UserError, match="broken.safetensors: no usable state"):
        prepare(options(tmp_path, "--continue-from", tmp_path / "broken.safetensors"))
