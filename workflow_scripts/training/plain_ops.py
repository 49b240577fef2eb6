"""The student's operations in plain torch: the reference everywhere, and what a compiler fuses on a GPU.

Shape suffixes as in model.py; X stands for (H + 2K) * D.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask

from workflow_scripts.training import vocabulary_loss
from workflow_scripts.training.document_attention import attention_mask, document_attention


class PlainOps:
    """Operations through torch alone."""

    def mask(self, rows_BT: Tensor) -> Tensor | BlockMask:
        """What narrows attention to a document, from the row number of each token."""
        return attention_mask(rows_BT)

    def add_norm(self, x_BTE: Tensor, delta_BTE: Tensor | None, weight_E: Tensor, epsilon: float) -> tuple:
        """x + delta, and its RMSNorm, which is computed in fp32."""
        total = x_BTE if delta_BTE is None else x_BTE + delta_BTE
        return total, F.rms_norm(total.float(), weight_E.shape, weight_E, epsilon).to(total.dtype)

    def rotate_heads(self, qkv_BTX: Tensor, rotary: tuple[Tensor, Tensor], heads: int, kv_heads: int) -> tuple:
        """Rotated queries [B, H, T, D], rotated keys and plain values [B, K, T, D]."""
        B, T, _ = qkv_BTX.shape
        parts = qkv_BTX.view(B, T, heads + 2 * kv_heads, -1).transpose(1, 2).split([heads, kv_heads, kv_heads], dim=1)
        return _rotate(parts[0], rotary), _rotate(parts[1], rotary), parts[2]

    def attention(self, q_BHTD: Tensor, k_BKTD: Tensor, v_BKTD: Tensor, mask: Tensor | BlockMask | None) -> Tensor:
        """Causal attention, narrowed by `mask`, [B, T, H * D]."""
        if isinstance(mask, BlockMask):
            out_BHTD = document_attention(q_BHTD, k_BKTD, v_BKTD, mask)
        else:
            mask = None if mask is None else mask[:, None]
            grouped = q_BHTD.shape[1] != k_BKTD.shape[1]
            out_BHTD = F.scaled_dot_product_attention(
                q_BHTD, k_BKTD, v_BKTD, attn_mask=mask, is_causal=mask is None, enable_gqa=grouped
            )
        return out_BHTD.transpose(1, 2).flatten(2)

    def swiglu(self, gate_up: Tensor) -> Tensor:
        """[..., 2F] to silu(gate) * up, [..., F]."""
        gate, up = gate_up.chunk(2, dim=-1)
        return F.silu(gate) * up

    def mean_loss(
        self, hidden_BTE: Tensor, weight_VE: Tensor, ids_BT: Tensor, wanted_BT: Tensor | None = None
    ) -> Tensor:
        """Mean cross-entropy in nats of the next tokens, of the wanted ones where not all are."""
        return vocabulary_loss.mean_loss(hidden_BTE, weight_VE, ids_BT, wanted_BT=wanted_BT)

    def token_losses(self, hidden_BTE: Tensor, weight_VE: Tensor, ids_BT: Tensor) -> Tensor:
        """Cross-entropy in nats of each next token, fp32 [B, T-1]."""
        return vocabulary_loss.token_losses(hidden_BTE, weight_VE, ids_BT)


def _rotate(x: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate the halves of [..., T, D] by their positions, in fp32."""
    cos, sin = rotary
    left, right = x.float().chunk(2, dim=-1)
    return torch.cat((left * cos - right * sin, right * cos + left * sin), dim=-1).to(x.dtype)
