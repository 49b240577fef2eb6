"""The reward for quality: a text's points minus its source's, 1 to 5 points each (arXiv 2605.17849).

A linear rater gives them (rater.py); at the paper scale DataMan does (dataman.py).
"""

from typing import Protocol

import numpy as np

from workflow_scripts.rewards.sentences import prose
from workflow_scripts.rewards.written import Written


class Rates(Protocol):
    """What gives texts points, such as `DataMan`."""

    def rate(self, texts: list[str]) -> np.ndarray:
        """float64 [texts] points; NaN where a text has none."""


class Quality:
    """Points of a text minus those of its source; sources are rated once."""

    def __init__(self, rater: Rates) -> None:
        """`rater` gives texts points."""
        self.rater = rater
        self._of_source: dict[str, float] = {}

    def scores(self, written: list[Written]) -> np.ndarray:
        """float64 [n] points; NaN where the text or its source has none. [assumed] Entries are rated without tags."""
        new = list(dict.fromkeys(one.source for one in written if one.source not in self._of_source))
        self._of_source.update(zip(new, self.rater.rate(new).tolist(), strict=True))
        own = self.rater.rate([prose(one) for one in written])
        return own - np.array([self._of_source[one.source] for one in written])
