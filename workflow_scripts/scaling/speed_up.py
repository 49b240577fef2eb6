"""How many times fewer tokens a mixture needs than natural text alone for the same loss (arXiv 2510.01631).

[assumed] S(L) = D_natural(L) / D_mixture(L), each D(L) = (A / (L - E))^(1/b) of the fitted data laws, so it diverges
where L comes near the natural text's E: it is given as a function of L, and points where either D lies outside the
measured budgets are marked. Beside it the same without a law, between measured natural budgets.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workflow_scripts.scaling.drawn_laws import ends, losses_at, plain, sizes_at
from workflow_scripts.scaling.interpolation import interpolated_record
from workflow_scripts.scaling.law import BILLION, NotIdentified
from workflow_scripts.scaling.mixture_laws import MixtureLaw
from workflow_scripts.scaling.mixture_settings import identity

GRID = 33  # losses


@dataclass(frozen=True)
class SpeedUp:
    """S on a grid of falling losses; rows are [estimate, *draws], NaN where a law does not reach a loss."""

    natural: MixtureLaw
    mixture: MixtureLaw
    losses: np.ndarray  # [grid]
    natural_tokens: np.ndarray  # [1 + draws, grid]
    mixture_tokens: np.ndarray  # [1 + draws, grid]

    @property
    def ratio(self) -> np.ndarray:
        """[1 + draws, grid] S."""
        return self.natural_tokens / self.mixture_tokens

    @property
    def inside(self) -> np.ndarray:
        """[grid] whether both D lie within the measured budgets."""
        return _within(self.natural_tokens[0], self.natural) & _within(self.mixture_tokens[0], self.mixture)


def speed_up(natural: MixtureLaw, mixture: MixtureLaw) -> SpeedUp:
    """S on losses from the highest that both measured to the lowest that either did.

    Raises NotIdentified where a law is not fitted or no loss lies between these.
    """
    laws = _fitted(natural, mixture)
    highest, lowest = (min(float(law.law.loss(law.sizes[end])) for law in laws) for end in (0, -1))
    if lowest >= highest:
        raise NotIdentified("the laws have no loss in common")
    losses = np.linspace(highest, lowest, GRID)
    tokens = [BILLION * sizes_at(_all_laws(law), losses) for law in laws]
    return SpeedUp(natural, mixture, losses, *tokens)


def speed_up_at_ends(natural: MixtureLaw, mixture: MixtureLaw) -> tuple[np.ndarray, np.ndarray]:
    """[2] highest and lowest loss that both curves reach within their budgets, and [1 + draws, 2] S at them.

    Every draw has its own two losses: at a fixed loss, documents that are hard for all would move both laws against it.
    Raises NotIdentified where a law is not fitted, or the curves have no loss in common.
    """
    laws = _fitted(natural, mixture)
    first, last = ([losses_at(_all_laws(law), law.sizes[end]) for law in laws] for end in (0, -1))
    losses = np.stack([np.min(first, axis=0), np.max(last, axis=0)], axis=1)
    if losses[0, 0] <= losses[0, 1]:
        raise NotIdentified("the laws have no loss in common")
    natural_tokens, mixture_tokens = (sizes_at(_all_laws(law), losses) for law in laws)
    return losses[0], natural_tokens / mixture_tokens


def growth(found: SpeedUp) -> tuple[np.ndarray, np.ndarray]:
    """[2] losses, highest and lowest inside both measured curves, and [1 + draws] S at the second over S at the first.

    Raises NotIdentified where fewer than two losses are inside.
    """
    inside = np.flatnonzero(found.inside)
    if len(inside) < 2:
        raise NotIdentified("the measured curves share less than two losses of the grid")
    first, last = inside[[0, -1]]
    return found.losses[[first, last]], found.ratio[:, last] / found.ratio[:, first]


def speed_up_record(natural: MixtureLaw, mixture: MixtureLaw, share: float) -> dict:
    """S by loss, its growth with budget, and S at the measured budgets without a law, as JSON."""
    record = identity(mixture.mixture) | {"interpolated": interpolated(natural, mixture, share)}
    try:
        found = speed_up(natural, mixture)
    except NotIdentified as reason:
        return record | {"status": f"not identified: {reason}", "points": [], "growth": None}
    return record | {"status": "fitted", "points": list(_points(found, share)), "growth": growth_record(found, share)}


def growth_record(found: SpeedUp, share: float) -> dict:
    """Growth of S from the highest to the lowest loss inside both curves, with the share of draws that have any."""
    try:
        losses, ratio = growth(found)
    except NotIdentified as reason:
        return {"status": f"not identified: {reason}", "times": None, "band": None, "share_growing": None}
    usable = ratio[1:][np.isfinite(ratio[1:])]
    return {
        "status": "fitted", "from_loss_nats": losses[0], "to_loss_nats": losses[1], "times": plain(ratio[0]),
        "band": ends(ratio[1:], share), "share_growing": float(np.mean(usable > 1)) if len(usable) else None,
    }  # fmt: skip


def interpolated(natural: MixtureLaw, mixture: MixtureLaw, share: float) -> list[dict]:
    """S at every budget of the mixture, piecewise linear in log D between natural budgets; None outside these."""
    rows = []
    for s in mixture.settings:
        found = interpolated_record(s, natural.settings, s.budget_tokens, share, "budget_tokens")
        band = None if found["low"] is None else [found["low"], found["high"]]
        rows.append({"mixture_tokens": s.budget_tokens, "loss_nats": s.loss, "speed_up": found["efficiency"],
                     "band": band})  # fmt: skip
    return rows


def _points(found: SpeedUp, share: float) -> Iterator[dict]:
    for place, loss in enumerate(found.losses):
        ratio = found.ratio[:, place]
        reached = bool(np.isfinite(ratio[0]))
        where = "measured" if found.inside[place] else "extrapolated" if reached else "below a limit"
        yield {
            "loss_nats": float(loss), "natural_tokens": plain(found.natural_tokens[0, place]),
            "mixture_tokens": plain(found.mixture_tokens[0, place]), "speed_up": plain(ratio[0]),
            "band": ends(ratio[1:], share) if reached else None, "where": where,
        }  # fmt: skip


def _fitted(*laws: MixtureLaw) -> tuple[MixtureLaw, ...]:
    for law in laws:
        if not law.law.fitted:
            raise NotIdentified(law.law.status)
    return laws


def _all_laws(law: MixtureLaw) -> np.ndarray:
    return np.vstack([[law.law.A, law.law.B, law.law.C], law.law.laws])


def _within(tokens: np.ndarray, law: MixtureLaw) -> np.ndarray:
    budgets = [s.budget_tokens for s in law.settings]
    rounding = 1 + 1e-6  # the ends of the grid are laws at the ends of the budgets, there and back
    return (tokens >= budgets[0] / rounding) & (tokens <= budgets[-1] * rounding)
