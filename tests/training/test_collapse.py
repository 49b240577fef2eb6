"""Measures of collapse: by hand, and each on the collapse that it is meant to see."""

import math

import numpy as np
import pytest
from sacrebleu import sentence_bleu

from workflow_scripts.evaluation.collapse import (
    copied_share,
    frechet_distance,
    ngram_novelty,
    self_bleu,
    unigram_entropy_bits,
    unigram_tail_coverage,
)

LEXICON = [f"word{number}" for number in range(2000)]
CHANCES = 1 / np.arange(1, 2001) / (1 / np.arange(1, 2001)).sum()  # Zipf's law


def make_texts(seed: int, count: int = 120, lexicon: int = 2000) -> list[str]:
    """Texts of 60 words from the first words of the lexicon, which are the frequent ones."""
    random, chances = np.random.default_rng(seed), CHANCES[:lexicon] / CHANCES[:lexicon].sum()
    return [" ".join(LEXICON[word] for word in random.choice(lexicon, 60, p=chances)) for _ in range(count)]


def tokens_of(texts: list[str]) -> np.ndarray:
    return np.array([int(word[4:]) for text in texts for word in text.split()])


def vectors_of(texts: list[str]) -> np.ndarray:
    """A stand-in for sentence embeddings, of length 1: counts of words, folded at random into 64 numbers."""
    folds = np.random.default_rng(0).normal(size=(2000, 64))
    found = np.stack([folds[[int(word[4:]) for word in text.split()]].sum(0) for text in texts])
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_frechet_distance_by_hand():
    """In one dimension: the squared differences of means, 0 and 4, and of deviations, 1 and 2."""
    near, far = np.array([[-1.0], [1.0]]), np.array([[2.0], [6.0]])
    assert frechet_distance(near, far) == pytest.approx(16 + 1) == frechet_distance(far, near)
    assert frechet_distance(near, near) == pytest.approx(0, abs=1e-9) and math.isnan(frechet_distance(near[:1], far))


def test_frechet_distance_of_fewer_vectors_than_dimensions():
    """Without shrinkage, 40 vectors of 100 independent dimensions are about as far from another 40 as twice 50."""
    random = np.random.default_rng(1)
    one, two, shifted = random.normal(size=(3, 40, 100))
    assert frechet_distance(one, two) < 10, "covariances add little beside means, which chance moves by 2 x 100 / 40"
    assert frechet_distance(one, shifted + 1) - frechet_distance(one, two) == pytest.approx(100, rel=0.2)


def test_novelty_and_copies_by_hand():
    """2 of 3 sequences of 4 words are in their own source; those of another text's source don't count."""
    texts, sources = ["A b c d e f", "x x"], ["a b c d. E, g", "d e f c d e f"]
    assert ngram_novelty(texts, sources) == pytest.approx(1 / 3)
    assert math.isnan(ngram_novelty(["a b c"], ["a"])) and math.isnan(copied_share([], []))
    assert copied_share(["a b c d e f g h i", "x"], ["b c d e f g h i", "x"]) == pytest.approx((1 / 2 + 0) / 2)


def test_self_bleu_by_hand():
    """Of two texts one is scored against the other; of four, each of two against the other two together."""
    texts = ["the cat sat on the mat", "the cat sat on a red mat"]
    scores = [sentence_bleu(a, [b]).score / 100 for a, b in (texts, texts[::-1])]
    assert any(self_bleu(texts) == pytest.approx(score) for score in scores)
    assert self_bleu(["one two three four five"] * 4) == pytest.approx(1) and math.isnan(self_bleu(["alone"]))
    texts = make_texts(0, 30)
    assert self_bleu(texts) == self_bleu(texts[::-1])


def test_unigrams_by_hand():
    """Types 1 to 4 occur 3, 2, 1 and 1 times: rare are 3 and 4, of which the other text's first 7 tokens have 4."""
    organic = np.array([1, 1, 1, 2, 2, 3, 4])
    assert unigram_tail_coverage(np.array([9, 9, 9, 9, 9, 9, 4, 3]), organic) == 0.5
    assert unigram_tail_coverage(organic, organic) == 1
    assert unigram_entropy_bits(np.array([5, 5, 6, 7])) == 1.5 and unigram_entropy_bits(np.array([5, 5])) == 0
    assert math.isnan(unigram_entropy_bits(organic[:0])) and math.isnan(unigram_tail_coverage(organic[:0], organic))


def test_measures_see_the_collapse_they_are_meant_to_see():
    """Against the floor, another sample of the organic text: few texts over and over, and half of the vocabulary."""
    organic, sample = make_texts(1), make_texts(2)
    repeated, narrow = (make_texts(3, 5) * 24, make_texts(4, lexicon=1000))
    vectors, tokens = vectors_of(organic), tokens_of(organic)
    floor, far = frechet_distance(vectors_of(sample), vectors), frechet_distance(vectors_of(repeated), vectors)
    assert far > 3 * floor
    assert self_bleu(repeated) > 0.9 > 3 * self_bleu(sample)
    covered = [unigram_tail_coverage(tokens_of(texts), tokens) for texts in (sample, narrow, repeated)]
    assert covered[0] > 1.3 * covered[1] > 1.3 * covered[2]
    entropies = [unigram_entropy_bits(tokens_of(texts)) for texts in (sample, narrow, repeated)]
    assert entropies[0] > entropies[1] + 0.5 > entropies[2] + 0.5
    assert entropies[0] == pytest.approx(unigram_entropy_bits(tokens), rel=0.02)
