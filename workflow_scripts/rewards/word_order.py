"""How well words follow each other: a model of pairs of neighbouring word classes, counted in good text.

Frequent words are classes of their own, others share one by what they end in. What is measured is how much more likely
a class is after its neighbour than anywhere, so that neither a text's topic nor its length matters.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from workflow_scripts.rewards.sentences import sentences, words

ENDINGS = ("ing", "ed", "ly", "tion", "ment", "ness", "ity", "able", "ous", "ive", "al", "ic", "er", "est", "s", "")
START, STOP, NAME = "<start>", "<stop>", "<name>"


class WordOrder:
    """The pairs' log-ratios, and the classes they are of."""

    def __init__(self, classes: list[str], ratios: np.ndarray) -> None:
        """`ratios`: float [classes, classes] nats, log P(second | first) - log P(second)."""
        self.classes, self.ratios = classes, ratios
        self.place = {name: place for place, name in enumerate(classes)}

    def mean_ratio(self, text: str) -> float:
        """Mean over a text's pairs in nats; 0 is the order of words drawn from a hat. NaN without a word."""
        found = [self.ratios[row[:-1], row[1:]] for part in sentences(text) if len(row := self._row(part)) > 2]
        return float(np.concatenate(found).mean()) if found else float("nan")

    def _row(self, sentence: str) -> np.ndarray:
        names = [START, *(self._class(word, first == 0) for first, word in enumerate(words(sentence))), STOP]
        return np.array([self.place[name] for name in names])

    def _class(self, word: str, first: bool) -> str:
        lower = word.lower()
        if lower in self.place:
            return lower
        if word[0].isupper() and not first:
            return NAME
        return "-" + next(ending for ending in ENDINGS if lower.endswith(ending))


def count_word_order(texts: Iterable[str], frequent: int = 150, smoothing: float = 0.5) -> WordOrder:
    """Count the pairs of good texts; so many most frequent words have a class of their own, ties by alphabet."""
    texts = list(texts)
    counts = Counter(word.lower() for text in texts for word in words(text))
    common = [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:frequent]]
    classes = [*common, START, STOP, NAME, *(f"-{ending}" for ending in ENDINGS)]
    model = WordOrder(classes, np.zeros((len(classes), len(classes))))
    pairs = np.zeros_like(model.ratios)
    for text in texts:
        for part in sentences(text):
            row = model._row(part)
            np.add.at(pairs, (row[:-1], row[1:]), 1)
    single = (pairs.sum(0) + smoothing) / (pairs.sum() + smoothing * len(classes))
    # what a rare first class is followed by is drawn towards what follows any class
    chances = (pairs + 20 * single) / (pairs.sum(1, keepdims=True) + 20)
    model.ratios[:] = np.log(chances) - np.log(single)
    return model
