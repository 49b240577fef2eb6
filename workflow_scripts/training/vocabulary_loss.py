"""Cross-entropy over the vocabulary, straight from hidden states: what turns them into losses lives here alone."""

import torch.nn.functional as F
from torch import Tensor


def token_losses(hidden_BTE: Tensor, weight_VE: Tensor, ids_BT: Tensor) -> Tensor:
    """Cross-entropy in nats of each next token, [B, T-1], in fp32; `weight_VE` is that of the language-model head."""
    logits = F.linear(hidden_BTE[:, :-1], weight_VE.to(hidden_BTE.dtype))
    losses = F.cross_entropy(logits.flatten(0, 1).float(), ids_BT[:, 1:].flatten(), reduction="none")
    return losses.view(ids_BT.shape[0], -1)
