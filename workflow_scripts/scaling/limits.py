"""Laws A / x^B + C of losses that fall with members, parameters or tokens, and their limit C, or why there is none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from workflow_scripts.scaling.bootstrap import Setting, band
from workflow_scripts.scaling.projection import fit_powers

POINTS = 4  # for three parameters, as the data-scaling law
USABLE = 0.9  # share of draws that must have a law
WIDEST = 0.5  # a band of the limit that is wider than this share of the lowest loss says nothing
FLOOR_NATS = 1e-3


@dataclass(frozen=True)
class Limit:
    """A law with the band of its limit; `status` is the reason where the law or its limit is not identified."""

    status: str
    A: float = np.nan
    B: float = np.nan
    C: float = np.nan
    low: float = np.nan
    high: float = np.nan
    laws: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))  # [draws, (A, B, C)], NaN: a draw has no law

    @property
    def fitted(self) -> bool:
        """Whether there is a law to draw."""
        return bool(np.isfinite(self.C))

    @property
    def identified(self) -> bool:
        """Whether the limit has a band."""
        return self.status == "identified"

    @property
    def draws(self) -> np.ndarray:
        """[draws] of C."""
        return self.laws[:, 2]

    def loss(self, sizes: np.ndarray) -> np.ndarray:
        """Fitted loss, nats per token; sizes in the unit of the fit."""
        return self.A / np.asarray(sizes, dtype=float) ** self.B + self.C

    def record(self) -> dict:
        """What is drawn of it."""
        return {"A": self.A, "B": self.B, "loss_nats": self.C, "low": self.low, "high": self.high,
                "status": self.status}  # fmt: skip


def limit_of(
    sizes: Sequence[float], losses: Sequence[float], draws: np.ndarray, share: float, what: str, fewest: int = POINTS
) -> Limit:
    """Fit a law and the same to every draw.

    sizes, losses: [points], draws [points, draws]; `what` names the sizes, in the plural; with fewer points than
    `fewest` there is no law.
    """
    if len(sizes) < fewest:
        return Limit(f"not identified: a law of three parameters needs {fewest} {what}, there are {len(sizes)}")
    order = np.argsort(sizes)
    sizes, table = np.asarray(sizes, dtype=float)[order], np.column_stack([losses, draws])[order].T
    falls = table[:, 0] > table[:, -1]  # false where a loss is NaN
    if not falls[0]:
        return Limit(f"not identified: the loss does not fall over {what}")
    laws = np.full((len(table), 3), np.nan)
    laws[falls] = _fit(sizes, table[falls])
    drawn = laws[1:]
    low, high = band(drawn[falls[1:], 2], share) if falls[1:].any() else (np.nan, np.nan)
    reason = _refusal(falls[1:].mean(), low, high, table[0].min())
    if reason:
        return Limit(reason, *laws[0], laws=drawn)
    return Limit("identified", *laws[0], low, high, drawn)


def limit_of_settings(
    sizes: Sequence[float], settings: Sequence[Setting], share: float, what: str, fewest: int = POINTS
) -> Limit:
    """The same of settings, one per size."""
    draws = np.stack([s.draws for s in settings]) if settings else np.empty((0, 1))
    return limit_of(sizes, [s.loss for s in settings], draws, share, what, fewest)


def limit_of_limits(sizes: Sequence[float], limits: Sequence[Limit], share: float, what: str) -> Limit:
    """The limit of limits: of those that are identified, each with its draws."""
    kept = [(size, limit) for size, limit in zip(sizes, limits, strict=True) if limit.identified]
    draws = np.stack([limit.draws for _, limit in kept]) if kept else np.empty((0, 1))
    return limit_of([size for size, _ in kept], [limit.C for _, limit in kept], draws, share, what)


def refusals(limits: Iterable[tuple[str, Limit]]) -> str:
    """Sentences that say which limits have no band, and why; nothing where all have one."""
    names: dict[str, list[str]] = {}
    for name, limit in limits:
        if not limit.identified:
            names.setdefault(limit.status, []).append(name)
    return " ".join(f"{', '.join(found)}: {reason}." for reason, found in names.items())


def _fit(sizes: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """A, B, C of every row: [rows, 3]."""
    unit = np.exp(np.log(sizes).mean())
    a, c, b = fit_powers(np.log(sizes / unit), losses).T
    return np.column_stack([a * unit**b, b, c])


def _refusal(usable: float, low: float, high: float, lowest: float) -> str | None:
    if usable < USABLE:
        return f"not identified: no law in {1 - usable:.0%} of draws"
    if high - low > WIDEST * lowest or low < FLOOR_NATS:
        return f"limit not identified: its band is {low:.2f} to {high:.2f}"
    return None
