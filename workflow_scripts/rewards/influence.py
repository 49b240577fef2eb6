"""The reward that data influence gives: how much further than its source a text leads a student (arXiv 2605.17849)."""

import hashlib

import numpy as np

from workflow_scripts.evaluation.influence import Influence
from workflow_scripts.rewards.written import Written


class InfluenceReward:
    """I(text) - I(source); sources are scored once, since a group's answers share theirs and it comes again."""

    def __init__(self, influence: Influence, minimum_characters: int) -> None:
        """`influence`: the student before and after its probe; a shorter text than the minimum has no score."""
        self.influence, self.minimum_characters = influence, minimum_characters
        self._of_source: dict[bytes, float] = {}

    def scores(self, written: list[Written]) -> np.ndarray:
        """float64 [n] nats per token; NaN for a text that is too short, or none, or a source without a token.

        [assumed] The authors give a short text 0, as if it were its source; ours is counted as not judged.
        """
        found = np.full(len(written), np.nan)
        judged = [n for n, one in enumerate(written) if one.text and len(one.text) >= self.minimum_characters]
        if judged:
            own = self.influence.scores([written[place].text for place in judged])
            found[judged] = own - self._sources([written[place].source for place in judged])
        return found

    def _sources(self, sources: list[str]) -> np.ndarray:
        keys = {source: hashlib.sha256(source.encode()).digest() for source in sources}
        new = [source for source, key in keys.items() if key not in self._of_source]
        if new:
            values = self.influence.scores(new)
            self._of_source.update(zip((keys[source] for source in new), values.tolist(), strict=True))
        return np.array([self._of_source[keys[source]] for source in sources])
