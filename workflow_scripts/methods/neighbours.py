"""Nearest neighbours between texts by the cosine of their TF-IDF vectors, exactly, with one list of texts per word."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Index:
    """Words of each text with their weights, texts of each word with theirs; a text's weights have length 1."""

    of_text: list[tuple[list[str], np.ndarray]]
    of_word: dict[str, tuple[np.ndarray, np.ndarray]]


def index(texts: Sequence[str]) -> Index:
    """Weights: (1 + log of the count) * log(texts / texts with the word)."""
    counts = [Counter(WORD.findall(text.lower())) for text in texts]
    spread = Counter(word for own in counts for word in own)
    of_text, listed = [], {}
    for number, own in enumerate(counts):
        weights = np.array([(1 + np.log(n)) * np.log(len(texts) / spread[word]) for word, n in own.items()])
        weights /= np.linalg.norm(weights) or 1
        of_text.append((list(own), weights))
        for word, weight in zip(own, weights, strict=True):
            listed.setdefault(word, []).append((number, weight))
    return Index(of_text, {word: tuple(map(np.array, zip(*found, strict=True))) for word, found in listed.items()})


def similarities(known: Index, number: int) -> np.ndarray:
    """Cosine of one text with every text."""
    result = np.zeros(len(known.of_text))
    for word, weight in zip(*known.of_text[number], strict=True):
        numbers, weights = known.of_word[word]
        result[numbers] += weight * weights
    return result


def neighbours(
    texts: Sequence[str], groups: Sequence[str], least: float, copies: float, most: int
) -> tuple[list[tuple[int, int]], float]:
    """Pairs (text, neighbour) of different groups with least <= cosine < copies, and the largest cosine below copies.

    Of each text the `most` nearest, nearest first; equals in the order of the texts.
    """
    known, group, pairs, largest = index(texts), np.array(groups), [], 0.0
    for number in range(len(texts)):
        near = similarities(known, number)
        near[(group == group[number]) | (near >= copies)] = 0
        largest = max(largest, float(near.max()))
        best = np.argsort(-near, kind="stable")[:most]
        pairs += [(number, int(other)) for other in best if near[other] >= least]
    return pairs, largest
