"""The student's operations on a CPU in bf16: the library's matrix products, and our kernels for all between them.

Same functions as plain_ops.py, which is the reference; gradients are written out. Shape suffixes as in model.py;
X stands for (H + 2K) * D.
"""

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from workflow_scripts.training import vocabulary_loss
from workflow_scripts.training.cpu_kernels import Kernels

QUERY_BLOCK = 128  # scores of so many queries at a time stay in the cache, and most of the masked half is never made


class CpuOps:
    """Operations through the kernels."""

    def __init__(self, kernels: Kernels) -> None:
        self.kernels = kernels

    def mask(self, rows_BT: Tensor) -> Tensor:
        """First position that each position may look at, int32 [B, T], from the row number of each token."""
        T = rows_BT.shape[1]
        is_first = torch.nn.functional.pad(rows_BT[:, 1:] != rows_BT[:, :-1], (1, 0), value=True)
        positions = torch.arange(T, dtype=torch.int32) * is_first
        return positions.cummax(dim=1).values.int()

    def add_norm(self, x_BTE: Tensor, delta_BTE: Tensor | None, weight_E: Tensor, epsilon: float) -> tuple:
        """x + delta, and its RMSNorm."""
        return _AddNorm.apply(self.kernels, x_BTE, delta_BTE, weight_E, epsilon)

    def rotate_heads(self, qkv_BTX: Tensor, rotary: tuple[Tensor, Tensor], heads: int, kv_heads: int) -> tuple:
        """Rotated queries [B, H, T, D], rotated keys and plain values [B, K, T, D]."""
        return _RotateHeads.apply(self.kernels, qkv_BTX, *rotary, heads, kv_heads)

    def attention(self, q_BHTD: Tensor, k_BKTD: Tensor, v_BKTD: Tensor, first_BT: Tensor | None) -> Tensor:
        """Causal attention, narrowed by `mask`, [B, T, H * D]."""
        groups = q_BHTD.shape[1] // k_BKTD.shape[1]
        k_BHTD, v_BHTD = (x.repeat_interleave(groups, dim=1) if groups > 1 else x for x in (k_BKTD, v_BKTD))
        return _Attention.apply(self.kernels, q_BHTD, k_BHTD, v_BHTD, first_BT).transpose(1, 2).flatten(2)

    def swiglu(self, gate_up: Tensor) -> Tensor:
        """[..., 2F] to silu(gate) * up, [..., F]."""
        return _SwiGLU.apply(self.kernels, gate_up)

    def mean_loss(
        self, hidden_BTE: Tensor, weight_VE: Tensor, ids_BT: Tensor, wanted_BT: Tensor | None = None
    ) -> Tensor:
        """Mean cross-entropy in nats of the next tokens, of the wanted ones where not all are."""
        return vocabulary_loss.mean_loss(hidden_BTE, weight_VE, ids_BT, self._differentiate, wanted_BT)

    def token_losses(self, hidden_BTE: Tensor, weight_VE: Tensor, ids_BT: Tensor) -> Tensor:
        """Cross-entropy in nats of each next token, fp32 [B, T-1]."""
        return vocabulary_loss.token_losses(hidden_BTE, weight_VE, ids_BT)

    def _differentiate(self, logits_NV: Tensor, next_N: Tensor, tokens: int) -> tuple[Tensor, Tensor]:
        """Summed loss over `tokens`, and its gradient in the place of the logits."""
        rows, vocabulary = logits_NV.shape
        losses, scratch = torch.empty(rows), torch.empty(torch.get_num_threads(), vocabulary)
        self.kernels("cross_entropy", logits_NV, next_N.contiguous(), losses, scratch, rows, vocabulary, 1.0 / tokens)
        return losses.sum() / tokens, logits_NV


class _AddNorm(Function):
    @staticmethod
    def forward(ctx, kernels, x, delta, weight, epsilon):
        rows, width = x.numel() // x.shape[-1], x.shape[-1]
        total, norm, inverse = torch.empty_like(x), torch.empty_like(x), weight.new_empty(rows)
        kernels("add_norm_forward", x, delta, weight, total, norm, inverse, rows, width, epsilon)
        ctx.kernels, ctx.has_delta = kernels, delta is not None
        ctx.save_for_backward(total, weight, inverse)
        ctx.set_materialize_grads(False)
        return total, norm

    @staticmethod
    @once_differentiable
    def backward(ctx, d_total, d_norm):
        total, weight, inverse = ctx.saved_tensors
        rows, width = len(inverse), len(weight)
        d_x, d_weight = torch.empty_like(total), weight.new_zeros(torch.get_num_threads(), width)
        ctx.kernels("add_norm_backward", total, weight, inverse, d_norm, d_total, d_x, d_weight, rows, width)
        return None, d_x, d_x if ctx.has_delta else None, d_weight.sum(0), None


class _RotateHeads(Function):
    @staticmethod
    def forward(ctx, kernels, qkv, cos, sin, heads, kv_heads):
        B, T, X = qkv.shape
        ctx.kernels, ctx.sizes = kernels, (B * T, T, heads, kv_heads, X // (heads + 2 * kv_heads))
        ctx.save_for_backward(cos, sin)
        D = ctx.sizes[-1]
        q, k, v = (qkv.new_empty(B, count, T, D) for count in (heads, kv_heads, kv_heads))
        kernels("rotate_heads", qkv, q, k, v, cos, sin, *ctx.sizes, 0)
        return q, k, v

    @staticmethod
    @once_differentiable
    def backward(ctx, d_q, d_k, d_v):
        rows, T, heads, kv_heads, D = ctx.sizes
        d_qkv = d_q.new_empty(rows // T, T, (heads + 2 * kv_heads) * D)
        parts = (d.contiguous() for d in (d_q, d_k, d_v))
        ctx.kernels("rotate_heads", d_qkv, *parts, *ctx.saved_tensors, *ctx.sizes, 1)
        return None, d_qkv, None, None, None, None


class _Attention(Function):
    @staticmethod
    def forward(ctx, kernels, q, k, v, first):
        B, H, T, D = q.shape
        q, k, v = (x.reshape(B * H, T, D) for x in (q, k, v))
        out, scratch = torch.empty_like(q), torch.empty(torch.get_num_threads(), T)
        kept = []
        for start, end in _query_blocks(T):
            scores = q[:, start:end] @ k[:, :end].mT
            sizes = (B * H * (end - start), H, T, end - start, end, start)
            kernels("causal_softmax_forward", scores, first, scratch, *sizes, D**-0.5)
            torch.bmm(scores, v[:, :end], out=out[:, start:end])
            kept.append(scores)
        ctx.kernels, ctx.shape = kernels, (B, H, T, D)
        ctx.save_for_backward(q, k, v, *kept)
        return out.view(B, H, T, D)

    @staticmethod
    @once_differentiable
    def backward(ctx, d_out):
        q, k, v, *kept = ctx.saved_tensors
        d_out = d_out.reshape(q.shape)
        d_q, d_k, d_v = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        T, D = q.shape[1:]
        for (start, end), chances in zip(_query_blocks(T), kept, strict=True):
            scores = d_out[:, start:end] @ v[:, :end].mT
            sizes = (len(q) * (end - start), end - start, end, start)
            ctx.kernels("causal_softmax_backward", chances, scores, *sizes, D**-0.5)
            torch.bmm(scores, k[:, :end], out=d_q[:, start:end])
            d_k[:, :end].baddbmm_(scores.mT, q[:, start:end])
            d_v[:, :end].baddbmm_(chances.mT, d_out[:, start:end])
        return None, *(d.view(ctx.shape) for d in (d_q, d_k, d_v)), None


def _query_blocks(T: int) -> list[tuple[int, int]]:
    return [(start, min(start + QUERY_BLOCK, T)) for start in range(0, T, QUERY_BLOCK)]


class _SwiGLU(Function):
    @staticmethod
    def forward(ctx, kernels, gate_up):
        *shape, width = gate_up.shape
        out = gate_up.new_empty(*shape, width // 2)
        kernels("swiglu_forward", gate_up, out, out.numel() // out.shape[-1], width // 2)
        ctx.kernels = kernels
        ctx.save_for_backward(gate_up)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, d_out):
        (gate_up,) = ctx.saved_tensors
        d_gate_up = torch.empty_like(gate_up)
        rows, width = gate_up.numel() // gate_up.shape[-1], gate_up.shape[-1] // 2
        ctx.kernels("swiglu_backward", gate_up, d_out.contiguous(), d_gate_up, rows, width)
        return None, d_gate_up
