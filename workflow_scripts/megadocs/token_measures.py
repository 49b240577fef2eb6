"""What can be counted of the tokens of a stream: entropy, distinct and repeated sequences.

All of these change with the number of tokens: compare streams at equal numbers only. BOS and EOS, which say how long
texts are and not what is in them, are left out everywhere.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq

from workflow_scripts.common.errors import UserError
from workflow_scripts.megadocs.tokens import TokenStream

REPEATED_TOKENS = 4


@dataclass(frozen=True)
class Content:
    """The first tokens of a stream, without BOS and EOS: `ids` int64 [tokens], `rows` their rows' numbers [tokens]."""

    ids: np.ndarray
    rows: np.ndarray


def row_lengths(stream: TokenStream, tokens: int | None = None) -> np.ndarray:
    """int64 [rows]: content tokens of each row that begins among the first `tokens` of the stream, or of all."""
    ends = stream.row_ends()
    starts = np.concatenate([[0], ends[:-1]])
    kept = slice(None) if tokens is None else slice(int(np.searchsorted(starts, tokens)))
    return (ends - starts)[kept] - 2


def first_lengths(stream: TokenStream, tokens: int) -> np.ndarray:
    """int64 [rows]: content tokens of each of the first rows, as many as hold `tokens` together, or some more."""
    lengths, have = [], 0
    for batch in pq.ParquetFile(stream.paths.index).iter_batches(columns=["start", "end"]):
        lengths.append(np.subtract(batch["end"], batch["start"]) - 2)
        have += lengths[-1].sum()
        if have >= tokens:
            break
    return np.concatenate(lengths)


def content_tokens(stream: TokenStream) -> int:
    """Tokens of a stream without BOS and EOS."""
    return stream.metadata["tokens"] - 2 * stream.metadata["rows"]


def content(stream: TokenStream, tokens: int) -> Content:
    """The first `tokens` content tokens of a stream. Raises UserError when it has fewer, or none are asked for.

    Memory: about 40 bytes per token.
    """
    if not 0 < tokens <= content_tokens(stream):
        have = f"{content_tokens(stream):,} tokens without BOS and EOS"
        raise UserError(f"{stream.paths.tokens}: it holds {have}, and {tokens:,} are asked for")
    lengths = first_lengths(stream, tokens)
    rows = np.repeat(np.arange(len(lengths)), lengths)[:tokens]
    return Content(stream.tokens[np.arange(tokens) + 2 * rows + 1].astype(np.int64), rows)


def sequences(found: Content, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Of every sequence of `size` tokens inside a row: a number that equal ones share, and the number of its row."""
    codes, base = found.ids, int(found.ids.max()) + 1
    for more in range(1, size):
        codes = np.unique(codes[: len(found.ids) - more] * base + found.ids[more:], return_inverse=True)[1]
    rows = found.rows[: len(codes)]
    inside = rows == found.rows[size - 1 :]
    return codes[inside], rows[inside]


def distinct_share(found: Content, size: int) -> float:
    """Different sequences of `size` tokens as a share of all (distinct-n, Li et al. 2016); NaN where there is none."""
    codes, _ = sequences(found, size)
    return len(np.unique(codes)) / len(codes) if len(codes) else np.nan


def repeated_share(found: Content, size: int = REPEATED_TOKENS) -> float:
    """Share of sequences of `size` tokens that stood before in the same text (seq-rep-n, Welleck et al. 2020)."""
    codes, rows = sequences(found, size)
    different = len(np.unique(rows * (int(codes.max()) + 1) + codes)) if len(codes) else 0
    return 1 - different / len(codes) if len(codes) else np.nan


def entropy_nats(counts: np.ndarray) -> float:
    """Entropy of the shares that counts [types] have of their sum, in nats."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum()) + 0.0
