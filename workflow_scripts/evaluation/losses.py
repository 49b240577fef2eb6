"""Loss of a student on a token stream: packed as in training, kept per document.

[assumed] Validation is packed into windows like training, with the same attention; the loss is the mean over all
predicted tokens. The first token of a window is not predicted.
"""

import numpy as np
import pyarrow as pa
import torch

from workflow_scripts.megadocs.tokens import TokenStream
from workflow_scripts.training.model import Llama, document_mask

SEQUENCES = {"cpu": 8, "cuda": 16}


@torch.inference_mode()
def window_losses(model: Llama, stream: TokenStream, context: int, masked: bool) -> np.ndarray:
    """float32 [windows, context]: loss of each token in nats; NaN where it is not predicted.

    The last, shorter window is included, so that every document counts whole.
    """
    device = next(model.parameters()).device
    windows = -(-len(stream.tokens) // context)
    losses = np.full((windows, context), np.nan, dtype=np.float32)
    ends = stream.row_ends() if masked else None
    size = SEQUENCES[device.type]
    for first in [*range(0, windows - 1, size), windows - 1]:
        last = windows if first == windows - 1 else min(first + size, windows - 1)
        piece = stream.tokens[first * context : last * context].astype(np.int64)
        ids = torch.from_numpy(piece.reshape(last - first, -1)).to(device)
        mask = None
        if ends is not None:
            positions = np.arange(first * context, first * context + ids.numel()).reshape(ids.shape)
            mask = document_mask(torch.from_numpy(np.searchsorted(ends, positions, side="right")).to(device))
        losses[first:last, 1 : ids.shape[1]] = model.token_losses(ids, mask).cpu().numpy()
    return losses


def document_losses(losses: np.ndarray, stream: TokenStream) -> pa.Table:
    """Per document: doc_id, tokens of its row, predicted tokens, summed loss in nats."""
    flat = losses.reshape(-1)[: len(stream.tokens)].astype(np.float64)
    index = stream.index()
    starts = index.column("start").to_numpy()
    predicted = np.add.reduceat(~np.isnan(flat), starts, dtype=np.int64)
    sums = np.add.reduceat(np.nan_to_num(flat), starts)
    tokens = index.column("end").to_numpy() - starts
    columns = {"doc_id": index.column("doc_id"), "tokens": tokens, "predicted_tokens": predicted, "loss_sum_nats": sums}
    return pa.table(columns)


def stream_loss(model: Llama, stream: TokenStream, context: int, masked: bool) -> float:
    """Mean loss in nats per predicted token."""
    return float(np.nanmean(window_losses(model, stream, context, masked), dtype=np.float64))
