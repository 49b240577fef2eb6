"""The order of mixtures by their irreducible loss E, and how sure it is: draws are paired, so hard documents cancel."""

from itertools import combinations

import numpy as np

from workflow_scripts.scaling.bootstrap import band
from workflow_scripts.scaling.law import NotIdentified
from workflow_scripts.scaling.mixture_laws import MixtureLaw
from workflow_scripts.scaling.mixture_settings import identity, mixture_name


def share_below(first: np.ndarray, second: np.ndarray) -> float:
    """Share of draws in which the first is below the second; equal ones count half."""
    usable = np.isfinite(first) & np.isfinite(second)
    first, second = first[usable], second[usable]
    return float(np.mean((first < second) + 0.5 * (first == second)))


def ranks_of(floors: np.ndarray) -> np.ndarray:
    """[mixtures, draws] rank of each mixture's E, 1 the lowest; equal ones share their mean rank."""
    below = (floors[None] < floors[:, None]).sum(axis=1)
    equal = (floors[None] == floors[:, None]).sum(axis=1)
    return below + (equal + 1) / 2


def floor_order(laws: list[MixtureLaw], share: float) -> dict:
    """Ranking by E with bands of the rank, and all pairs, as JSON.

    Mixtures whose E is not identified are left out by name. Raises NotIdentified with fewer than two others.
    """
    known = sorted((law for law in laws if law.law.identified), key=lambda law: law.law.C)
    left_out = {mixture_name(law.mixture): law.law.status for law in laws if not law.law.identified}
    if len(known) < 2:
        raise NotIdentified(f"E is identified for {len(known)} of {len(laws)} mixtures; an order needs two")
    floors = np.stack([law.law.draws for law in known])
    ranks = ranks_of(floors[:, np.isfinite(floors).all(axis=0)])
    places = zip(known, range(1, len(known) + 1), ranks, strict=True)
    return {
        "ranking": [_rank_record(law, place, own, share) for law, place, own in places],
        "pairs": [
            {"lower": mixture_name(a.mixture), "higher": mixture_name(b.mixture),
             "share_of_draws": share_below(a.law.draws, b.law.draws)}
            for a, b in combinations(known, 2)
        ],
        "left_out": left_out,
    }  # fmt: skip


def _rank_record(law: MixtureLaw, place: int, ranks: np.ndarray, share: float) -> dict:
    low, high = band(ranks, share)
    found = {"E": law.law.C, "rank": place, "rank_band": [low, high], "lowest_in": float(np.mean(ranks == 1))}
    return identity(law.mixture) | found
