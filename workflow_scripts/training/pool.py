"""Which windows each step sees where several streams are one pool: a pure function of (seed, step) (arXiv 2605.17849).

All windows of all streams are passed once per epoch, in a new random order every epoch. There is no mixing ratio: each
stream's share is its size, as in the authors' configurations.
"""

from functools import lru_cache

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.seeds import named_seed
from workflow_scripts.evaluation.losses import document_ends, row_numbers
from workflow_scripts.megadocs.tokens import TokenStream
from workflow_scripts.training.mixing import Batch


class PooledWindows:
    """Batches of token windows of a pool; with `kind`, the tokens of other kinds of rows are context alone.

    `limits`: tokens of a stream that are used, its first ones. A window in which no token counts is left out. With
    `kind` or `with_rows`, attention stays inside a document: rows that follow each other with the same doc_id. Raises
    UserError for a stream without a single window.
    """

    def __init__(
        self,
        streams: dict[str, TokenStream],
        seed: int,
        context: int,
        batch_sequences: int,
        with_rows: bool = False,
        kind: str | None = None,
        limits: dict[str, int] | None = None,
    ) -> None:
        self.limits = limits or {}
        self.streams, self.seed, self.context, self.batch_sequences = streams, seed, context, batch_sequences
        self.kind, self.with_rows = kind, with_rows or kind is not None
        self.rows = {name: _Rows(stream, kind) for name, stream in streams.items()} if self.with_rows else {}
        self.places = np.array([place for place in self._all_windows()], dtype=np.int64).reshape(-1, 2)
        self.counts = np.bincount(self.places[:, 0], minlength=len(streams))
        for (name, stream), count in zip(streams.items(), self.counts, strict=True):
            if not count:
                raise UserError(f"{stream.paths.tokens}: {name} has no window of {context} tokens to train on")

    def batch(self, step: int, rank: int = 0, processes: int = 1) -> Batch:
        """Token ids [B, T] of a step, the document of each, and which are to be predicted; None where all are alike.

        Of several processes each gets its part of the step's sequences, in the order of their ranks.
        """
        share = self.batch_sequences // processes
        first = step * self.batch_sequences + rank * share
        chosen = [self._place(number) for number in range(first, first + share)]
        ids = np.stack([self._ids(*place) for place in chosen])
        rows = np.stack([self._of_rows("documents", *place) for place in chosen]) if self.with_rows else None
        wanted = np.stack([self._of_rows("wanted", *place) for place in chosen]) if self.kind else None
        return ids, rows, wanted

    def seen(self, steps: int) -> dict[str, float]:
        """Tokens of each stream that a training of so many steps sees, passes over it, and what it has."""
        sequences = steps * self.batch_sequences
        epochs, rest = divmod(sequences, len(self.places))
        numbers = self.places[self._order(epochs)[:rest], 0]
        counts = epochs * self.counts + np.bincount(numbers, minlength=len(self.counts))
        found: dict[str, float] = {}
        for name, own, available in zip(self.streams, counts.tolist(), self.counts.tolist(), strict=True):
            found |= {f"{name}_tokens_seen": own * self.context, f"{name}_epochs_seen": own / available}
            found |= {f"{name}_stream_tokens": available * self.context}
        return found

    def _all_windows(self) -> list[tuple[int, int]]:
        windows = []
        for number, (name, stream) in enumerate(self.streams.items()):
            whole = range(stream.windows(self.context, self.limits.get(name)))
            counted = (w for w in whole if self._counts(name, w))
            windows += [(number, window) for window in counted]
        return windows

    def _counts(self, name: str, window: int) -> bool:
        """Whether something in a window is to be predicted; its first token can't be."""
        return self.kind is None or bool(self.rows[name].wanted[self._span(window)][1:].any())

    def _place(self, number: int) -> tuple[str, int]:
        epoch, position = divmod(number, len(self.places))
        stream, window = self.places[self._order(epoch)[position]]
        return list(self.streams)[stream], int(window)

    @lru_cache(maxsize=2)  # noqa: B019  one pool lives as long as its training
    def _order(self, epoch: int) -> np.ndarray:
        return np.random.default_rng(named_seed("pool", self.seed, epoch)).permutation(len(self.places))

    def _span(self, window: int) -> slice:
        return slice(window * self.context, (window + 1) * self.context)

    def _ids(self, name: str, window: int) -> np.ndarray:
        return self.streams[name].tokens[self._span(window)].astype(np.int64)

    def _of_rows(self, what: str, name: str, window: int) -> np.ndarray:
        return getattr(self.rows[name], what)[self._span(window)]


def limits_of(sizes: dict[str, int], tokens: int | None) -> dict[str, int]:
    """Tokens of each stream where all together may have so many: each keeps its share. Raises UserError for too few."""
    if tokens is None or not sizes:
        return {}
    if sum(sizes.values()) < tokens:
        found = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
        raise UserError(
            f"--synthetic-tokens {tokens:,}: there are only {sum(sizes.values()):,} ({found}); ask for less"
        )
    return {name: tokens * size // sum(sizes.values()) for name, size in sizes.items()}


class _Rows:
    """Of every token of a stream: which document it is of, and whether it is of the kind that counts."""

    def __init__(self, stream: TokenStream, kind: str | None) -> None:
        everything = (1, len(stream.tokens))
        self.documents = row_numbers(document_ends(stream), 0, everything)[0]
        kinds = stream.index(["kind"]).column("kind").to_numpy(zero_copy_only=False)
        self.wanted = (kinds == kind)[row_numbers(stream.row_ends(), 0, everything)[0]]
