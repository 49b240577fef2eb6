"""Faithfulness: does a text say what its source says? Sentence embeddings, and a check of numbers and names.

[assumed] The authors use BERTScore's F1 for rephrased texts and a judge of their own for entries, neither of which is
public as a small model. A sentence is supported here when a clause or some one to three sentences of the source are as
near to it as what is said twice is, and the source has its numbers and names. That is blind to a negation, and hardly
better than chance at what follows by inference: see its validation in rater.csv. Of an entry the content is judged,
and not its topic.
"""

import numpy as np

from workflow_scripts.rewards.embedding import SentenceEmbedding
from workflow_scripts.rewards.sentences import clauses, sentences, words
from workflow_scripts.rewards.support import unsupported
from workflow_scripts.rewards.written import Written

WIDEST = 3  # sentences of one side that may be said as one on the other


class Faithfulness:
    """Entries: the share that is supported. Other texts: F1 of supported sentences and of covered source sentences."""

    def __init__(self, embedding: SentenceEmbedding, threshold: float, lower_case: frozenset[str]) -> None:
        """`threshold`: least cosine of a supported sentence; `lower_case`: words that are no names (support.py)."""
        self.embedding, self.threshold, self.lower_case = embedding, threshold, lower_case

    def scores(self, written: list[Written]) -> np.ndarray:
        """float64 [n] in [0, 1]; NaN where the text or the source has no words."""
        sides = [(*_said(one), *_parts(one.source)) for one in written]
        self.embedding.vectors([each for side in sides for part in side for each in (part, *clauses(part))])
        return np.array([self._score(one) for one in written], dtype=np.float64)

    def supported(self, parts: list[str], source: str) -> np.ndarray:
        """bool [parts]: near enough to the source, and no number or name that it lacks."""
        near = self.nearest(parts, _parts(source)) >= self.threshold
        return near & [not unsupported(part, source, self.lower_case) for part in parts]

    def nearest(self, parts: list[str], others: list[str]) -> np.ndarray:
        """float64 [parts]: the highest cosine of each with a clause or one to three neighbours of other sentences."""
        within = self.embedding.vectors([clause for other in others for clause in clauses(other)])
        theirs = np.concatenate([windows(self.embedding.vectors(others)), within])
        return (self.embedding.vectors(parts).astype(np.float64) @ theirs.T).max(1)

    def _score(self, one: Written) -> float:
        said, source = _said(one), _parts(one.source)
        if not said or not source:
            return float("nan")
        right = float(self.supported(said, one.source).mean())
        if one.entries:
            return right
        covered = float((self.nearest(source, said) >= self.threshold).mean())
        return 2 * right * covered / (right + covered) if right + covered else 0.0


def windows(vectors: np.ndarray) -> np.ndarray:
    """float64 [windows, width] of norm 1: the vectors and the means of two and three neighbours."""
    vectors = vectors.astype(np.float64)
    found = [sum(vectors[k : len(vectors) - width + 1 + k] for k in range(width)) for width in range(1, WIDEST + 1)]
    kept = np.concatenate([rows for rows in found if len(rows)])
    return kept / np.linalg.norm(kept, axis=1, keepdims=True)


def _said(one: Written) -> list[str]:
    """Entries, or sentences with at least a word."""
    if one.entries:
        return [entry.content for entry in one.entries]
    return _parts(one.text)


def _parts(text: str) -> list[str]:
    return [part for part in sentences(text) if words(part)]
