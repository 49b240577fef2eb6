"""Weights rounded to few bits: worked out by hand, bounded errors, and what stays as it is."""

import pytest
import torch

from workflow_scripts.common.errors import UserError
from workflow_scripts.generation.rounding import GROUP, round_linear_layers, rounded


def test_two_bits_by_hand():
    """0 .. 9 in steps of 3; a group of equals stays; -2 .. 1 in steps of 1."""
    weight = torch.tensor([[0.0, 1.0, 2.0, 9.0, 5.0, 5.0, 5.0, 5.0], [-2.0, -0.6, 0.4, 1.0, 9.0, 0.0, 4.0, 5.0]])
    expected = [[0.0, 0.0, 3.0, 9.0, 5.0, 5.0, 5.0, 5.0], [-2.0, -1.0, 0.0, 1.0, 9.0, 0.0, 3.0, 6.0]]
    assert rounded(weight, 2, group=4).tolist() == expected


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_a_group_has_few_values_none_further_than_half_a_step(bits):
    weight = torch.randn(8, 4 * GROUP, generator=torch.Generator().manual_seed(0))
    found, groups = rounded(weight, bits).reshape(-1, GROUP), weight.reshape(-1, GROUP)
    assert max(len(group.unique()) for group in found) == 2**bits
    half = (groups.amax(1) - groups.amin(1)) / (2**bits - 1) / 2
    assert ((found - groups).abs().amax(1) <= half + 1e-5).all()
    assert torch.allclose(rounded(found.reshape(8, -1), bits), found.reshape(8, -1), atol=1e-5)


def test_groups_that_do_not_divide_the_inputs_are_refused():
    with pytest.raises(UserError, match="a matrix has 48 inputs, which groups of 32"):
        rounded(torch.zeros(2, 48), 3)


class Tied(torch.nn.Module):
    """A layer, its norm, and an embedding that is the output layer, too."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.norm = torch.nn.Embedding(8, GROUP), torch.nn.LayerNorm(GROUP)
        self.layer, self.head = torch.nn.Linear(GROUP, GROUP), torch.nn.Linear(GROUP, 8, bias=False)
        self.head.weight = self.embedding.weight

    def get_output_embeddings(self) -> torch.nn.Module:
        return self.head


def test_embeddings_norms_and_biases_stay():
    model = Tied()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert round_linear_layers(model, 2) == 1
    changed = [name for name, value in model.state_dict().items() if not torch.equal(value, before[name])]
    assert changed == ["layer.weight"]
    assert torch.equal(model.layer.weight, rounded(before["layer.weight"], 2))
