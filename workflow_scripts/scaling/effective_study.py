"""What tables of effective tokens share: one pack's students, draws, oracle and baseline (arXiv 2605.17849)."""

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.synpro_tables import SynProPack
from workflow_scripts.scaling.law import NotIdentified
from workflow_scripts.scaling.oracle_law import OracleLaw, fit_oracle
from workflow_scripts.scaling.synpro_curves import Best, Curve, Curves, best_so_far
from workflow_scripts.scaling.synpro_noise import draws_of

USABLE = 0.9  # share of draws that must have a value, as in efficiency.py


class EffectiveStudy:
    """A pack with its bootstrap; everything is [1 + draws, ...], the estimate first."""

    def __init__(self, pack: SynProPack, settings: Analysis) -> None:
        """Raises UserError without an oracle or repetition."""
        self.pack, self.share = pack, settings.band
        self.curves = Curves(pack)
        self.draws = draws_of(self.curves, settings.bootstrap_draws)
        self.names = [name for name in dict.fromkeys(pack.pretrainings["pretraining"]) if self.curves.seeds(name)]
        self.oracle, self.baseline = self._longest("oracle"), self._longest("repetition")
        self._laws: dict[tuple[int, ...], OracleLaw | str] = {}

    def _longest(self, role: str) -> str:
        own = self.pack.pretrainings[self.pack.pretrainings["role"] == role]
        own = own[own["pretraining"].isin(self.names)]
        if own.empty:
            raise UserError(f"pretrainings.csv: none with losses has the role {role}, which effective tokens need")
        return own.loc[(own["start_tokens"] + own["tokens"]).idxmax(), "pretraining"]

    def seeds(self, *names: str) -> tuple[int, ...]:
        """Seeds that these, the oracle and the baseline have. Raises NotIdentified without any."""
        if found := self.curves.seeds(*names, self.oracle, self.baseline):
            return found
        raise NotIdentified(f"{', '.join(names)} and unique text or repetition have no seed in common")

    def law(self, seeds: tuple[int, ...]) -> OracleLaw:
        """Of the oracle's mean over seeds. Raises NotIdentified where there is none."""
        if seeds not in self._laws:
            try:
                self._laws[seeds] = self._fit(seeds)
            except NotIdentified as reason:
                self._laws[seeds] = str(reason)
        if isinstance(found := self._laws[seeds], str):
            raise NotIdentified(found)
        return found

    def _fit(self, seeds: tuple[int, ...]) -> OracleLaw:
        own = [self.curves.raw[self.oracle, seed] for seed in seeds]
        tokens = np.array(sorted(set.intersection(*(set(curve.tokens.tolist()) for curve in own))))
        sums = np.mean([curve.sums[np.isin(curve.tokens, tokens)] for curve in own], axis=0)
        noise = self.draws.noise(self.oracle, len(seeds))
        return fit_oracle(tokens, self.draws.losses(sums) + noise[:, None])

    def best(self, name: str, seeds: tuple[int, ...]) -> tuple[np.ndarray, float]:
        """[1 + draws] best loss of a pretraining, mean over seeds, and its mean cumulative tokens."""
        found = [self.curves.best(name, seed) for seed in seeds]
        losses = self.draws.losses(np.mean([one.sums for one in found], axis=0))[:, 0]
        return losses + self.draws.noise(name, len(seeds)), float(np.mean([one.tokens for one in found]))

    def budgets(self, name: str, seeds: tuple[int, ...]) -> np.ndarray:
        """[budgets] at which all seeds of a curve have been evaluated at least once."""
        tokens = [self.curves.chain(name, seed).tokens for seed in seeds]
        first = max(own[0] for own in tokens)
        return np.unique(np.concatenate([own[own >= first] for own in tokens]))

    def best_until(self, name: str, seeds: tuple[int, ...], budgets: np.ndarray) -> np.ndarray:
        """[1 + draws, budgets] best loss of a curve up to each budget; NaN before its first evaluation."""
        found: list[Best] = []
        for seed in seeds:
            curve = self.curves.chain(name, seed)
            first = curve.tokens[0]
            found.append(best_so_far(curve, self.draws.predicted).at(np.maximum(budgets, first), curve.tokens))
        noise = np.stack([self.draws.noise(piece, len(seeds)) for piece in found[0].pieces], axis=1)
        losses = self.draws.losses(np.mean([one.sums for one in found], axis=0)) + noise
        start = max(self.curves.chain(name, seed).tokens[0] for seed in seeds)
        return np.where(budgets >= start, losses, np.nan)

    def ends(self, *names: str, seeds: tuple[int, ...]) -> int:
        """Largest budget that the curves of all these reach in all seeds."""
        return int(min(self.curves.chain(name, seed).tokens[-1] for name in names for seed in seeds))

    def best_within(self, name: str, seeds: tuple[int, ...], budget: int) -> np.ndarray:
        """[1 + draws] best loss of a curve up to a budget, without the repetition that it may continue.

        Raises NotIdentified where only that repetition is as short.
        """
        found, aside = [], set(self.pack.of_role("repetition")) - {name}
        for seed in seeds:
            curve = self.curves.chain(name, seed).until(budget)
            own = ~np.isin(curve.pieces, list(aside))
            if not own.any():
                raise NotIdentified(f"{name} has no evaluation up to {budget:,} tokens")
            found.append(
                best_so_far(Curve(curve.tokens[own], curve.sums[own], curve.pieces[own]), self.draws.predicted)
            )
        sums = np.mean([one.sums[-1:] for one in found], axis=0)
        return self.draws.losses(sums)[:, 0] + self.draws.noise(name, len(seeds))

    def band(self, drawn: np.ndarray) -> tuple[float, float]:
        """Central interval of [draws], which may end at inf; NaN where too many draws have no value."""
        usable = drawn[~np.isnan(drawn)]
        if len(usable) < USABLE * len(drawn):
            return np.nan, np.nan
        low, high = np.quantile(usable, [(1 - self.share) / 2, (1 + self.share) / 2], method="nearest")
        return float(low), float(high)
