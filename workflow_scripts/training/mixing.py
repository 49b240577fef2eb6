"""Which windows each step sees: a pure function of (seed, step).

Per-sequence mixing of two streams: in every block of sequences the mixing ratio holds to one sequence. Each stream's
windows come in one random order that is the same in every epoch; a stream starts again when it is exhausted.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.seeds import named_seed
from workflow_scripts.megadocs.tokens import TokenStream

# token ids int64 [B, T]; the row number of each, for masked attention; bool, which are predicted, where not all are
Batch = tuple[np.ndarray, np.ndarray | None, np.ndarray | None]


@dataclass(frozen=True)
class Mixture:
    """Places of sequences in the real and the synthetic stream."""

    seed: int
    mixing_ratio: float
    block_sequences: int
    windows: dict[str, int]  # stream name -> number of windows

    def places(self, first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """For sequences first .. first+count-1: bool [count] is_synthetic, int64 [count] window in its stream."""
        size = self.block_sequences
        numbers = range(first // size, -(-(first + count) // size))
        blocks = [self._block(number) for number in numbers]
        here = slice(first - numbers.start * size, first - numbers.start * size + count)
        synthetic = np.concatenate([mask for mask, _ in blocks])[here]
        return synthetic, self._window(synthetic, np.concatenate([position for _, position in blocks])[here])

    def seen(self, sequences: int) -> dict[str, int]:
        """How many of the first `sequences` come from each stream."""
        block, rest = divmod(sequences, self.block_sequences)
        synthetic = self._synthetic_before(block) + int(self._block(block)[0][:rest].sum())
        return {"real": sequences - synthetic, "synthetic": synthetic}

    def _synthetic_before(self, block: int) -> int:
        """Synthetic sequences before a block: the mixing ratio holds over any number of blocks to one sequence."""
        return int(self.mixing_ratio * block * self.block_sequences + 1e-6)

    @lru_cache(maxsize=4)  # noqa: B019  one mixture lives as long as its training
    def _block(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Of a block's sequences: bool is_synthetic, int64 position in the stream they come from."""
        before = self._synthetic_before(number)
        own = self._synthetic_before(number + 1) - before
        order = np.random.default_rng(named_seed("mixing", self.seed, number)).permutation(self.block_sequences)
        mask = order < own
        real_before = number * self.block_sequences - before
        return mask, np.where(mask, before + mask.cumsum(), real_before + (~mask).cumsum()) - 1

    def _window(self, synthetic: np.ndarray, position: np.ndarray) -> np.ndarray:
        found = np.empty_like(position)
        for name, mask in (("synthetic", synthetic), ("real", ~synthetic)):
            if mask.any():
                found[mask] = self._orders[name][position[mask] % self.windows[name]]
        return found

    @cached_property
    def _orders(self) -> dict[str, np.ndarray]:
        return {
            name: np.random.default_rng(named_seed("window order", name, self.seed)).permutation(count)
            for name, count in self.windows.items()
        }

    def __hash__(self) -> int:
        return id(self)


class MixedWindows:
    """Batches of token windows from a real and, if the ratio is above 0, a synthetic stream."""

    def __init__(
        self,
        streams: dict[str, TokenStream],
        mixture: Mixture,
        context: int,
        batch_sequences: int,
        with_rows: bool = False,
    ) -> None:
        self.streams, self.mixture, self.context, self.batch_sequences = streams, mixture, context, batch_sequences
        self.ends = {name: stream.row_ends() for name, stream in streams.items()} if with_rows else None

    def batch(self, step: int, rank: int = 0, processes: int = 1) -> Batch:
        """Token ids int64 [B, T] of a step and, for masked attention, the row number of each token [B, T].

        Of several processes each gets its part of the step's sequences, in the order of their ranks.
        """
        share = self.batch_sequences // processes
        synthetic, window = self.mixture.places(step * self.batch_sequences + rank * share, share)
        names = np.where(synthetic, "synthetic", "real")
        ids = np.stack([self._window(name, w) for name, w in zip(names, window, strict=True)])
        if self.ends is None:
            return ids, None, None
        return ids, np.stack([self._rows(name, w) for name, w in zip(names, window, strict=True)]), None

    def seen(self, steps: int) -> dict[str, float]:
        """Tokens of each stream that a training of so many steps sees, passes over it, and what it has."""
        seen, available = self.mixture.seen(steps * self.batch_sequences), self.mixture.windows
        return {
            **{f"{name}_tokens_seen": n * self.context for name, n in seen.items()},
            **{f"{name}_epochs_seen": n / available[name] if available.get(name) else 0.0 for name, n in seen.items()},
            **{f"{name}_stream_tokens": n * self.context for name, n in available.items()},
        }

    def _window(self, name: str, window: int) -> np.ndarray:
        start = int(window) * self.context
        return self.streams[name].tokens[start : start + self.context].astype(np.int64)

    def _rows(self, name: str, window: int) -> np.ndarray:
        positions = np.arange(int(window) * self.context, (int(window) + 1) * self.context)
        return np.searchsorted(self.ends[name], positions, side="right")


def open_mixture(
    streams: dict[str, TokenStream], real_tokens: int, mixing_ratio: float, block: int, seed: int, batch_shape: tuple
) -> Mixture:
    """Mixture over the first `real_tokens` of the real stream, cut to whole batches, and the whole synthetic one.

    Raises UserError when a stream is too short or its tokenizer differs from the other's.
    """
    sequences, context = batch_shape
    real = streams["real"]
    if real_tokens > len(real.tokens):
        raise UserError(f"{real.paths.tokens}: holds {len(real.tokens):,} tokens, --real-tokens asks {real_tokens:,}")
    windows = {"real": real_tokens // (sequences * context) * sequences}
    if mixing_ratio < 1 and not windows["real"]:
        raise UserError(f"--real-tokens {real_tokens:,}: less than one batch of {sequences * context:,} tokens")
    if mixing_ratio > 0:
        synthetic = streams["synthetic"]
        if synthetic.metadata["tokenizer_sha256"] != real.metadata["tokenizer_sha256"]:
            raise UserError(f"{synthetic.paths.metadata}: made with another tokenizer than {real.paths.metadata}")
        windows["synthetic"] = synthetic.windows(context)
        if windows["synthetic"] == 0:
            raise UserError(f"{synthetic.paths.tokens}: shorter than one window of {context} tokens")
    return Mixture(seed, mixing_ratio, block, windows)
