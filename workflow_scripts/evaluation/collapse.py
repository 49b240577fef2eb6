"""Measures of model collapse: whether what is written of a text still has its variety (arXiv 2605.17849).

[assumed] The authors' code has none; these are the usual ones. All but copied_share and ngram_novelty change with the
number of texts or tokens: compare sets at equal numbers only. It needs sacrebleu and scikit-learn, which come with
lm-eval: the training environment has them.
"""

from collections.abc import Sequence

import numpy as np
from sacrebleu.metrics import BLEU
from sklearn.covariance import ledoit_wolf

from workflow_scripts.common.seeds import named_seed
from workflow_scripts.generation import flags
from workflow_scripts.generation.quality_measures import shingles

NOVELTY_WORDS = 4
MOST_BLEU_TEXTS = 200


def frechet_distance(embeddings_a: np.ndarray, embeddings_b: np.ndarray) -> float:
    """Squared Fréchet distance of Gaussians fitted to two sets of vectors [texts, dimensions]; higher: less alike.

    |mean difference|^2 + tr(A + B - 2 (A B)^(1/2)), as FID (Heusel et al. 2017) has it for images. [assumed] As texts
    may be fewer than dimensions, covariances A and B are shrunk towards spheres as Ledoit and Wolf (2004) do, by as
    much as the sample itself calls for. What chance adds is left in: two samples of one thing say how much that is.
    NaN for fewer than two texts.
    """
    if min(len(embeddings_a), len(embeddings_b)) < 2:
        return np.nan
    (mean_a, a), (mean_b, b) = map(_gaussian, (embeddings_a, embeddings_b))
    root_a = _root(a)
    cross = np.sqrt(np.linalg.eigvalsh(root_a @ b @ root_a).clip(0)).sum()
    return max(0.0, float(((mean_a - mean_b) ** 2).sum() + np.trace(a) + np.trace(b) - 2 * cross))


def _gaussian(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean [dimensions] and covariance [dimensions, dimensions], in float64."""
    vectors = np.asarray(vectors, np.float64)
    return vectors.mean(0), ledoit_wolf(vectors)[0]


def _root(matrix: np.ndarray) -> np.ndarray:
    """The symmetric square root of a symmetric matrix without negative eigenvalues but for rounding."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T


def ngram_novelty(texts: Sequence[str], sources: Sequence[str]) -> float:
    """Share of the texts' different 4-word sequences that are not in their own source; NaN where there is none.

    After McCoy et al. (2023), who look for what is in no training text. 0: all is copied.
    """
    new = total = 0
    for text, source in zip(texts, sources, strict=True):
        own = shingles(text, NOVELTY_WORDS)
        new, total = new + len(own - shingles(source, NOVELTY_WORDS)), total + len(own)
    return new / total if total else np.nan


def copied_share(texts: Sequence[str], sources: Sequence[str]) -> float:
    """Mean share of a text's 8-word sequences that are in its own source (our flag of copies); NaN without texts."""
    pairs = zip(texts, sources, strict=True)
    return float(np.mean([flags.copied_share(text, source) for text, source in pairs])) if texts else np.nan


def self_bleu(texts: Sequence[str]) -> float:
    """Mean BLEU-4 of texts against others of their set (Zhu et al. 2018), 0 to 1; higher: less varied.

    [assumed] Up to 200 texts, by a named seed; half of them are each scored against the other half together. BLEU is
    sacrebleu's for a single text. NaN for fewer than two texts. The order of the texts does not matter.
    """
    order = np.random.default_rng(named_seed("self-BLEU", len(texts))).permutation(len(texts))[:MOST_BLEU_TEXTS]
    chosen = [sorted(texts)[place] for place in order]
    scored, others = chosen[: len(chosen) // 2], chosen[len(chosen) // 2 :]
    if not scored:
        return np.nan
    bleu = BLEU(references=[[other] for other in others], effective_order=True)
    return float(np.mean([bleu.corpus_score([text], None).score for text in scored])) / 100


def unigram_tail_coverage(tokens: np.ndarray, organic_tokens: np.ndarray) -> float:
    """Share of the organic text's rare token types that occur in an equally long text; lower: the tail is lost.

    Both are int64 [tokens] and are cut to the shorter one's length. [assumed] Rare types are those that occur no more
    often than the median type does, which is half of all types or more; NaN without tokens.
    """
    length = min(len(tokens), len(organic_tokens))
    types, counts = np.unique(organic_tokens[:length], return_counts=True)
    rare = types[counts <= np.median(counts)] if length else types
    return float(np.isin(rare, tokens[:length]).mean()) if len(rare) else np.nan


def unigram_entropy_bits(tokens: np.ndarray) -> float:
    """Entropy in bits of the shares of token types in int64 [tokens]; lower: fewer words carry more of the text."""
    shares = np.unique(tokens, return_counts=True)[1] / max(len(tokens), 1)
    return float(-(shares * np.log2(shares)).sum()) + 0.0 if len(tokens) else np.nan
