"""Llama-style decoder: SwiGLU, RMSNorm, rotary positions, no biases (facts 3.1).

Parameters are fp32; products are computed in the precision that the recipe names. Shape suffixes:
B sequences, T positions, V vocabulary, E hidden, H heads, K key-value heads, D head width, F feed-forward.
"""

from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workflow_scripts.config.models import Student
from workflow_scripts.config.sizes import flops_per_token, parameter_counts  # noqa: F401  for those who ask here
from workflow_scripts.training.cpu_ops import CpuOps
from workflow_scripts.training.plain_ops import PlainOps

Ops: TypeAlias = PlainOps | CpuOps


class Linear(nn.Linear):
    """Matrix without bias; the fp32 weight is cast to the input's precision."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[..., inputs] to [..., outputs]."""
        return F.linear(x, self.weight.to(x.dtype))


def joined(x: Tensor, *layers: Linear) -> Tensor:
    """Outputs of several layers side by side, from one matrix product."""
    return F.linear(x, torch.cat([layer.weight for layer in layers]).to(x.dtype))


class Norm(nn.Module):
    """RMSNorm of a sum, which is what the next sum starts from."""

    def __init__(self, width: int, epsilon: float, ops: Ops) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon, self.ops = epsilon, ops

    def forward(self, x_BTE: Tensor, delta_BTE: Tensor | None) -> tuple[Tensor, Tensor]:
        """x + delta and its norm, in the input's precision."""
        return self.ops.add_norm(x_BTE, delta_BTE, self.weight, self.epsilon)


class Attention(nn.Module):
    """Causal attention with rotary positions; `mask` narrows it to a document."""

    def __init__(self, s: Student, ops: Ops) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.ops, width = s.heads, s.key_value_heads, ops, s.hidden // s.heads
        self.q_proj = Linear(s.hidden, s.heads * width)
        self.k_proj = Linear(s.hidden, s.key_value_heads * width)
        self.v_proj = Linear(s.hidden, s.key_value_heads * width)
        self.o_proj = Linear(s.heads * width, s.hidden)

    def forward(self, x_BTE: Tensor, rotary: tuple[Tensor, Tensor], mask: object | None) -> Tensor:
        """[B, T, E] to [B, T, E]."""
        qkv_BTX = joined(x_BTE, self.q_proj, self.k_proj, self.v_proj)
        q_BHTD, k_BKTD, v_BKTD = self.ops.rotate_heads(qkv_BTX, rotary, self.heads, self.kv_heads)
        return self.o_proj(self.ops.attention(q_BHTD, k_BKTD, v_BKTD, mask))


class FeedForward(nn.Module):
    """SwiGLU."""

    def __init__(self, s: Student, ops: Ops) -> None:
        super().__init__()
        self.ops = ops
        self.gate_proj = Linear(s.hidden, s.feed_forward)
        self.up_proj = Linear(s.hidden, s.feed_forward)
        self.down_proj = Linear(s.feed_forward, s.hidden)

    def forward(self, x_BTE: Tensor) -> Tensor:
        """[B, T, E] to [B, T, E]."""
        return self.down_proj(self.ops.swiglu(joined(x_BTE, self.gate_proj, self.up_proj)))


class Block(nn.Module):
    """Attention and feed-forward, each after its norm; what each adds is handed on to the next norm."""

    def __init__(self, s: Student, ops: Ops) -> None:
        super().__init__()
        self.input_layernorm = Norm(s.hidden, s.norm_epsilon, ops)
        self.self_attn = Attention(s, ops)
        self.post_attention_layernorm = Norm(s.hidden, s.norm_epsilon, ops)
        self.mlp = FeedForward(s, ops)

    def forward(
        self, x_BTE: Tensor, delta_BTE: Tensor | None, rotary: tuple[Tensor, Tensor], mask: object | None
    ) -> tuple[Tensor, Tensor]:
        """Residual [B, T, E] and what is still to be added to it, to the same two after this block."""
        x_BTE, norm_BTE = self.input_layernorm(x_BTE, delta_BTE)
        x_BTE, norm_BTE = self.post_attention_layernorm(x_BTE, self.self_attn(norm_BTE, rotary, mask))
        return x_BTE, self.mlp(norm_BTE)


class Llama(nn.Module):
    """The student. Names of parameters are those of `transformers`, so that export is a plain save."""

    def __init__(
        self, s: Student, vocabulary_size: int, precision: torch.dtype = torch.bfloat16, ops: Ops | None = None
    ) -> None:
        super().__init__()
        self.settings, self.precision, self.ops = s, precision, ops or PlainOps()
        self.embed_tokens = nn.Embedding(vocabulary_size, s.hidden)
        self.layers = nn.ModuleList(Block(s, self.ops) for _ in range(s.layers))
        self.norm = Norm(s.hidden, s.norm_epsilon, self.ops)
        self.lm_head = Linear(s.hidden, vocabulary_size)
        if s.tied_embeddings:
            self.lm_head.weight = self.embed_tokens.weight

    def initialise(self, seed: int) -> "Llama":
        """Normal(0, std) for embeddings and all matrices, ones for norms, from a named seed."""
        generator = torch.Generator().manual_seed(seed)
        for parameter in self.parameters():
            if parameter.ndim == 2:
                nn.init.normal_(parameter, std=self.settings.initializer_std, generator=generator)
        return self

    def hidden(self, ids_BT: Tensor, mask: object | None = None) -> Tensor:
        """Token ids [B, T] to hidden states [B, T, E] after the last norm; `mask` is one of `self.ops.mask`."""
        x_BTE, delta_BTE = self.embed_tokens(ids_BT).to(self.precision), None
        rotary = rotary_tables(ids_BT.shape[1], self.settings, ids_BT.device)
        for layer in self.layers:
            x_BTE, delta_BTE = layer(x_BTE, delta_BTE, rotary, mask)
        return self.norm(x_BTE, delta_BTE)[1]

    def forward(self, ids_BT: Tensor, mask: object | None = None) -> Tensor:
        """Token ids [B, T] to logits [B, T, V] in the model's precision; losses need no logits, see below."""
        return self.lm_head(self.hidden(ids_BT, mask))

    def mean_loss(self, ids_BT: Tensor, mask: object | None = None, wanted_BT: Tensor | None = None) -> Tensor:
        """Mean cross-entropy in nats of the next tokens of [B, T], for training; of the wanted ones if not of all."""
        return self.ops.mean_loss(self.hidden(ids_BT, mask), self.lm_head.weight, ids_BT, wanted_BT)

    def token_losses(self, ids_BT: Tensor, mask: object | None = None) -> Tensor:
        """Token ids [B, T] to the cross-entropy in nats of each next token, [B, T-1], in fp32."""
        return self.ops.token_losses(self.hidden(ids_BT, mask), self.lm_head.weight, ids_BT)


def rotary_tables(positions: int, s: Student, device: torch.device) -> tuple[Tensor, Tensor]:
    """cos and sin of each position's angles, fp32 [T, D/2]."""
    width = s.hidden // s.heads
    frequencies = s.rope_theta ** (-torch.arange(0, width, 2, device=device, dtype=torch.float32) / width)
    angles = torch.outer(torch.arange(positions, device=device, dtype=torch.float32), frequencies)
    return angles.cos(), angles.sin()
