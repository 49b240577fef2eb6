"""Blocks for FlexAttention against its own builder, and attention through them against the dense mask."""

import pytest
import torch
import torch.nn.functional as F
from torch.nn.attention.flex_attention import create_block_mask

from workflow_scripts.training.document_attention import (
    attention_mask,
    document_attention,
    document_blocks,
    document_mask,
)

# Ends of documents in windows: inside blocks of 128, at their ends, one that fills several, none.
ENDS = [[9, 10, 200, 260, 400], [128, 256], [127, 129], [], [300]]


def rows_of(positions: int) -> torch.Tensor:
    """Row numbers [B, T]."""
    return torch.stack([torch.searchsorted(torch.tensor(e or [10**6]), torch.arange(positions), right=True)
                        for e in ENDS])  # fmt: skip


@pytest.mark.parametrize("positions", [512, 384, 300, 129, 32])
def test_blocks_equal_those_of_the_library(positions):
    """create_block_mask looks at every pair of positions; ours looks at the ends of blocks."""
    rows = rows_of(positions)
    ours = document_blocks(rows)
    theirs = create_block_mask(ours.mask_mod, len(rows), None, positions, positions, device="cpu")
    assert ours.shape == theirs.shape
    for counts, indices in (("kv_num_blocks", "kv_indices"), ("full_kv_num_blocks", "full_kv_indices"),
                            ("q_num_blocks", "q_indices"), ("full_q_num_blocks", "full_q_indices")):  # fmt: skip
        count = getattr(ours, counts)
        assert torch.equal(count, getattr(theirs, counts)), counts
        used = torch.arange(getattr(ours, indices).shape[-1]) < count[..., None]
        assert torch.equal(getattr(ours, indices)[used], getattr(theirs, indices)[used]), indices


@pytest.mark.parametrize("positions", [384, 300, 32])
def test_mask_function_equals_the_dense_mask(positions):
    """At every pair of positions of every window."""
    rows = rows_of(positions)
    b, q, k = torch.meshgrid(*map(torch.arange, (len(ENDS), positions, positions)), indexing="ij")
    dense = document_mask(rows)
    assert torch.equal(document_blocks(rows).mask_mod(b, torch.zeros_like(b), q, k), dense)
    assert torch.equal(attention_mask(rows), dense)  # this is a CPU


@pytest.mark.parametrize(("heads", "kv_heads"), [(2, 2), (4, 2)])
def test_attention_through_blocks_equals_the_dense_mask(heads, kv_heads):
    """The library's attention with a dense mask, for grouped heads too."""
    rows, random = rows_of(300), torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(len(ENDS), h, 300, 16, generator=random) for h in (heads, kv_heads, kv_heads))
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=document_mask(rows)[:, None], enable_gqa=True)
    found = document_attention(q, k, v, document_blocks(rows))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_new_documents_need_no_new_compilation():
    """Another batch has other blocks of the same shape: one graph serves all."""
    graphs = []

    def count(graph, _):
        graphs.append(graph)
        return graph.forward

    attend = torch.compile(document_attention, backend=count, dynamic=False)
    q, k, v = torch.randn(3, len(ENDS), 2, 256, 16)
    for rows in (rows_of(256), rows_of(256).flip(0), torch.zeros(len(ENDS), 256, dtype=torch.int64)):
        attend(q, k, v, document_blocks(rows))
    assert len(graphs) == 1
