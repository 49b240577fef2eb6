"""A check on hacked rewards: how much of an answer is made of phrases that other sources' answers have, too.

[assumed] Ours; the paper has none. A generator that finds a phrase which rewards like will put it everywhere. It is a
measure over the answers of an evaluation, not a reward: an answer's share depends on the other answers. Plain English
has common phrases as well, so compare it with that of the untrained generator on the same sources.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from workflow_scripts.generation.quality_measures import SHINGLE_WORDS, shingles, words
from workflow_scripts.rewards.written import Written

FEWEST_SOURCES = 3


def boilerplate_shares(written: list[Written]) -> np.ndarray:
    """float64 [answers]: share of the words that are part of a boilerplate phrase; NaN for an answer without a text.

    A boilerplate phrase is a sequence of 5 words, without case, that occurs in the answers to at least 3 different
    sources and in none of the sources. The heading and the labels that a prompt asks for are not counted as words.
    """
    phrases = boilerplate_phrases(written)
    return np.array([_covered_share(map(words, _parts(one)), phrases) for one in written], np.float64)


def boilerplate_phrases(written: list[Written]) -> set[tuple[str, ...]]:
    """All boilerplate phrases of some answers."""
    sources: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for one in written:
        sources[one.source].update(*map(shingles, _parts(one)))
    seen, frequent = defaultdict(int), set()
    for phrases in sources.values():
        for phrase in phrases:
            seen[phrase] += 1
            if seen[phrase] == FEWEST_SOURCES:
                frequent.add(phrase)
    return frequent.difference(*map(shingles, sources))


def _parts(written: Written) -> list[str]:
    """Texts that no phrase reaches out of: topics and contents of entries, or the whole text."""
    entries = [part for entry in written.entries for part in (entry.topic, entry.content)]
    return entries or [written.text]


def _covered_share(parts: Iterable[list[str]], phrases: set[tuple[str, ...]]) -> float:
    """Share of the words of all parts that lie in a phrase; NaN without words."""
    covered = []
    for part in parts:
        inside = np.zeros(len(part), bool)
        for place in range(len(part) - SHINGLE_WORDS + 1):
            if tuple(part[place : place + SHINGLE_WORDS]) in phrases:
                inside[place : place + SHINGLE_WORDS] = True
        covered.append(inside)
    inside = np.concatenate(covered) if covered else np.empty(0)
    return float(inside.mean()) if len(inside) else np.nan
