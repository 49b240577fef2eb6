"""Least squares of E + A / N^a + B / D^b for many draws at once.

Given a and b the law is linear in E, A and B, all >= 0, so that only the two exponents are searched: on a grid, then on
ever finer ones around the best place of every draw.
"""

import numpy as np

from workflow_scripts.scaling.projection import nonnegative

GRID = np.log(np.geomspace(0.03, 3, 24))  # logarithms of exponents
ZOOM = np.linspace(-1, 1, 7)
ROUNDS = 14  # each halves the window


def fit_joint(log_n: np.ndarray, log_d: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """E, A, B, a and b for every row of losses [rows, points]: [rows, 5].

    log_n, log_d: [points], logarithms of sizes in units in which their means are near 0.
    """
    grid = np.stack(np.meshgrid(GRID, GRID, indexing="ij"), axis=-1).reshape(1, -1, 2)
    window = np.stack(np.meshgrid(ZOOM, ZOOM, indexing="ij"), axis=-1).reshape(1, -1, 2)
    rows, width = np.arange(len(losses)), GRID[1] - GRID[0]
    centre = grid[0, _project(grid, log_n, log_d, losses)[1].argmin(axis=1)]
    for _ in range(ROUNDS):
        tried = centre[:, None] + width * window
        coefficients, squares = _project(tried, log_n, log_d, losses)
        best = squares.argmin(axis=1)
        centre, found, width = tried[rows, best], coefficients[rows, best], width / 2
    return np.concatenate([found, np.exp(centre)], axis=1)


def losses_of(laws: np.ndarray, log_n: np.ndarray, log_d: np.ndarray) -> np.ndarray:
    """[rows, points] losses of laws [rows, 5]."""
    e, a, b, by_n, by_d = laws.T[:, :, None]
    return e + a * np.exp(-by_n * log_n) + b * np.exp(-by_d * log_d)


def _project(
    shapes: np.ndarray, log_n: np.ndarray, log_d: np.ndarray, losses: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Best E, A, B [rows, shapes, 3] for logarithms of a, b [rows or 1, shapes, 2], and squared errors up to a term."""
    powers = np.exp(-np.exp(shapes[..., None]) * np.stack([log_n, log_d]))  # [rows or 1, shapes, 2, points]
    terms = np.concatenate([np.ones_like(powers[..., :1, :]), powers], axis=-2)
    gram = np.einsum("rgin,rgjn->rgij", terms, terms)
    right = np.einsum("rgin,rn->rgi", np.broadcast_to(terms, (len(losses), *terms.shape[1:])), losses)
    return nonnegative(np.broadcast_to(gram, (len(losses), *gram.shape[1:])), right)
