"""A linear rater of quality on sentence embeddings and counts, on a scale of 1 to 5 points as DataMan's.

It is what the raters of DCLM and FineWeb-Edu are, in small: a logistic regression on frozen features, trained by
train_rater.py. [assumed] Its log-odds become points by a straight line, from 1 at the raw and damaged training texts'
tenth percentile to 5 at the good ones' ninetieth, and no further. At the paper scale DataMan is the rater.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import atomic_path
from workflow_scripts.rewards.embedding import SentenceEmbedding
from workflow_scripts.rewards.fluency import NAMES, fluency
from workflow_scripts.rewards.sentences import sentences
from workflow_scripts.rewards.word_order import WordOrder

EMBEDDING_WEIGHT = 0.3  # of the embedding's features beside the counted ones, all being of deviation 1
FARTHEST = 3.0  # deviations from the mean that a feature can count for


@dataclass(frozen=True)
class Rater:
    """A trained rater; `about` says what it was trained with and what else was calibrated (train_rater.py)."""

    arrays: dict[str, np.ndarray]  # mean, deviation, weights [features]; bias, low, high []; ratios [classes, classes]
    about: dict

    def log_odds(self, features: np.ndarray) -> np.ndarray:
        """float64 [texts] of float64 [texts, features]; NaN for a text without words."""
        values = scaled(features, self.arrays["mean"], self.arrays["deviation"]) @ self.arrays["weights"]
        return np.where(np.isnan(features).all(1), np.nan, values + self.arrays["bias"])

    def points(self, features: np.ndarray) -> np.ndarray:
        """float64 [texts] in [1, 5]; NaN for a text without words."""
        low, high = self.arrays["low"], self.arrays["high"]
        return np.clip(1 + 4 * (self.log_odds(features) - low) / (high - low), 1, 5)

    def word_order(self) -> WordOrder:
        """The model of word order that its features are measured with."""
        return WordOrder(self.about["classes"], self.arrays["ratios"])

    def save(self, path: str | Path) -> None:
        """Write it whole or not at all."""
        with atomic_path(path) as temporary:
            arrays = {name: np.ascontiguousarray(value, np.float64) for name, value in self.arrays.items()}
            save_file(arrays, str(temporary), metadata={"about": json.dumps(self.about, sort_keys=True)})


def load_rater(path: str | Path) -> Rater:
    """Read a rater. Raises UserError where the file is none."""
    try:
        with safe_open(str(path), "np") as file:
            about = json.loads(file.metadata()["about"])
        return Rater(load_file(str(path)), about)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: not a rater ({error}); make it with workflow_scripts.rewards.train_rater") from None


def scaled(features: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Features in deviations from their mean, no farther than 3; what could not be measured is at the mean."""
    values = np.nan_to_num(np.clip((features - mean) / deviation, -FARTHEST, FARTHEST), nan=0.0)
    values[:, : -len(NAMES)] *= EMBEDDING_WEIGHT
    return values


def features_of(texts: list[str], embedding: SentenceEmbedding, order: WordOrder) -> np.ndarray:
    """float64 [texts, width + 16]: the direction of a text's sentences, then what is counted; NaN without words.

    The direction is the mean of the sentences' vectors, of norm 1, so that more sentences make it no shorter.
    """
    embedding.vectors([part for text in texts for part in sentences(text)])  # in full batches; they are kept
    rows = []
    for text in texts:
        vectors = embedding.vectors(sentences(text)).astype(np.float64)
        counted = fluency(text, order, vectors)
        empty = np.isnan(counted).all()
        direction = np.full(embedding.width, np.nan) if empty else vectors.sum(0) / np.linalg.norm(vectors.sum(0))
        rows.append(np.concatenate([direction, counted]))
    return np.array(rows).reshape(len(texts), -1)


class LinearRater:
    """A rater with the embedding model it was trained on."""

    def __init__(self, rater: Rater, embedding: SentenceEmbedding) -> None:
        """Raises UserError where the rater was trained on another embedding model."""
        if rater.about["embedding_sha256"] != embedding.sha256:
            raise UserError("the rater was trained on another embedding model; train it anew")
        self.rater, self.embedding, self.order = rater, embedding, rater.word_order()

    def rate(self, texts: list[str]) -> np.ndarray:
        """float64 [texts] points in [1, 5]; NaN for a text without words."""
        return self.rater.points(features_of(texts, self.embedding, self.order)) if texts else np.empty(0)
