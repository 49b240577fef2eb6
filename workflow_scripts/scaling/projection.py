"""Best coefficients for a given shape: non-negative least squares with few terms, for many problems at once.

A scaling law is linear in its coefficients, so a search for the best law needs to search its shape alone (variable
projection): a fine scan of the shape can't miss the best basin.
"""

from itertools import combinations, product

import numpy as np

from workflow_scripts.scaling.forms import Columns, Form

SCAN = np.geomspace(1e-3, 100, 600)  # exponents; sizes are divided by their geometric mean
ZOOM = np.linspace(-1, 1, 9)
ROUNDS = 24  # each narrows the bracket three times


def nonnegative(gram: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Minimise c G c - 2 c r over c >= 0, by trying every set of terms that are not zero.

    gram [..., terms, terms], right [..., terms]. Returns coefficients [..., terms] and the minimum [...].
    """
    terms = right.shape[-1]
    best, lowest = np.zeros_like(right), np.zeros(right.shape[:-1])
    for size in range(1, terms + 1):
        for chosen in combinations(range(terms), size):
            found = _solve(gram[..., chosen, :][..., chosen], right[..., chosen])
            value = -(found * right[..., chosen]).sum(axis=-1)
            better = (found >= 0).all(axis=-1) & (value < lowest)
            lowest = np.where(better, value, lowest)
            padded = np.zeros_like(right)
            padded[..., chosen] = found
            best = np.where(better[..., None], padded, best)
    return best, lowest


def _solve(gram: np.ndarray, right: np.ndarray) -> np.ndarray:
    scale = np.sqrt(np.einsum("...ii->...i", gram)) + 1e-300
    ridge = 1e-14 * np.eye(gram.shape[-1])  # terms that can't be told apart share their coefficient
    scaled = gram / scale[..., :, None] / scale[..., None, :] + ridge
    return np.linalg.solve(scaled, (right / scale)[..., None])[..., 0] / scale


def scan(form: Form, columns: Columns, losses: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Every shape of the form's grid with its best coefficients: logarithms [shapes, parameters].

    Errors are weighted squares of the loss [points].
    """
    shapes = np.log(np.array(list(product(*form.shape.values()))))
    zeros = np.zeros(len(form.coefficients))
    logs = np.stack([form.terms(np.concatenate([zeros, shape]), columns)[0] for shape in shapes])
    basis = np.exp(np.clip(logs, -300, 300))  # [shapes, terms, points]
    gram = np.einsum("sin,sjn,n->sij", basis, basis, weights, optimize=True)
    coefficients, _ = nonnegative(gram, basis @ (weights * losses))
    return np.concatenate([np.log(np.maximum(coefficients, 1e-9 * losses.mean())), shapes], axis=1)


def fit_powers(log_x: np.ndarray, losses: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Least-squares A, C, B of A / x^B + C, all >= 0, for every row of losses: [draws, 3].

    log_x [points], losses [draws, points], weights like losses (default: equal). A fine scan of B, then ever finer
    ones around its best value. The exponent is searched in [0.001, 100]; x should have a geometric mean near 1.
    """
    weights = np.ones_like(losses) if weights is None else weights
    steps, rows = np.log(SCAN), np.arange(len(losses))
    smallest = log_x.min()
    above = log_x - smallest  # powers of sizes in the unit of the smallest lie between 0 and 1
    _, errors = _line(np.exp(-SCAN[:, None] * above)[None], losses, weights)
    centre = steps[np.clip(errors.argmin(axis=1), 1, len(steps) - 2)]
    width = steps[1] - steps[0]
    for _ in range(ROUNDS):
        tried = centre[:, None] + width * ZOOM
        coefficients, errors = _line(np.exp(-np.exp(tried)[..., None] * above), losses, weights)
        best = errors.argmin(axis=1)
        centre, found, width = tried[rows, best], coefficients[rows, best], width / 3
    exponent = np.exp(centre)
    return np.column_stack([found[:, 0] * np.exp(exponent * smallest), found[:, 1], exponent])


def _line(basis: np.ndarray, losses: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Best A, C >= 0 of A basis + C: coefficients [draws, shapes, 2], squared errors [draws, shapes].

    basis [draws or 1, shapes, points]. Losses and basis are centred, so that small differences keep their digits.
    """
    share = weights / weights.sum(axis=1, keepdims=True)
    middle = (share * losses).sum(axis=1, keepdims=True)
    centred = share * (losses - middle)
    mean, square = _sums(basis, share), _sums(basis**2, share)
    slope = _sums(basis, centred)
    spread = np.maximum(square - mean**2, 1e-300)
    a = np.maximum(slope / spread, 0)
    whole = (slope + mean * middle) / np.maximum(square, 1e-300)  # A where C is 0
    above = middle - a * mean >= 0
    a = np.where(above, a, whole)
    c = np.where(above, middle - a * mean, 0.0)
    offset = np.where(above, 0.0, middle - whole * mean)
    return np.stack([a, c], axis=-1), a**2 * spread - 2 * a * slope + offset**2


def _sums(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted sums over points [draws, shapes] of values [draws or 1, shapes, points]."""
    return weights @ values[0].T if len(values) == 1 else np.einsum("rgn,rn->rg", values, weights)
