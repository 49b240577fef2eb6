"""The optimizer's recipe (facts 3.2): AdamW, 1% warm-up, cosine to zero, clipping, decay exclusions."""

import math

import torch

from workflow_scripts.config.models import Training
from workflow_scripts.training.model import Llama


def learning_rate(step: int, steps: int, peak: float, warmup_fraction: float) -> float:
    """Learning rate of `step` (0-based): linear warm-up, then cosine to 0 at the last step."""
    warmup = max(1, round(warmup_fraction * steps))
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step + 1 - warmup) / max(1, steps - warmup)
    return peak * 0.5 * (1 + math.cos(math.pi * progress))


def decayed(name: str, parameter: torch.Tensor) -> bool:
    """Whether weight decay applies: every matrix but the token embedding; the LM head is decayed."""
    return parameter.ndim >= 2 and not name.startswith("embed_tokens")


def build_optimizer(model: Llama, lr: float, weight_decay: float, training: Training) -> torch.optim.AdamW:
    """AdamW with decoupled decay, multiplied by the current learning rate.

    Tied embeddings are one parameter, the token embedding, and so are not decayed.
    """
    named = list(model.named_parameters())
    groups = [
        {"params": [p for n, p in named if decayed(n, p)], "weight_decay": weight_decay},
        {"params": [p for n, p in named if not decayed(n, p)], "weight_decay": 0.0},
    ]
    betas = (training.beta1, training.beta2)
    return torch.optim.AdamW(groups, lr=lr, betas=betas, eps=training.epsilon, fused=True)
