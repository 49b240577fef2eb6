"""Loss against the share of synthetic text: a parabola of a stretched share, and where it is lowest.

L(r) = c0 + c1 u + c2 u^2 by least squares, where u rises with r from 0 to 1: u = r^p, or the mean of r^p and
1 - (1 - r)^p. Why this form [assumed]: it has one optimum, which may be at 0 or at 1; p below 1 lets the first
synthetic text matter more than the next, p above 1 the last natural text, and the mean has both ends steep, as where
two sources teach different things; p = 1 is the plain parabola; and for each u it is linear, so that a scan finds the
best fit of every draw of a bootstrap. A sum of two power laws, one per source, was tried: it misplaced the optima of
all losses but its own.
"""

from dataclasses import dataclass

import numpy as np

ONE_END = [(power, 0) for power in np.geomspace(1 / 3, 3, 25)]  # 1 is among them
BOTH_ENDS = [(power, 1) for power in np.geomspace(1 / 3, 1, 13)[:-1]]
SHAPES = np.array([*ONE_END, *BOTH_ENDS])  # p, and whether both ends count
PARAMETERS = 4
FEWEST = PARAMETERS + 1  # shares
FINE = np.linspace(0, 1, 2001)


@dataclass(frozen=True)
class Bowls:
    """Curves of many rows of losses."""

    shapes: np.ndarray  # [rows] places in SHAPES
    coefficients: np.ndarray  # [rows, 3] nats per token
    rms: np.ndarray  # [rows] nats per token, residual

    def losses(self, shares: np.ndarray) -> np.ndarray:
        """[rows, shares] fitted losses."""
        return np.einsum("rk,rsk->rs", self.coefficients, basis(shares)[self.shapes])

    def best(self) -> np.ndarray:
        """[rows] shares of the lowest fitted loss in [0, 1]."""
        _, slope, bend = self.coefficients.T
        with np.errstate(divide="ignore", invalid="ignore"):
            inner = np.clip(-slope / (2 * bend), 0, 1)
        lowest = np.where(bend > 0, inner, np.where(slope + bend < 0, 1.0, 0.0))  # no bowl: the lower end
        return FINE[np.abs(stretched(FINE)[self.shapes] - lowest[:, None]).argmin(axis=1)]


def stretched(shares: np.ndarray) -> np.ndarray:
    """[shapes, shares] u of every shape."""
    powers, both = SHAPES.T[:, :, None]
    first = np.asarray(shares, dtype=float)[None] ** powers
    last = 1 - (1 - np.asarray(shares, dtype=float)[None]) ** powers
    return (first + both * last) / (1 + both)


def basis(shares: np.ndarray) -> np.ndarray:
    """[shapes, shares, 3] values of 1, u and u^2."""
    u = stretched(shares)
    return np.stack([np.ones_like(u), u, u**2], axis=-1)


def fit_bowls(shares: np.ndarray, losses: np.ndarray) -> Bowls:
    """The best curve of every row of losses [rows, shares]; the shares must be different."""
    tried = basis(shares)
    coefficients = np.einsum("pks,rs->rpk", np.linalg.pinv(tried), losses)
    residuals = losses[:, None] - np.einsum("rpk,psk->rps", coefficients, tried)
    squares = (residuals**2).mean(axis=-1)
    chosen, rows = squares.argmin(axis=1), np.arange(len(losses))
    return Bowls(chosen, coefficients[rows, chosen], np.sqrt(squares[rows, chosen]))


def is_flat(losses: np.ndarray, draws: np.ndarray, share: float) -> bool:
    """Whether losses [shares] differ no more than noise does, whose differences are those of draws [draws, shares].

    Their distance from equality, in units of the noise's covariance, is compared with how far draws lie from them.
    """
    contrasts = losses[1:] - losses[0]
    noise = draws[:, 1:] - draws[:, :1] - contrasts
    precision = np.linalg.pinv(np.atleast_2d(np.cov(noise.T)))
    distances = np.einsum("di,ij,dj->d", noise, precision, noise)
    return bool(contrasts @ precision @ contrasts < np.quantile(distances, share))
