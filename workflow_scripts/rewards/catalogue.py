"""The rewards that a generator is trained with, by their names in the config.

What needs torch is imported where it is made: rewards for form do without.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.reinforcement import Reinforcement
from workflow_scripts.rewards.form import Format, Length, Structure
from workflow_scripts.rewards.written import Written


@dataclass(frozen=True)
class RewardModels:
    """Where the models of rewards are; None for one that no reward needs.

    `dataman` and `judge` are for a GPU: a hub name or a folder of a language model that replaces the linear rater, or
    the embedding's judgement of faithfulness.
    """

    rater: Path | None = None  # file of train_rater.py; also holds what faithfulness was calibrated to
    embedding: Path | None = None  # folder of embedding.py
    before: Path | None = None  # exported student at its plateau
    after: Path | None = None  # the same after its probe
    dataman: str | None = None
    judge: str | None = None


class Reward(Protocol):
    """Scores of answers, which do not depend on what else is in the list."""

    def scores(self, written: list[Written]) -> np.ndarray:
        """float64 [n]; NaN where an answer can't be judged."""


def rewards_of(weights: dict[str, float], settings: Reinforcement, models: RewardModels) -> dict[str, Reward]:
    """Rewards by name, in the order of `weights`; only these are loaded, and what two share is loaded once.

    Raises UserError for a name that is no reward's, and for one whose model lacks.
    """
    shared = cache(lambda: _linear(models))
    makers: dict[str, Callable[[], Reward]] = {
        "format": Format,
        "length": lambda: Length(settings.longest_share),
        "structure": Structure,
        "quality": lambda: _quality(models, shared),
        "faithfulness": lambda: _faithfulness(models, shared),
        "influence": lambda: _influence(models, settings.minimum_characters),
    }
    if wrong := [name for name in weights if name not in makers]:
        raise UserError(f"no reward is called {wrong[0]}; there are {', '.join(makers)}")
    return {name: makers[name]() for name in weights}


def _linear(models: RewardModels):
    _require(models, "rater", "embedding", reward="quality or faithfulness")
    from workflow_scripts.rewards.embedding import SentenceEmbedding
    from workflow_scripts.rewards.rater import LinearRater, load_rater

    return LinearRater(load_rater(models.rater), SentenceEmbedding(models.embedding))


def _quality(models: RewardModels, shared: Callable) -> Reward:
    from workflow_scripts.rewards.dataman import DataMan
    from workflow_scripts.rewards.quality import Quality

    return Quality(DataMan(models.dataman) if models.dataman else shared())


def _faithfulness(models: RewardModels, shared: Callable) -> Reward:
    from workflow_scripts.rewards.judge import LlmJudge

    if models.judge:
        return LlmJudge(models.judge)
    from workflow_scripts.rewards.faithfulness import Faithfulness

    about = shared().rater.about
    return Faithfulness(shared().embedding, about["threshold"], frozenset(about["lower_case"]))


def _influence(models: RewardModels, minimum_characters: int) -> Reward:
    _require(models, "before", "after", reward="influence")
    from workflow_scripts.evaluation.influence import Influence
    from workflow_scripts.rewards.influence import InfluenceReward

    return InfluenceReward(Influence(models.before, models.after), minimum_characters)


def _require(models: RewardModels, *fields: str, reward: str) -> None:
    if missing := [name for name in fields if getattr(models, name) is None]:
        raise UserError(f"the reward {reward} needs {' and '.join(missing)}, which is not given")
