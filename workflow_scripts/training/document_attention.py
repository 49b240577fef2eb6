"""Attention that stays inside a document: what a position may see, as a mask or as blocks of one.

Plain torch on a CPU gets a dense mask. On a GPU that would take B x T x T and slow the kernel down, so FlexAttention
gets the blocks of 128 x 128 that hold anything to see; rows' numbers never fall within a window, so two of them decide
each block.
"""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, flex_attention

BLOCK = 128  # FlexAttention's own block


def attention_mask(rows_BT: Tensor) -> Tensor | BlockMask:
    """What `Llama` takes as its mask, from the row number of each token [B, T]: dense on a CPU, blocks on a GPU."""
    return document_blocks(rows_BT) if rows_BT.device.type == "cuda" else document_mask(rows_BT)


def document_mask(rows_BT: Tensor) -> Tensor:
    """[B, T, T]: true where a position may look: not ahead, and inside its own row."""
    T = rows_BT.shape[1]
    causal = torch.ones(T, T, dtype=torch.bool, device=rows_BT.device).tril()
    return (rows_BT[:, :, None] == rows_BT[:, None, :]) & causal


def document_blocks(rows_BT: Tensor) -> BlockMask:
    """The same as blocks, without ever making [B, T, T]. Row numbers must not fall along a window."""
    T = rows_BT.shape[1]
    first, last = rows_BT[:, ::BLOCK], _last_of_blocks(rows_BT)
    number = torch.arange(first.shape[1], device=rows_BT.device)
    before = number[None, :] < number[:, None]
    seen = (last[:, None, :] >= first[:, :, None]) & (before | (number[None, :] == number[:, None]))
    whole = (number + 1) * BLOCK <= T
    full = (first[:, None, :] == last[:, :, None]) & before & (whole[:, None] & whole)

    def may_look(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
        return (rows_BT[b, q] == rows_BT[b, k]) & (q >= k)

    partial_blocks, full_blocks = _ordered(seen & ~full), _ordered(full)
    return BlockMask.from_kv_blocks(
        *partial_blocks, *full_blocks, BLOCK_SIZE=BLOCK, mask_mod=may_look, seq_lengths=(T, T)
    )


def document_attention(q_BHTD: Tensor, k_BKTD: Tensor, v_BKTD: Tensor, blocks: BlockMask) -> Tensor:
    """[B, H, T, D] from queries of H heads and keys and values of K heads, narrowed to `blocks`."""
    direct = torch.compiler.is_compiling() or q_BHTD.device.type == "cpu"
    attend = flex_attention if direct else _compiled_attention()
    return attend(q_BHTD, k_BKTD, v_BKTD, block_mask=blocks, enable_gqa=q_BHTD.shape[1] != k_BKTD.shape[1])


@cache
def _compiled_attention() -> Callable[..., Tensor]:
    """Where nothing around it is compiled; as it is, FlexAttention computes every score, for tests on a CPU alone."""
    return torch.compile(flex_attention, dynamic=False)


def _last_of_blocks(rows_BT: Tensor) -> Tensor:
    ends = torch.arange(BLOCK - 1, rows_BT.shape[1] + BLOCK - 1, BLOCK, device=rows_BT.device)
    return rows_BT[:, ends.clamp(max=rows_BT.shape[1] - 1)]


def _ordered(chosen_BQK: Tensor) -> tuple[Tensor, Tensor]:
    """Number of chosen key blocks per query block [B, 1, Q], and the blocks with the chosen ones first [B, 1, Q, K]."""
    order = chosen_BQK.int().argsort(dim=-1, descending=True, stable=True)
    return chosen_BQK.sum(-1, dtype=torch.int32)[:, None], order.int()[:, None].contiguous()
