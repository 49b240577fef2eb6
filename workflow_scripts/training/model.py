"""Llama-style decoder: SwiGLU, RMSNorm, rotary positions, no biases (facts 3.1).

Parameters are fp32; products are computed in the precision that the recipe names. Shape suffixes:
B sequences, T positions, V vocabulary, E hidden, H heads, K key-value heads, D head width, F feed-forward.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workflow_scripts.config.models import Student
from workflow_scripts.training.attention import causal_attention
from workflow_scripts.training.vocabulary_loss import token_losses


class Linear(nn.Linear):
    """Matrix without bias; the fp32 weight is cast to the input's precision."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[..., inputs] to [..., outputs]."""
        return F.linear(x, self.weight.to(x.dtype))


class Norm(nn.Module):
    """RMSNorm in fp32."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Same shape and precision as the input."""
        return F.rms_norm(x.float(), self.weight.shape, self.weight, self.epsilon).to(x.dtype)


class Attention(nn.Module):
    """Causal attention with rotary positions; `mask_BTT` narrows it to a document."""

    def __init__(self, s: Student) -> None:
        super().__init__()
        self.heads, self.kv_heads, width = s.heads, s.key_value_heads, s.hidden // s.heads
        self.q_proj = Linear(s.hidden, s.heads * width)
        self.k_proj = Linear(s.hidden, s.key_value_heads * width)
        self.v_proj = Linear(s.hidden, s.key_value_heads * width)
        self.o_proj = Linear(s.heads * width, s.hidden)

    def forward(self, x_BTE: Tensor, rotary: tuple[Tensor, Tensor], mask_BTT: Tensor | None) -> Tensor:
        """[B, T, E] to [B, T, E]."""
        B, T, _ = x_BTE.shape
        q_BHTD = rotate(self.q_proj(x_BTE).view(B, T, self.heads, -1).transpose(1, 2), rotary)
        k_BKTD = rotate(self.k_proj(x_BTE).view(B, T, self.kv_heads, -1).transpose(1, 2), rotary)
        v_BKTD = self.v_proj(x_BTE).view(B, T, self.kv_heads, -1).transpose(1, 2)
        out_BHTD = causal_attention(q_BHTD, k_BKTD, v_BKTD, mask_BTT)
        return self.o_proj(out_BHTD.transpose(1, 2).reshape(B, T, -1))


class FeedForward(nn.Module):
    """SwiGLU."""

    def __init__(self, s: Student) -> None:
        super().__init__()
        self.gate_proj = Linear(s.hidden, s.feed_forward)
        self.up_proj = Linear(s.hidden, s.feed_forward)
        self.down_proj = Linear(s.feed_forward, s.hidden)

    def forward(self, x_BTE: Tensor) -> Tensor:
        """[B, T, E] to [B, T, E]."""
        return self.down_proj(F.silu(self.gate_proj(x_BTE)) * self.up_proj(x_BTE))


class Block(nn.Module):
    """Attention and feed-forward, each after its norm and added to its input."""

    def __init__(self, s: Student) -> None:
        super().__init__()
        self.input_layernorm = Norm(s.hidden, s.norm_epsilon)
        self.self_attn = Attention(s)
        self.post_attention_layernorm = Norm(s.hidden, s.norm_epsilon)
        self.mlp = FeedForward(s)

    def forward(self, x_BTE: Tensor, rotary: tuple[Tensor, Tensor], mask_BTT: Tensor | None) -> Tensor:
        """[B, T, E] to [B, T, E]."""
        x_BTE = x_BTE + self.self_attn(self.input_layernorm(x_BTE), rotary, mask_BTT)
        return x_BTE + self.mlp(self.post_attention_layernorm(x_BTE))


class Llama(nn.Module):
    """The student. Names of parameters are those of `transformers`, so that export is a plain save."""

    def __init__(self, s: Student, vocabulary_size: int, precision: torch.dtype = torch.bfloat16) -> None:
        super().__init__()
        self.settings, self.precision = s, precision
        self.embed_tokens = nn.Embedding(vocabulary_size, s.hidden)
        self.layers = nn.ModuleList(Block(s) for _ in range(s.layers))
        self.norm = Norm(s.hidden, s.norm_epsilon)
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

    def hidden(self, ids_BT: Tensor, mask_BTT: Tensor | None = None) -> Tensor:
        """Token ids [B, T] to hidden states [B, T, E] after the last norm, in the model's precision."""
        x_BTE = self.embed_tokens(ids_BT).to(self.precision)
        rotary = rotary_tables(ids_BT.shape[1], self.settings, ids_BT.device, self.precision)
        for layer in self.layers:
            x_BTE = layer(x_BTE, rotary, mask_BTT)
        return self.norm(x_BTE)

    def forward(self, ids_BT: Tensor, mask_BTT: Tensor | None = None) -> Tensor:
        """Token ids [B, T] to logits [B, T, V] in the model's precision; losses need no logits, see token_losses."""
        return self.lm_head(self.hidden(ids_BT, mask_BTT))

    def token_losses(self, ids_BT: Tensor, mask_BTT: Tensor | None = None) -> Tensor:
        """Token ids [B, T] to the cross-entropy in nats of each next token, [B, T-1], in fp32."""
        return token_losses(self.hidden(ids_BT, mask_BTT), self.lm_head.weight, ids_BT)


def rotary_tables(positions: int, s: Student, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """cos and sin [T, D], the halves repeated as in Llama; computed in fp32."""
    width = s.hidden // s.heads
    frequencies = s.rope_theta ** (-torch.arange(0, width, 2, device=device, dtype=torch.float32) / width)
    angles = torch.outer(torch.arange(positions, device=device, dtype=torch.float32), frequencies).repeat(1, 2)
    return angles.cos().to(dtype), angles.sin().to(dtype)


def rotate(x: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate [..., T, D] by its positions."""
    cos, sin = rotary
    left, right = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-right, left), dim=-1) * sin


def document_mask(rows_BT: Tensor) -> Tensor:
    """[B, T, T]: true where a position may look: not ahead, and inside its own row."""
    T = rows_BT.shape[1]
    causal = torch.ones(T, T, dtype=torch.bool, device=rows_BT.device).tril()
    return (rows_BT[:, :, None] == rows_BT[:, None, :]) & causal



def parameter_counts(s: Student, vocabulary_size: int) -> dict[str, int]:
    """Parameters in all and without embeddings (facts 3.1)."""
    kv_width = s.hidden // s.heads * s.key_value_heads
    layer = 2 * s.hidden**2 + 2 * s.hidden * kv_width + 3 * s.hidden * s.feed_forward + 2 * s.hidden
    body = s.layers * layer + s.hidden
    embeddings = (1 if s.tied_embeddings else 2) * vocabulary_size * s.hidden
    return {"total": body + embeddings, "non_embedding": body}


def flops_per_token(s: Student, vocabulary_size: int, context: int) -> float:
    """Training FLOPs per token: 6 per parameter outside the input embedding, and causal attention (facts 8)."""
    weights = parameter_counts(s, vocabulary_size)["non_embedding"] + vocabulary_size * s.hidden
    return 6 * weights + 6 * s.layers * s.hidden * context
