"""Cross-entropy over the vocabulary, straight from hidden states, a chunk of tokens at a time.

A chunk's logits become losses and gradients at once and are dropped, so memory does not grow with tokens times
vocabulary: the paper's batch would need 134 GB for its fp32 logits alone. torch's own `linear_cross_entropy` (not in
torch 2.11) adds up the weight's gradient in bf16, chunk after chunk, which loses it; here the sum is fp32. Logits that
fit one chunk take the plain way, which is faster for small vocabularies and compiles with the rest of the student.

Shape suffixes as in `model.py`; N is tokens of all sequences that have a next one.
"""

from collections.abc import Callable, Iterator
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

Differentiate = Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]]
CHUNK_BYTES = {"cpu": 2**23, "cuda": 2**32}  # of fp32 logits; larger chunks read the weight's gradient less often


def token_losses(hidden_BTE: Tensor, weight_VE: Tensor, ids_BT: Tensor) -> Tensor:
    """Cross-entropy in nats of each next token, [B, T-1], in fp32; `weight_VE` is that of the language-model head."""
    hidden_NE, next_N = _predictions(hidden_BTE, ids_BT)
    weight = weight_VE.to(hidden_NE.dtype)
    losses = torch.empty(len(next_N), device=hidden_NE.device)
    for part in _chunks(hidden_NE, weight_VE):
        losses[part] = _losses(hidden_NE[part], weight, next_N[part])
    return losses.view(len(ids_BT), -1)


def mean_loss(
    hidden_BTE: Tensor,
    weight_VE: Tensor,
    ids_BT: Tensor,
    differentiate: Differentiate | None = None,
    wanted_BT: Tensor | None = None,
) -> Tensor:
    """Mean of `token_losses`, for training: its gradients are made in the forward pass where logits need chunks.

    `differentiate` is a faster way to do what `_differentiate` does; `wanted_BT` (bool) says which tokens are to be
    predicted, all but the first ones without it. With none in the batch the loss is not a number.
    """
    hidden_NE, next_N = _predictions(hidden_BTE, ids_BT, wanted_BT)
    if differentiate:
        return _Differentiated.apply(hidden_NE, weight_VE, next_N, differentiate)
    if len(hidden_NE) <= chunk_tokens(hidden_NE.device.type, len(weight_VE)):
        return _losses(hidden_NE, weight_VE.to(hidden_NE.dtype), next_N).mean()
    return _mean_and_gradients(hidden_NE, weight_VE, next_N)[0]


def chunk_tokens(device: str, vocabulary_size: int) -> int:
    """Tokens whose fp32 logits fill one chunk, at least 1."""
    return max(1, CHUNK_BYTES[device] // (4 * vocabulary_size))


def _predictions(hidden_BTE: Tensor, ids_BT: Tensor, wanted_BT: Tensor | None = None) -> tuple[Tensor, Tensor]:
    hidden_NE, next_N = hidden_BTE[:, :-1].flatten(0, 1), ids_BT[:, 1:].flatten()
    if wanted_BT is None:
        return hidden_NE, next_N
    places_N = wanted_BT[:, 1:].flatten()
    return hidden_NE[places_N], next_N[places_N]


def _chunks(hidden_NE: Tensor, weight_VE: Tensor) -> Iterator[slice]:
    size = chunk_tokens(hidden_NE.device.type, len(weight_VE))
    return (slice(i, i + size) for i in range(0, len(hidden_NE), size))


def _losses(hidden_NE: Tensor, weight_VE: Tensor, next_N: Tensor) -> Tensor:
    return F.cross_entropy(F.linear(hidden_NE, weight_VE).float(), next_N, reduction="none")


@torch.library.custom_op("megadocs::mean_loss_and_gradients", mutates_args=())
def _mean_and_gradients(hidden_NE: Tensor, weight_VE: Tensor, next_N: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean loss, its gradient for the hidden states (in their precision) and for the weight (fp32).

    A compiler takes it as one step, so that no logits can end up among what it keeps for the backward pass.
    """
    return _sum_chunks(hidden_NE, weight_VE, next_N, _differentiate_on(hidden_NE.device.type))


def _sum_chunks(
    hidden_NE: Tensor, weight_VE: Tensor, next_N: Tensor, differentiate: Differentiate
) -> tuple[Tensor, Tensor, Tensor]:
    weight = weight_VE.to(hidden_NE.dtype)
    total = torch.zeros((), device=hidden_NE.device)
    grad_hidden_NE, grad_weight_VE = torch.empty_like(hidden_NE), torch.zeros_like(weight_VE)
    for part in _chunks(hidden_NE, weight_VE):
        loss, grad_logits = differentiate(F.linear(hidden_NE[part], weight), next_N[part], len(hidden_NE))
        total += loss
        torch.mm(grad_logits, weight, out=grad_hidden_NE[part])
        grad_weight_VE += grad_logits.T @ hidden_NE[part]
    return total, grad_hidden_NE, grad_weight_VE


@_mean_and_gradients.register_fake
def _shapes(hidden_NE: Tensor, weight_VE: Tensor, next_N: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    mean = torch.empty((), device=hidden_NE.device)
    return mean, torch.empty_like(hidden_NE), torch.empty_like(weight_VE)


def _keep_gradients(ctx, inputs: tuple, output: tuple[Tensor, Tensor, Tensor]) -> None:
    ctx.save_for_backward(*output[1:])


def _scale_gradients(ctx, grad_mean: Tensor, *_) -> tuple[Tensor, Tensor, None]:
    grad_hidden_NE, grad_weight_VE = ctx.saved_tensors
    return grad_hidden_NE * grad_mean, grad_weight_VE * grad_mean, None


_mean_and_gradients.register_autograd(_scale_gradients, setup_context=_keep_gradients)


class _Differentiated(Function):
    """The same with a function in place of the device's own."""

    @staticmethod
    def forward(ctx, hidden_NE: Tensor, weight_VE: Tensor, next_N: Tensor, differentiate: Differentiate) -> Tensor:
        mean, *gradients = _sum_chunks(hidden_NE, weight_VE, next_N, differentiate)
        ctx.save_for_backward(*gradients)
        return mean

    @staticmethod
    def backward(ctx, grad_mean: Tensor) -> tuple[Tensor, Tensor, None, None]:
        return *_scale_gradients(ctx, grad_mean), None


def _differentiate(logits_NV: Tensor, next_N: Tensor, tokens: int) -> tuple[Tensor, Tensor]:
    """Summed loss of a chunk over `tokens`, the number of all chunks, and its gradient in the logits' precision."""
    log_chances_NV = logits_NV.float().log_softmax(-1)
    is_next_NV = torch.arange(logits_NV.shape[1], device=logits_NV.device) == next_N[:, None]
    gradient_NV = (log_chances_NV.exp() - is_next_NV.float()) / tokens
    loss = -log_chances_NV.gather(1, next_N[:, None]).sum() / tokens
    return loss, gradient_NV.to(logits_NV.dtype)


@cache
def _differentiate_on(device: str) -> Differentiate:
    """On a GPU fused into a pass or two over the logits; uncompiled it would hold several fp32 copies of them."""
    return torch.compile(_differentiate, dynamic=False) if device == "cuda" else _differentiate
