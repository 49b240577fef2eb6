"""The curve of unique text, loss(D) = E + B / D^b, and unique tokens that a loss is worth (arXiv 2605.17849).

An oracle passes once over unique text at a constant learning rate, so its loss at every evaluation is that of D unique
tokens. [assumed] The first twentieth of its tokens is left out, as warm-up and the first steep fall are no power law;
evaluations count as 1 / D, so that every factor of D has the same weight.
"""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.scaling.interpolation import reached_at
from workflow_scripts.scaling.law import NotIdentified
from workflow_scripts.scaling.projection import fit_powers

WARM_UP = 0.05  # share of the oracle's tokens
FEWEST = 5  # evaluations; the law has three parameters


@dataclass(frozen=True)
class OracleLaw:
    """E + B / (D / unit)^b of the estimate and of every draw: arrays [1 + draws]; tokens and losses as measured."""

    tokens: np.ndarray  # [points]
    losses: np.ndarray  # [points] nats per token
    unit: float  # tokens
    floor: np.ndarray
    factor: np.ndarray
    exponent: np.ndarray

    def worth(self, losses: np.ndarray) -> np.ndarray:
        """Unique tokens whose loss is `losses` [1 + draws, ...], each by its own draw's law; inf at or below E."""
        shape = (-1,) + (1,) * (losses.ndim - 1)
        floor, factor, exponent = (x.reshape(shape) for x in (self.floor, self.factor, self.exponent))
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            found = self.unit * (factor / (losses - floor)) ** (1 / exponent)
        return np.where(losses <= floor, np.inf, found)

    def loss(self, tokens: float | np.ndarray) -> np.ndarray:
        """The estimate's loss at D unique tokens."""
        return self.floor[0] + self.factor[0] / (np.asarray(tokens) / self.unit) ** self.exponent[0]

    def status(self, worth: float) -> tuple[str, str]:
        """measured, extrapolated or not identified, for tokens of `worth`, and the reason of the last one."""
        if worth < self.tokens[0] * (1 - 1e-6):
            return "not identified", f"worse than unique text at the first evaluation used, {self.tokens[0]:,} tokens"
        if not np.isfinite(worth):
            return "not identified", f"the loss is at or below the law's floor {self.floor[0]:.4f}"
        return ("measured" if worth <= self.tokens[-1] * (1 + 1e-6) else "extrapolated"), ""

    def isotonic(self, loss: float) -> float:
        """The same without a law: monotone fit, log-linear between evaluations; NaN outside the measured ones."""
        return float(np.exp(reached_at(falling(self.losses, 1 / self.tokens), np.log(self.tokens), loss)))


def fit_oracle(tokens: np.ndarray, losses: np.ndarray) -> OracleLaw:
    """The law by tokens [points] and losses [1 + draws, points], the estimate first.

    Raises NotIdentified with few evaluations after the first twentieth, or where the loss does not fall.
    """
    kept = (tokens >= WARM_UP * tokens.max()) & (tokens > 0)
    tokens, losses = tokens[kept], losses[:, kept]
    if len(tokens) < FEWEST:
        raise NotIdentified(f"{len(tokens)} evaluations of unique text after warm-up; a law needs {FEWEST}")
    logs = np.log(tokens)
    weights = np.broadcast_to(tokens.mean() / tokens, losses.shape)
    factor, floor, exponent = fit_powers(logs - logs.mean(), losses, weights).T
    if not (factor[0] > 0 and losses[0, -1] < losses[0, 0]):
        raise NotIdentified("the loss of unique text does not fall with more of it")
    return OracleLaw(tokens, losses[0], float(np.exp(logs.mean())), floor, factor, exponent)


def falling(losses: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[points] weighted least squares among curves that never rise: neighbours that do are averaged."""
    blocks: list[tuple[float, float, int]] = []
    for loss, weight in zip(losses, weights, strict=True):
        block = (float(loss), float(weight), 1)
        while blocks and blocks[-1][0] <= block[0]:
            before = blocks.pop()
            total = before[1] + block[1]
            mean = (before[0] * before[1] + block[0] * block[1]) / total
            block = (mean, total, before[2] + block[2])
        blocks.append(block)
    return np.concatenate([np.full(count, mean) for mean, _, count in blocks])
