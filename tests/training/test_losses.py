"""Losses per document against the model run by hand."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Student
from workflow_scripts.evaluation.ensemble import Ensemble
from workflow_scripts.evaluation.losses import document_losses, stream_loss, window_losses
from workflow_scripts.training.model import Llama

SHAPE = Student(hidden=32, feed_forward=48, layers=2, heads=4, key_value_heads=2, max_context=32, initializer_std=0.2)
# Context 32: ends at 12, 20, 60, 70, 323, 325; 11 windows, the last of 5 tokens. More than the 8 windows of a batch.
LENGTHS = [12, 8, 40, 10, 253, 2]


@pytest.fixture(scope="module")
def model():
    """fp32 student with weights large enough that losses differ."""
    return Llama(SHAPE, 260, torch.float32).initialise(3).eval()


@torch.inference_mode()
def by_hand(model, ids: np.ndarray) -> list[float]:
    """Loss of each token of one sequence but the first, one by one."""
    chances = model(torch.tensor(np.array([ids], dtype=np.int64)))[0].double().softmax(-1)
    return [-float(chances[i, ids[i + 1]].log()) for i in range(len(ids) - 1)]


def test_document_sums_add_up_to_the_streams_loss(model, write_stream_of):
    """Every token but the first of each window is predicted, in the last and shorter one too."""
    stream = write_stream_of("validation", LENGTHS)
    losses = window_losses(model, stream, 32, masked=False)
    table = document_losses(losses, stream)
    assert table.column("doc_id").to_pylist() == [f"doc-{i}" for i in range(6)]
    assert table.column("tokens").to_pylist() == LENGTHS
    # First tokens of windows: 0 in document 0; 32 in 2; 64 in 3; 96, 128 .. 320 in 4.
    assert table.column("predicted_tokens").to_pylist() == [11, 8, 39, 9, 245, 2]
    mean = table.column("loss_sum_nats").to_numpy().sum() / 314
    assert stream_loss(model, stream, 32, masked=False) == pytest.approx(mean, rel=1e-6)


def test_document_sum_by_hand(model, write_stream_of):
    """Document 2 ends in window 1, document 5 is the end of the last window."""
    stream = write_stream_of("validation", LENGTHS)
    sums = document_losses(window_losses(model, stream, 32, masked=False), stream).column("loss_sum_nats").to_pylist()
    first, second, last = (by_hand(model, stream.tokens[a:b]) for a, b in ((0, 32), (32, 64), (320, 325)))
    assert sums[2] == pytest.approx(sum(first[19:]) + sum(second[:27]), abs=1e-4)  # tokens 20..31 and 33..59
    assert sums[5] == pytest.approx(sum(last[2:]), abs=1e-4)  # tokens 323 and 324


def test_masked_documents_as_if_alone(model, write_stream_of):
    """All tokens of a document but its BOS, which is predicted from the document before."""
    stream = write_stream_of("validation", LENGTHS)
    flat = window_losses(model, stream, 32, masked=True).reshape(-1)
    for start, end in ((0, 12), (12, 20), (323, 325)):  # the documents that lie in one window
        np.testing.assert_allclose(flat[start + 1 : end], by_hand(model, stream.tokens[start:end]), atol=1e-4)
    unmasked = window_losses(model, stream, 32, masked=False).reshape(-1)
    np.testing.assert_allclose(flat[1:12], unmasked[1:12], atol=1e-4)
    assert np.abs(flat[13:20] - unmasked[13:20]).max() > 0.01


@pytest.mark.parametrize("lengths", [[32], [33], [5]])
def test_streams_around_one_window(model, write_stream_of, lengths):
    """A whole window, one token more (never predicted), less than a window."""
    losses = window_losses(model, write_stream_of("validation", lengths), 32, masked=False)
    assert losses.shape == (-(-lengths[0] // 32), 32)
    assert np.isfinite(losses).sum() == min(lengths[0], 32) - 1


def another(seed: int, vocabulary: int = 260) -> Llama:
    """A student like `model` with other weights."""
    return Llama(SHAPE, vocabulary, torch.float32).initialise(seed).eval()


@pytest.mark.parametrize("masked", [False, True])
def test_a_student_with_itself_is_that_student(model, write_stream_of, masked):
    stream = write_stream_of("validation", LENGTHS)
    alone, twice = (window_losses(m, stream, 32, masked) for m in (model, Ensemble([model, model])))
    assert twice.shape == (2, *alone.shape)
    np.testing.assert_allclose(twice, np.stack([alone, alone]), atol=1e-5)


def test_ensemble_averages_whole_logits(model, write_stream_of, monkeypatch):
    """Three students on a stream of several chunks, against their whole logits added up."""
    monkeypatch.setattr("workflow_scripts.evaluation.ensemble.chunk_tokens", lambda device, vocabulary: 50)
    members, stream = [model, another(4), another(5)], write_stream_of("validation", [320])
    ids = torch.from_numpy(stream.tokens.astype(np.int64).reshape(10, 32))
    with torch.inference_mode():
        logits = torch.stack([member(ids) for member in members]).double()
    found = window_losses(Ensemble(members), stream, 32, masked=False)
    for count in (1, 2, 3):
        mean = logits[:count].mean(0)[:, :-1].flatten(0, 1)
        expected = F.cross_entropy(mean, ids[:, 1:].flatten(), reduction="none").view(10, 31)
        np.testing.assert_allclose(found[count - 1, :, 1:], expected, atol=1e-4)
    assert np.nanmean(np.abs(found[2] - found[0])) > 0.01


def test_ensemble_of_two_vocabularies_is_refused(model):
    with pytest.raises(UserError, match="same vocabulary"):
        Ensemble([model, another(4, vocabulary=300)])
