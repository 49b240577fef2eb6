"""Draws of SynPro's losses: parts of the documents with replacement, and noise of seeds.

Every draw takes the same parts for all students, so differences keep their small error. Seeds are paired: what a seed
has in common in all pretrainings (its first weights, its order of documents) is one draw for all, the rest is drawn for
each pretraining. Both are normal, with standard deviations pooled over pretrainings of several seeds and themselves as
uncertain as their degrees of freedom make them. Without any, bands cover documents alone.
[assumed] The rest is drawn anew for a continued pretraining, which makes bands too wide rather than too narrow.
"""

from dataclasses import dataclass, field

import numpy as np

from workflow_scripts.common.seeds import named_seed
from workflow_scripts.scaling.synpro_curves import Curves


@dataclass(frozen=True)
class Spread:
    """Standard deviations over seeds in nats, with the degrees of freedom that each rests on; 0: not known."""

    shared: float
    own: float
    shared_freedom: int
    own_freedom: int


@dataclass(frozen=True)
class Draws:
    """[1 + draws, ...] losses; the first row is the estimate."""

    counts: np.ndarray  # [1 + draws, parts]
    predicted: np.ndarray  # [parts]
    spread: Spread
    known: dict = field(default_factory=dict, repr=False)

    def losses(self, sums: np.ndarray) -> np.ndarray:
        """[1 + draws, places] nats per token of summed losses [places, parts], without noise of seeds."""
        return (self.counts @ sums.T) / (self.counts @ self.predicted)[:, None]

    def noise(self, name: str, seeds: int) -> np.ndarray:
        """[1 + draws] noise in nats of the mean over a pretraining's seeds, 0 in the first."""
        shared = self._normal("all", self.spread.shared, self.spread.shared_freedom)
        return (shared + self._normal(name, self.spread.own, self.spread.own_freedom, "own")) / np.sqrt(seeds)

    def _normal(self, name: str, deviation: float, freedom: int, *what: str) -> np.ndarray:
        count = len(self.counts)
        if not deviation:
            return np.zeros(count)
        if (name, *what) not in self.known:
            chance = np.random.default_rng(named_seed("synpro seeds", name, *what))
            drawn = chance.normal(size=count)
            drawn[0] = 0
            self.known[name, *what] = drawn
        uncertain = np.random.default_rng(named_seed("synpro spread over seeds", *what)).chisquare(freedom, count)
        return deviation * np.sqrt(freedom / uncertain) * self.known[name, *what]


def draws_of(curves: Curves, draws: int) -> Draws:
    """Draws for all students of a pack."""
    parts = len(curves.predicted)
    chance = np.random.default_rng(named_seed("synpro parts"))
    drawn = chance.multinomial(parts, np.full(parts, 1 / parts), size=draws)
    return Draws(np.vstack([np.ones(parts), drawn]), curves.predicted, seed_spread(_best_losses(curves)))


def seed_spread(losses: dict[tuple[str, int], float]) -> Spread:
    """How far seeds scatter, by losses of pretrainings and seeds; those of one seed say nothing.

    own: what is left of losses = pretraining + seed; shared: the rest of their variance within pretrainings.
    """
    counts = {name: sum(own == name for own, _ in losses) for name, _ in losses}
    rows = [(name, seed, loss) for (name, seed), loss in losses.items() if counts[name] > 1]
    if not rows:
        return Spread(0.0, 0.0, 0, 0)
    names, seeds, values = (np.array(column) for column in zip(*rows, strict=True))
    pretraining, seed = (column[:, None] == np.unique(column) for column in (names, seeds))
    within, freedom = _unexplained(pretraining, values)
    own, own_freedom = _unexplained(np.hstack([pretraining, seed]), values)
    if not own_freedom:  # one pretraining alone has several seeds
        return Spread(0.0, np.sqrt(within), 0, freedom)
    return Spread(np.sqrt(max(within - own, 0.0)), np.sqrt(own), freedom, own_freedom)


def _unexplained(design: np.ndarray, values: np.ndarray) -> tuple[float, int]:
    """Variance that indicators [rows, terms] leave, and its degrees of freedom."""
    found, _, rank, _ = np.linalg.lstsq(design.astype(float), values, rcond=None)
    freedom = len(values) - int(rank)
    return (float(((values - design @ found) ** 2).sum()) / freedom if freedom else 0.0), freedom


def _best_losses(curves: Curves) -> dict[tuple[str, int], float]:
    total = curves.predicted.sum()
    return {key: float(curves.best(*key).sums.sum() / total) for key in curves.raw}
