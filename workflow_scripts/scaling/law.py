"""The data-scaling law L(D) = A / D^B + C, D in billions of tokens (facts 5.2; predecessor, section 5.1)."""

from dataclasses import dataclass

import numpy as np

BILLION = 1e9


class NotIdentified(Exception):
    """The data do not determine the law; the message says why."""


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
    """Least squares with all parameters >= 0, from the paper's start and from two that suit other units of D.

    tokens, losses: [points]. Raises NotIdentified with fewer than 4 points or when the loss does not fall.
    """
    tokens, losses = np.asarray(tokens, dtype=float), np.asarray(losses, dtype=float)
    if len(tokens) < 4:
        raise NotIdentified(f"{len(tokens)} sizes of D; a law of three parameters needs at least 4")
    order = np.argsort(tokens)
    if losses[order][0] <= losses[order][-1]:
        raise NotIdentified("the baseline's loss does not fall with more unique tokens")
    unit = float(np.exp(np.log(tokens).mean()))  # fitting in this unit is well conditioned; the optimum is the same
    span = losses.max() - losses.min()
    starts = [(1.0, 0.5, 2.0), (span, 0.5, max(losses.min() - span, 0.0)), (losses.mean() / 2, 0.2, losses.mean() / 2)]
    fits = [fit for fit in (_fit_from(start, tokens / unit, losses) for start in starts) if fit]
    if not fits:
        raise NotIdentified("the fit did not converge from any start")
    _, (a, b, c) = min(fits, key=lambda fit: fit[0])
    return DataLaw(float(a * (unit / BILLION) ** b), float(b), float(c))


def _fit_from(start: tuple, x: np.ndarray, losses: np.ndarray) -> tuple[float, np.ndarray] | None:
    from scipy.optimize import curve_fit  # not at the top: figures draw laws without scipy

    try:
        values, _ = curve_fit(_curve, x, losses, p0=start, bounds=(0, np.inf), maxfev=5000, ftol=1e-12, xtol=1e-12)
    except RuntimeError:
        return None
    return float(((_curve(x, *values) - losses) ** 2).sum()), values


def _curve(x: np.ndarray, a: float, b: float, c: float) -> np.ndarray:
    return a / x**b + c
