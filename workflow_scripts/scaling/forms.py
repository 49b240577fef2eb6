"""The forms that can be fitted: a loss is a sum of positive terms, and every parameter is positive.

A form gives the logarithm of its terms and their derivatives by the logarithms of its parameters. So the logarithm of
a loss is one logsumexp for all forms, no parameter needs a bound, and a new form is one function and one table row.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Columns = dict[str, np.ndarray]  # role -> logarithms of sizes [points]
Terms = tuple[np.ndarray, np.ndarray]  # logarithms [terms, points], their derivatives [terms, parameters, points]


@dataclass(frozen=True)
class Form:
    """One law: its formula, the columns it needs, its parameters, and where a search of its shape looks."""

    name: str
    formula: str
    columns: tuple[str, ...]  # roles; `x` is the one size of a law of one size
    coefficients: tuple[str, ...]  # a term each, in the order of `terms`: the loss is linear in these
    shape: dict[str, np.ndarray]  # the other parameters, and the values that are scanned
    scaled: dict[str, tuple[str, str]]  # parameter -> the exponent and the column that give it its unit
    floor: str  # the coefficient that is the loss of infinite size
    terms: Callable[[np.ndarray, Columns], Terms]
    delta: float | None  # default of the Huber loss of log loss; None: least squares of the loss

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names, coefficients first."""
        return (*self.coefficients, *self.shape)

    @property
    def is_power(self) -> bool:
        """Whether it is a power of one size and a floor."""
        return self.terms is power_terms

    def index(self, name: str) -> int:
        """Place of a parameter."""
        return self.parameters.index(name)

    def log_loss(self, theta: np.ndarray, columns: Columns) -> tuple[np.ndarray, np.ndarray]:
        """Logarithm of the loss [points] and its derivatives [parameters, points]; theta: logarithms of parameters."""
        logs, slopes = self.terms(theta, columns)
        highest = logs.max(axis=0)
        shares = np.exp(logs - highest)
        total = shares.sum(axis=0)
        return highest + np.log(total), np.einsum("tn,tpn->pn", shares / total, slopes)

    def in_units(self, theta: np.ndarray, log_units: dict[str, float], direction: int = 1) -> np.ndarray:
        """Parameters [..., parameters] of a law of size / unit as those of the law of size; direction -1: back."""
        found = theta.copy()
        for name, (exponent, column) in self.scaled.items():
            power = np.exp(theta[..., self.index(exponent)])
            found[..., self.index(name)] += direction * power * log_units[column]
        return found


def power_terms(theta: np.ndarray, columns: Columns) -> Terms:
    """A / x^B and C."""
    a, c, exponent = theta[0], theta[1], np.exp(theta[2])
    x = columns["x"]
    slopes = np.zeros((2, 3, len(x)))
    slopes[0, 0] = slopes[1, 1] = 1
    slopes[0, 2] = -exponent * x
    return np.stack([a - exponent * x, np.full_like(x, c)]), slopes


def rectified_terms(theta: np.ndarray, columns: Columns) -> Terms:
    """B / (D_l + x^b) and E."""
    b, e, learnt, exponent = *theta[:3], np.exp(theta[3])
    x = columns["x"]
    total = np.logaddexp(learnt, exponent * x)
    share = np.exp(learnt - total)
    slopes = np.zeros((2, 4, len(x)))
    slopes[0, 0] = slopes[1, 1] = 1
    slopes[0, 2], slopes[0, 3] = -share, -(1 - share) * exponent * x
    return np.stack([b - total, np.full_like(x, e)]), slopes


def repetition_terms(theta: np.ndarray, columns: Columns) -> Terms:
    """E, B / D_eff^a and gamma h, where repeats of U unique tokens count less and less (arXiv 2605.12715).

    D_eff = U r_eff(r), r_eff = 1 + r_1 (1 - exp(-(r - 1) / r_1)), r = D / U; h: share of these among trained tokens.
    """
    h, u = columns["h"], np.minimum(columns["u"], columns["d"])
    e, log_b, gamma, a = *theta[:3], np.exp(theta[3])
    repeats, by_r, _ = saturation(columns["d"] - u, theta[4])
    slopes = np.zeros((3, 5, len(h)))
    slopes[0, 0] = slopes[1, 1] = slopes[2, 2] = 1
    slopes[1, 3], slopes[1, 4] = -a * (u + repeats), -a * by_r
    return np.stack([np.full_like(h, e), log_b - a * (u + repeats), gamma + h]), slopes


def sized_repetition_terms(theta: np.ndarray, columns: Columns) -> Terms:
    """The same, and C / N^c."""
    n, c = columns["n"], np.exp(theta[6])
    logs, own = repetition_terms(theta[[0, 1, 2, 4, 5]], columns)
    slopes = np.zeros((4, 7, len(n)))
    slopes[:3, [0, 1, 2, 4, 5]] = own
    slopes[3, 3], slopes[3, 6] = 1, -c * n
    return np.concatenate([logs, theta[3] - c * n[None]]), slopes


def chinchilla_terms(theta: np.ndarray, columns: Columns) -> Terms:
    """E, A / N^a and B / D^b."""
    e, a, b = theta[:3]
    n, d = np.exp(theta[3]) * columns["n"], np.exp(theta[4]) * columns["d"]
    slopes = np.zeros((3, 5, len(n)))
    slopes[0, 0] = slopes[1, 1] = slopes[2, 2] = 1
    slopes[1, 3], slopes[2, 4] = -n, -d
    return np.stack([np.full_like(n, e), a - n, b - d]), slopes


def data_constrained_terms(theta: np.ndarray, columns: Columns) -> Terms:
    """E, A / N'^a and B / D'^b, where repeated tokens and excess parameters count less and less.

    D' = U + U R_D (1 - exp(-(D/U - 1) / R_D)); N' likewise of U_N = min(N, the best N for U tokens under A, B, a, b).
    """
    e, log_a, log_b, a, b = *theta[:3], *np.exp(theta[3:5])
    n, d = columns["n"], columns["d"]
    u = np.minimum(columns["u"], d)
    data, data_by_r, _ = saturation(d - u, theta[5])
    best = (theta[3] + log_a - theta[4] - log_b + b * u) / a  # log of (a A / (b B))^(1/a) U^(b/a)
    excess = n > best
    used = np.where(excess, best, n)
    extra, extra_by_r, extra_by_size = saturation(n - used, theta[6])
    by_best = np.where(excess, -a * (1 - extra_by_size), 0.0)  # slope of the term by log U_N
    slopes = np.zeros((3, 7, len(n)))
    slopes[0, 0], slopes[1, 1], slopes[2, 2] = 1, 1 + by_best / a, 1
    slopes[1, 2] = -by_best / a
    slopes[1, 3] = -a * (used + extra) + by_best * (1 / a - best)
    slopes[1, 4] = by_best * (b * u - 1) / a
    slopes[1, 6] = -a * extra_by_r
    slopes[2, 4], slopes[2, 5] = -b * (u + data), -b * data_by_r
    return np.stack([np.full_like(n, e), log_a - a * (used + extra), log_b - b * (u + data)]), slopes


def saturation(log_ratio: np.ndarray, log_r: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log of 1 + R (1 - exp(-(ratio - 1) / R)) and its slopes by log R and by log ratio."""
    ratio, r = np.exp(np.minimum(log_ratio, 50)), np.exp(log_r)  # far above what any run repeats
    kept = np.exp(-(ratio - 1) / r)
    gain = -r * np.expm1(-(ratio - 1) / r)
    return np.log1p(gain), (gain - (ratio - 1) * kept) / (1 + gain), kept * ratio / (1 + gain)


EXPONENTS = np.geomspace(0.03, 3, 16)
REPEATS = np.geomspace(0.5, 100, 5)
FORMS = {
    form.name: form
    for form in (
        Form(
            "power_law", "L = A / D^B + C", ("x",), ("A", "C"), {"B": EXPONENTS}, {"A": ("B", "x")}, "C",
            power_terms, None,
        ),
        Form(
            "chinchilla", "L = E + A / N^a + B / D^b", ("n", "d"), ("E", "A", "B"), {"a": EXPONENTS, "b": EXPONENTS},
            {"A": ("a", "n"), "B": ("b", "d")}, "E", chinchilla_terms, 1e-3,
        ),
        Form(
            "data_constrained", "L = E + A / N'^a + B / D'^b, D' = U + U R_D (1 - exp(-(D/U - 1) / R_D)), "
            "N' likewise with R_N", ("n", "d", "u"), ("E", "A", "B"),
            {"a": EXPONENTS[2::2], "b": EXPONENTS[2::2], "R_D": REPEATS, "R_N": REPEATS},
            {"A": ("a", "n"), "B": ("b", "d")}, "E", data_constrained_terms, 1e-3,
        ),
        Form(
            "rectified", "L = B / (D_l + D^b) + E", ("x",), ("B", "E"),
            {"D_l": np.geomspace(1e-6, 1e4, 21), "b": EXPONENTS}, {"B": ("b", "x"), "D_l": ("b", "x")}, "E",
            rectified_terms, None,
        ),
        Form(
            "repetition", "L = E + B / D_eff^a + gamma h, D_eff = U (1 + r_1 (1 - exp(-(D/U - 1) / r_1)))",
            ("d", "u", "h"), ("E", "B", "gamma"), {"a": EXPONENTS, "r_1": REPEATS}, {"B": ("a", "d")}, "E",
            repetition_terms, None,
        ),
        Form(
            "repetition_sizes", "L = E + B / D_eff^a + gamma h + C / N^c, D_eff as of repetition",
            ("d", "u", "h", "n"), ("E", "B", "gamma", "C"),
            {"a": EXPONENTS[2::2], "r_1": REPEATS, "c": EXPONENTS[2::2]}, {"B": ("a", "d"), "C": ("c", "n")}, "E",
            sized_repetition_terms, None,
        ),
        Form(
            "ensemble", "L = A / K^B + C", ("x",), ("A", "C"), {"B": EXPONENTS}, {"A": ("B", "x")}, "C",
            power_terms, None,
        ),
    )
}  # fmt: skip
