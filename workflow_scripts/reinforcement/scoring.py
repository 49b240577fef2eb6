"""Rewards of answers as TRL asks for them, and what else is looked at: whether a generator games its rewards."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from workflow_scripts.generation.flags import copied_share
from workflow_scripts.rewards.boilerplate import boilerplate_shares
from workflow_scripts.rewards.written import Written, parse


class Reward(Protocol):
    """Scores float64 [answers]; NaN where an answer can't be judged."""

    def scores(self, written: list[Written]) -> np.ndarray:
        """A score for every answer, whatever the others are."""


@dataclass(frozen=True)
class Scorer:
    """The rewards of one generator, with their weights and the words that its answers are begun with."""

    operation: str
    begun: str
    rewards: dict[str, Reward]
    weights: dict[str, float]

    def written(self, sources: list[str], answers: list[str], finished: list[bool]) -> list[Written]:
        """Answers taken apart."""
        given = zip(sources, answers, finished, strict=True)
        return [parse(self.operation, source, self.begun + answer, end) for source, answer, end in given]

    def scores(self, written: list[Written]) -> dict[str, np.ndarray]:
        """float64 [answers] of every reward."""
        return {name: np.asarray(reward.scores(written), dtype=np.float64) for name, reward in self.rewards.items()}

    def total(self, scores: dict[str, np.ndarray]) -> np.ndarray:
        """float64 [answers]: the weighted sum; a term that can't be judged is left out."""
        return np.nansum([self.weights[name] * values for name, values in scores.items()], axis=0)


def reward_functions(scorer: Scorer, end: int) -> list[Callable]:
    """One function per reward, by name, as TRL calls them; `end`: the token that a finished answer ends with.

    TRL leaves a reward that is None out of an answer's sum, as `Scorer.total` does.
    """

    def function(name: str) -> Callable:
        def reward(completions: list[str], completion_ids: list[list[int]], source: list[str], **_) -> list:
            written = scorer.written(source, completions, [ids[-1:] == [end] for ids in completion_ids])
            found = np.asarray(scorer.rewards[name].scores(written), dtype=np.float64)
            return [None if np.isnan(value) else float(value) for value in found]

        reward.__name__ = name
        return reward

    return [function(name) for name in scorer.rewards]


def hacking(written: list[Written]) -> dict[str, np.ndarray]:
    """float64 [answers] of what a generator may do for its rewards' sake: copy, write phrases that fit every source."""
    copied = [copied_share(one.text, one.source) if one.text else np.nan for one in written]
    kept = [float(one.status == "ok") for one in written]
    return {
        "copied_share": np.array(copied, dtype=np.float64),
        "boilerplate_share": boilerplate_shares(written),
        "ok_share": np.array(kept, dtype=np.float64),
    }
