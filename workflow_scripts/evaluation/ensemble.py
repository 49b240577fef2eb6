"""Ensembles of students, as the paper makes them: the members' logits are averaged, token by token.

A chunk of tokens meets all members before the next one comes, so no member's logits are ever kept: memory grows with
the members' weights, not with tokens times vocabulary. As the members' logits are added up, every smaller ensemble
(the first member, the first two ...) comes by the way.
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workflow_scripts.common.errors import UserError
from workflow_scripts.training.model import Llama
from workflow_scripts.training.vocabulary_loss import chunk_tokens


class Ensemble(nn.Module):
    """Students with one vocabulary, in the order in which they join. Shape suffixes as in model.py; K members."""

    def __init__(self, members: Iterable[Llama]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.ops = self.members[0].ops
        if len({member.lm_head.out_features for member in self.members}) > 1:
            raise UserError("the members of an ensemble must have the same vocabulary")

    def __len__(self) -> int:
        return len(self.members)

    def token_losses(self, ids_BT: Tensor, mask: object | None = None) -> Tensor:
        """Cross-entropy in nats of each next token by the first 1, 2 .. K members together, fp32 [K, B, T-1]."""
        hidden = [member.hidden(ids_BT, mask)[:, :-1].flatten(0, 1) for member in self.members]
        weights = [member.lm_head.weight.to(own.dtype) for member, own in zip(self.members, hidden, strict=True)]
        next_N = ids_BT[:, 1:].flatten()
        size = chunk_tokens(ids_BT.device.type, len(weights[0]))
        parts = [slice(i, i + size) for i in range(0, max(1, len(next_N)), size)]
        losses_KN = torch.cat([_losses([own[p] for own in hidden], weights, next_N[p]) for p in parts], dim=1)
        return losses_KN.view(len(self), len(ids_BT), -1)


def _losses(hidden: list[Tensor], weights: list[Tensor], next_N: Tensor) -> Tensor:
    """[K, N] from each member's hidden states [N, E] and head [V, E]; logits are added up in fp32."""
    total_NV, losses = torch.zeros(len(next_N), len(weights[0]), device=next_N.device), []
    for count, (own, weight) in enumerate(zip(hidden, weights, strict=True), start=1):
        total_NV += F.linear(own, weight)
        losses.append(F.cross_entropy(total_NV / count, next_N, reduction="none"))
    return torch.stack(losses)
