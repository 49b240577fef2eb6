"""Loss of a student on a token stream: packed as in training, kept per document.

[assumed] Validation is packed into windows like training, with the same attention; the loss is the mean over all
predicted tokens. The first token of a window is not predicted.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import torch

from workflow_scripts.evaluation.ensemble import Ensemble
from workflow_scripts.megadocs.tokens import TokenStream
from workflow_scripts.training.model import Llama

BATCH_TOKENS = {"cpu": 2**12, "cuda": 2**16}
Batch = tuple[slice, np.ndarray]  # windows, token ids int64 [B, T]


@torch.inference_mode()
def window_losses(
    model: Llama | Ensemble, stream: TokenStream, context: int, masked: bool, ends: np.ndarray | None = None
) -> np.ndarray:
    """float32 [windows, context]: loss of each token in nats; NaN where it is not predicted.

    The last, shorter window is included, so that every document counts whole. An ensemble's losses have the number
    of its first members as a further, first dimension. `ends`: where attention ends if not at the end of rows.
    """
    device = next(model.parameters()).device
    members = [len(model)] if isinstance(model, Ensemble) else []
    losses = np.full((*members, -(-len(stream.tokens) // context), context), np.nan, dtype=np.float32)
    ends = stream.row_ends() if masked and ends is None else ends
    for windows, ids in batches(stream, context, max(1, BATCH_TOKENS[device.type] // context)):
        rows = None if ends is None else row_numbers(ends, windows.start * context, ids.shape)
        mask = None if rows is None else model.ops.mask(torch.from_numpy(rows).to(device))
        found = model.token_losses(torch.from_numpy(ids).to(device), mask)
        losses[..., windows, 1 : ids.shape[1]] = found.cpu().numpy()
    return losses


def batches(stream: TokenStream, context: int, sequences: int) -> Iterator[Batch]:
    """All windows, `sequences` at a time; the last one, which may be shorter, alone."""
    last = -(-len(stream.tokens) // context) - 1
    for first in [*range(0, last, sequences), last]:
        windows = slice(first, min(first + sequences, max(last, first + 1)))
        piece = stream.tokens[windows.start * context : windows.stop * context].astype(np.int64)
        yield windows, piece.reshape(windows.stop - windows.start, -1)


def row_numbers(ends: np.ndarray, first: int, shape: tuple[int, int]) -> np.ndarray:
    """int64 [B, T]: number of the row that each token belongs to, from token `first` of the stream on."""
    positions = np.arange(first, first + shape[0] * shape[1]).reshape(shape)
    return np.searchsorted(ends, positions, side="right")


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


def kind_loss(model: Llama, stream: TokenStream, context: int, masked: bool, kind: str | None) -> float:
    """Mean loss in nats per predicted token of the rows of a kind, as answers to questions; of all rows without one.

    With a kind, attention stays inside a document, whose rows are one after another.
    """
    if kind is None:
        return stream_loss(model, stream, context, masked)
    table = document_losses(window_losses(model, stream, context, True, document_ends(stream)), stream).to_pandas()
    own = table[stream.index(["kind"]).column("kind").to_pandas() == kind]
    return float(own["loss_sum_nats"].sum() / own["predicted_tokens"].sum())


def document_ends(stream: TokenStream) -> np.ndarray:
    """int64 [documents]: end in tokens of each run of rows that have the same doc_id."""
    index = stream.index(["doc_id", "end"]).to_pandas()
    return index["end"].to_numpy()[(index["doc_id"] != index["doc_id"].shift(-1)).to_numpy()]
