"""Weights rounded to few bits: a generator of lower quality with the same architecture.

[assumed] Our stand-in, on machines that have one small LLM, for generators of several sizes (arXiv 2510.01631).
Round to nearest, asymmetric between each group's least and greatest weight, as in common 4-bit formats; nothing is
calibrated, so that 3 and 2 bits do visible harm.
"""

import torch

from workflow_scripts.common.errors import UserError

GROUP = 32  # weights along the input that share their range, as in Q4_1


def rounded(weight: torch.Tensor, bits: int, group: int = GROUP) -> torch.Tensor:
    """A matrix [outputs, inputs] with 2**bits values per group of an output's weights; its dtype stays.

    Raises UserError when the groups don't divide the inputs.
    """
    outputs, inputs = weight.shape
    if inputs % group:
        raise UserError(f"--bits {bits}: a matrix has {inputs} inputs, which groups of {group} don't divide")
    grouped = weight.float().reshape(outputs, inputs // group, group)
    low, high = torch.aminmax(grouped, dim=-1, keepdim=True)
    step = ((high - low) / (2**bits - 1)).clamp_min(torch.finfo(torch.float32).tiny)
    return (low + step * ((grouped - low) / step).round()).reshape(outputs, inputs).to(weight.dtype)


@torch.no_grad()
def round_linear_layers(model: torch.nn.Module, bits: int) -> int:
    """Round every linear layer's matrix in place but for the one that gives the vocabulary; how many were rounded.

    Embeddings, norms and biases stay; so does the output layer, which often is the embedding.
    """
    layers = [
        layer
        for layer in model.modules()
        if isinstance(layer, torch.nn.Linear) and layer is not model.get_output_embeddings()
    ]
    for layer in layers:
        layer.weight.copy_(rounded(layer.weight, bits))
    return len(layers)
