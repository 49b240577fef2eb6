"""Validation losses of SynPro's students by part of the documents, and the best of them without selection bias.

[assumed] Losses are means of three evaluations, counted at the middle one. The best is chosen on the odd parts and
reported on the even ones, and the other way round: so a student with more evaluations has no lower loss by chance.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluation.synpro_columns import REMEDY
from workflow_scripts.evaluation.synpro_tables import VALIDATION, SynProPack

SMOOTHED_OVER = 3  # evaluations


@dataclass(frozen=True)
class Curve:
    """Losses of a student along its training; `sums` hold summed nats of each part."""

    tokens: np.ndarray  # [places] cumulative, rising
    sums: np.ndarray  # [places, parts]
    pieces: np.ndarray  # [places] name of the pretraining

    def smoothed(self) -> "Curve":
        """Means of three evaluations at the middle one; unchanged where there are fewer."""
        if len(self.tokens) < SMOOTHED_OVER:
            return self
        means = np.lib.stride_tricks.sliding_window_view(self.sums, SMOOTHED_OVER, axis=0).mean(axis=-1)
        edge = SMOOTHED_OVER // 2
        return Curve(self.tokens[edge:-edge], means, self.pieces[edge:-edge])

    def until(self, tokens: int) -> "Curve":
        """The part with at most so many tokens."""
        kept = self.tokens <= tokens
        return Curve(self.tokens[kept], self.sums[kept], self.pieces[kept])


@dataclass(frozen=True)
class Best:
    """The best loss up to each of some places: what its parts sum to, and where it is."""

    sums: np.ndarray  # [places, parts]
    tokens: np.ndarray  # [places] mean over both choices
    pieces: np.ndarray  # [places] pretraining of the choice on even parts

    def at(self, budgets: np.ndarray, tokens: np.ndarray) -> "Best":
        """The best up to every budget; `tokens` are those of the places. Budgets start at the first place."""
        place = np.searchsorted(tokens, budgets, side="right") - 1
        return Best(self.sums[place], self.tokens[place], self.pieces[place])


def best_so_far(curve: Curve, predicted: np.ndarray) -> Best:
    """The best loss up to every place of a curve; predicted tokens [parts]."""
    sums, chosen = np.empty_like(curve.sums), []
    places = np.arange(len(curve.tokens))
    for half in (0, 1):
        own = np.arange(len(predicted)) % 2 == half
        judged = curve.sums[:, ~own].sum(axis=1)
        lowest = np.maximum.accumulate(np.where(judged <= np.minimum.accumulate(judged), places, 0))
        sums[:, own] = curve.sums[lowest][:, own]
        chosen.append(lowest)
    return Best(sums, curve.tokens[np.array(chosen)].mean(axis=0), curve.pieces[chosen[1]])


class Curves:
    """All students of a pack by pretraining and seed."""

    def __init__(self, pack: SynProPack) -> None:
        """Raises UserError where parts differ from student to student."""
        self.table = pack.pretrainings.set_index(["pretraining", "seed"]).sort_index()
        own = pack.parts[pack.parts["set"] == VALIDATION]
        counts = own.groupby("part")["predicted_tokens"].agg(["min", "max"])
        if (counts["min"] != counts["max"]).any():
            part = counts.index[counts["min"] != counts["max"]][0]
            raise UserError(f"parts.csv: predicted_tokens of part {part} differ from student to student: {REMEDY}")
        self.predicted = counts["min"].to_numpy(dtype=float)  # [parts]
        self.raw = {key: _curve(key[0], rows, counts.index) for key, rows in own.groupby(["pretraining", "seed"])}
        self._best: dict[tuple[str, int], Best] = {}

    def seeds(self, *names: str) -> tuple[int, ...]:
        """Seeds that all these pretrainings have, ascending."""
        found = [{seed for own, seed in self.raw if own == name} for name in names]
        return tuple(sorted(set.intersection(*found)))

    def best(self, name: str, seed: int) -> Best:
        """The best of a pretraining alone, without what it continues: one place."""
        if (name, seed) not in self._best:
            found = best_so_far(self.raw[name, seed].smoothed(), self.predicted)
            self._best[name, seed] = Best(found.sums[-1:], found.tokens[-1:], found.pieces[-1:])
        return self._best[name, seed]

    def chain(self, name: str, seed: int) -> Curve:
        """A pretraining and all that it continues, each smoothed alone and up to where the next one starts."""
        pieces = list(self._pieces(name, seed))[::-1]
        return Curve(*(np.concatenate([getattr(p, part) for p in pieces]) for part in ("tokens", "sums", "pieces")))

    def _pieces(self, name: str, seed: int) -> Iterator[Curve]:
        yield self.raw[name, seed].smoothed()
        while start := self.table.loc[(name, seed), "start"]:
            if (start, seed) not in self.raw:
                return
            yield self.raw[start, seed].smoothed().until(self.table.loc[(name, seed), "start_tokens"])
            name = start


def _curve(name: str, rows: pd.DataFrame, parts: pd.Index) -> Curve:
    sums = rows.pivot(index="tokens", columns="part", values="loss_sum_nats").reindex(columns=parts)
    if sums.isna().to_numpy().any():
        raise UserError(f"parts.csv: {name} lacks a part of an evaluation or has a loss that is not finite: {REMEDY}")
    return Curve(sums.index.to_numpy(), sums.to_numpy(), np.full(len(sums), name, dtype=object))
