"""Best share of synthetic text for each kind, student and budget: on the grid, and by a smooth curve with its band.

Students on natural text alone are the share 0 of every kind (arXiv 2510.01631, section on ratios, figure 4).
"""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.scaling.bootstrap import Setting, band
from workflow_scripts.scaling.ratio_bowl import FEWEST, PARAMETERS, SHAPES, Bowls, fit_bowls, is_flat

STUDY = "mixture_ratio"
WIDEST = 0.5  # of the range of shares: a wider band does not say where the optimum is
EDGE, UNKNOWN, FLAT, FEW = "at the edge", "not identified", "flat within noise", "too few shares for a curve"
PLACE = ("stream", "student", "non_embedding_parameters", "budget_tokens")


@dataclass(frozen=True)
class Ratios:
    """Settings of one kind, student and budget by ascending share, the natural one first where there is one."""

    place: dict  # values of PLACE
    settings: list[Setting]

    @property
    def shares(self) -> np.ndarray:
        """[shares] synthetic shares."""
        return np.array([s.mixing_ratio for s in self.settings])

    @property
    def losses(self) -> np.ndarray:
        """[shares] nats per token."""
        return np.array([s.loss for s in self.settings])

    @property
    def draws(self) -> np.ndarray:
        """[draws, shares] nats per token."""
        return np.stack([s.draws for s in self.settings], axis=1)

    @property
    def curves(self) -> Bowls | None:
        """Fitted curves of [losses, *draws]; None with too few shares."""
        if len(self.settings) < FEWEST:
            return None
        return fit_bowls(self.shares, np.vstack([self.losses, self.draws]))


def ratios_of(settings: list[Setting]) -> list[Ratios]:
    """One per kind, student and budget that has synthetic students, in this order."""
    groups: dict[tuple, list[Setting]] = {}
    for s in settings:
        groups.setdefault(tuple(s.key[column] for column in PLACE), []).append(s)
    found = []
    for place in sorted(place for place in groups if place[0] != "real"):
        own = [*groups.get(("real", *place[1:]), []), *groups[place]]
        found.append(Ratios(dict(zip(PLACE, place, strict=True)), sorted(own, key=lambda s: s.mixing_ratio)))
    return sorted(found, key=lambda ratios: [ratios.place[column] for column in ("stream", *PLACE[2:])])


def best_on_grid(ratios: Ratios) -> tuple[float, np.ndarray]:
    """The share with the lowest loss, and [shares] in how many of the draws each is the best."""
    wins = np.bincount(ratios.draws.argmin(axis=1), minlength=len(ratios.settings))
    return float(ratios.shares[ratios.losses.argmin()]), wins / wins.sum()


def ratio_record(ratios: Ratios, share: float) -> dict:
    """Losses and best shares as JSON; `flags`: reasons to read the best share with care, none where it is empty."""
    grid, wins = best_on_grid(ratios)
    curve = _curve_record(ratios, share)
    return ratios.place | {
        "shares": ratios.shares.tolist(),
        "losses_nats": ratios.losses.tolist(),
        "bands": [list(band(s.draws, share)) for s in ratios.settings],
        "seeds": min(s.seeds for s in ratios.settings),
        "documents": min(s.documents for s in ratios.settings),
        "best_on_grid": grid,
        "best_in_draws": wins.tolist(),
        **curve,
    }


def _curve_record(ratios: Ratios, share: float) -> dict:
    flat = [FLAT, UNKNOWN] if is_flat(ratios.losses, ratios.draws, share) else []
    curves = ratios.curves
    if curves is None:
        missing = dict.fromkeys(("best", "low", "high", "power", "both_ends", "coefficients", "residual_rms_nats"))
        return missing | {"freedom": None, "flags": [FEW, *flat]}
    best = curves.best()
    low, high = band(best[1:], share)
    lowest, highest = ratios.shares[[0, -1]]
    wide = [UNKNOWN] if high - low > WIDEST * (highest - lowest) and not flat else []
    edge = [EDGE] if not lowest < best[0] < highest else []
    return {
        "best": float(best[0]), "low": low, "high": high, "power": float(SHAPES[curves.shapes[0], 0]),
        "both_ends": bool(SHAPES[curves.shapes[0], 1]),
        "coefficients": curves.coefficients[0].tolist(), "residual_rms_nats": float(curves.rms[0]),
        "freedom": len(ratios.settings) - PARAMETERS, "flags": [*edge, *flat, *wide],
    }  # fmt: skip
