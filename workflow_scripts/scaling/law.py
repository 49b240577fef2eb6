"""The data-scaling law L(D) = A / D^B + C, D in billions of tokens (facts 5.2; predecessor, section 5.1)."""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.scaling.projection import fit_powers

BILLION = 1e9


class NotIdentified(Exception):
    """The data do not determine the law; the message says why, without the words "not identified"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason.removeprefix("not identified: "))


@dataclass(frozen=True)
class DataLaw:
    """Fitted law; loss in nats per token."""

    A: float
    B: float
    C: float

    def loss(self, tokens: float | np.ndarray) -> float | np.ndarray:
        """Loss at D tokens."""
        return self.A / (np.asarray(tokens) / BILLION) ** self.B + self.C

    def tokens(self, loss: float) -> float:
        """D whose loss is `loss`. Raises NotIdentified at or below the asymptote."""
        if loss <= self.C:
            raise NotIdentified(f"loss {loss:.4f} is at or below the law's asymptote {self.C:.4f}")
        return float((self.A / (loss - self.C)) ** (1 / self.B) * BILLION)

    def efficiency(self, loss: float, baseline_loss: float) -> float:
        """Data efficiency D'(loss) / D'(baseline_loss): the baseline is exactly 1. It does not depend on A.

        Raises NotIdentified at or below the asymptote, or where the law is too flat to invert.
        """
        lowest = min(loss, baseline_loss)
        if lowest <= self.C:
            raise NotIdentified(f"loss {lowest:.4f} is at or below the law's asymptote {self.C:.4f}")
        try:
            return float(((baseline_loss - self.C) / (loss - self.C)) ** (1 / self.B))
        except (OverflowError, ZeroDivisionError):
            raise NotIdentified(f"exponent {self.B:.2g}: the law is too flat to be inverted") from None


def fit_data_law(tokens: np.ndarray, losses: np.ndarray) -> DataLaw:
    """Least squares with all parameters >= 0, as the paper's, found by an exact search of the exponent.

    tokens, losses: [points]. Raises NotIdentified with fewer than 4 points or when the loss does not fall.
    """
    tokens, losses = np.asarray(tokens, dtype=float), np.asarray(losses, dtype=float)
    if len(tokens) < 4:
        raise NotIdentified(f"{len(tokens)} sizes of D; a law of three parameters needs at least 4")
    found = fit_data_laws(tokens, losses[None])[0]
    if np.isnan(found).any():
        raise NotIdentified("the baseline's loss does not fall with more unique tokens")
    return DataLaw(*found.tolist())


def fit_data_laws(tokens: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """A, B, C of a law per row of losses [draws, points]: [draws, 3], NaN where the loss does not fall.

    A thousand draws take a tenth of a second.
    """
    order = np.argsort(tokens)
    logs = np.log(np.asarray(tokens, dtype=float))
    unit = logs.mean()  # fitting in this unit is well conditioned; the optimum is the same
    a, c, b = fit_powers(logs - unit, losses).T
    falls = losses[:, order[0]] > losses[:, order[-1]]
    found = np.stack([a * np.exp(b * (unit - np.log(BILLION))), b, c], axis=1)
    return np.where(falls[:, None], found, np.nan)
