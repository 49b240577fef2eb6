"""The loss in chunks against torch's plain cross-entropy: values, gradients, precision, memory."""

import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.training.conftest import ROOT
from workflow_scripts.training import vocabulary_loss
from workflow_scripts.training.vocabulary_loss import mean_loss, token_losses

B, T, E, V = 3, 22, 16, 131  # 63 predicted tokens
CHUNKS = [1, 10, 21, 62, 63, 64]  # tokens: the last two hold all of them at once


@pytest.fixture(params=CHUNKS)
def chunk(request, monkeypatch) -> int:
    """Tokens of a chunk, for the time of a test."""
    monkeypatch.setitem(vocabulary_loss.CHUNK_BYTES, "cpu", 4 * V * request.param)
    return request.param


def tensors(precision: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    """Hidden states, fp32 weight of the head, token ids."""
    random = torch.Generator().manual_seed(0)
    hidden = torch.randn(B, T, E, generator=random).to(precision).requires_grad_()
    return hidden, torch.randn(V, E, generator=random).requires_grad_(), torch.randint(0, V, (B, T), generator=random)


def plain_losses(hidden: Tensor, weight: Tensor, ids: Tensor) -> Tensor:
    """[B, T-1] through all logits at once."""
    logits = hidden[:, :-1] @ weight.T
    return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none").view(B, T - 1)


def test_equals_plain_cross_entropy(chunk):
    """Loss and both gradients, whatever the chunk; the gradient that comes from above is multiplied in."""
    hidden, weight, ids = tensors()
    expected = plain_losses(hidden, weight, ids)
    torch.testing.assert_close(token_losses(hidden, weight, ids), expected, atol=1e-5, rtol=1e-6)
    found = mean_loss(hidden, weight, ids)
    torch.testing.assert_close(found, expected.mean(), atol=1e-5, rtol=1e-6)
    gradients = torch.autograd.grad(3 * found, (hidden, weight))
    for ours, theirs in zip(gradients, torch.autograd.grad(3 * expected.mean(), (hidden, weight)), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


def test_tied_embeddings(chunk):
    """One table that is looked up and is the head gets both gradients."""
    _, table, ids = tensors()
    (ours,) = torch.autograd.grad(mean_loss(table[ids].tanh(), table, ids), table)
    (theirs,) = torch.autograd.grad(plain_losses(table[ids].tanh(), table, ids).mean(), table)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


def test_compiled_with_what_is_around_it(monkeypatch):
    """A compiler takes the chunks as one step and gives the same."""
    monkeypatch.setitem(vocabulary_loss.CHUNK_BYTES, "cpu", 4 * V * 10)
    hidden, weight, ids = tensors()
    function = torch.compile(lambda h, w, i: 2 * mean_loss(h.sin(), w, i), backend="aot_eager", fullgraph=True)
    ours = torch.autograd.grad(function(hidden, weight, ids), (hidden, weight))
    theirs = torch.autograd.grad(2 * plain_losses(hidden.sin(), weight, ids).mean(), (hidden, weight))
    for found, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


def test_many_chunks_in_bf16_lose_nothing(monkeypatch):
    """The weight's gradient is summed in fp32: in bf16, 512 small chunks would be off by some percent."""
    random = torch.Generator().manual_seed(1)
    hidden = torch.randn(1, 2049, 32, generator=random).bfloat16()
    weight = (0.1 * torch.randn(256, 32, generator=random)).requires_grad_()
    ids = torch.randint(0, 256, (1, 2049), generator=random)
    expected = torch.autograd.grad(mean_loss(hidden.float(), weight.bfloat16().float(), ids), weight)[0]
    monkeypatch.setitem(vocabulary_loss.CHUNK_BYTES, "cpu", 4 * 256 * 4)
    (found,) = torch.autograd.grad(mean_loss(hidden, weight, ids), weight)
    assert found.dtype == torch.float32
    assert (found - expected).norm() < 0.005 * expected.norm()


MEMORY = """
import torch
from workflow_scripts.training import vocabulary_loss
from workflow_scripts.training.record import peak_memory_bytes
torch.set_num_threads(1)
vocabulary_loss.CHUNK_BYTES["cpu"] = 2**24
hidden, weight = torch.randn(1, 4097, 8, requires_grad=True), torch.randn(32768, 8, requires_grad=True)
ids = torch.zeros(1, 4097, dtype=torch.int64)
before = peak_memory_bytes(hidden.device)
vocabulary_loss.mean_loss(hidden, weight, ids).backward()
with torch.no_grad():
    vocabulary_loss.token_losses(hidden, weight, ids)
print((peak_memory_bytes(hidden.device) - before) / 2**20)
"""


def test_memory_is_that_of_a_chunk():
    """All fp32 logits would take 512 MiB at least twice; chunks take 16 a few times, torch's own modules the rest."""
    result = subprocess.run([sys.executable, "-c", MEMORY], cwd=ROOT, capture_output=True, text=True, check=True)
    assert 16 < float(result.stdout) < 400
