"""Several processes train what one trains."""

import json

import numpy as np
import pytest

from tests.training.conftest import losses
from tests.training.test_train import GOLDEN
from workflow_scripts.common.errors import UserError
from workflow_scripts.training.distributed import World
from workflow_scripts.training.prepare import prepare


def test_two_processes_give_the_golden_curve(train, fp32_run):
    """Each takes half of the batch, one sequence at a time; gradients and losses are averaged, the first one writes."""
    output = train("two", processes=2, micro_batch_sequences=1)
    found = losses(output)
    np.testing.assert_allclose(found, losses(fp32_run), atol=1e-5, rtol=0)
    np.testing.assert_allclose(found, json.loads(GOLDEN.read_text())["train_loss_nats"], atol=1e-4, rtol=0)
    assert json.loads((output / "throughput.json").read_text())["processes"] == 2
    ours, theirs = (json.loads((f / "metrics.json").read_text()) for f in (output, fp32_run))
    assert ours["validation_loss_nats"] == pytest.approx(theirs["validation_loss_nats"], abs=1e-5)
    assert {k: v for k, v in ours.items() if "loss" not in k} == {k: v for k, v in theirs.items() if "loss" not in k}


def test_shares_make_up_the_batch(parse, tmp_path):
    """In the order of the ranks, whatever the number of processes."""
    windows = prepare(parse(tmp_path, training={"cross_document_attention": False})).windows
    for step in (0, 3, 31):
        for processes in (2, 4):
            shares = [windows.batch(step, rank, processes)[:2] for rank in range(processes)]
            for part, whole in zip(zip(*shares, strict=True), windows.batch(step)[:2], strict=True):
                assert np.array_equal(np.concatenate(part), whole)


@pytest.mark.parametrize(
    ("processes", "micro", "message"),
    [
        (3, None, "batch_sequences 4 is no multiple of 3 processes"),
        (2, 4, "a process's share of it, 2, is no multiple of --micro-batch-sequences 4"),
    ],
)
def test_batches_that_cannot_be_shared(parse, tmp_path, processes, micro, message):
    """Refused before any work."""
    with pytest.raises(UserError, match=message):
        prepare(parse(tmp_path, micro_batch_sequences=micro), World(0, processes))
