"""Measures of collapse of sets, at equal numbers of texts and of tokens.

A set that has too few is left without a value. How sets are sampled: set_texts.py; what measures mean: collapse.py.
"""

from collections.abc import Callable

import numpy as np

from workflow_scripts.common.progress import progress
from workflow_scripts.config.synpro import ORGANIC
from workflow_scripts.evaluation import collapse
from workflow_scripts.evaluation.set_texts import Answer, equal_number, half_tokens, is_reference
from workflow_scripts.megadocs.tokens import TokenStream

Embed = Callable[[list[str]], np.ndarray]


def text_measures(sample: list[Answer], embed: Embed, organic: np.ndarray) -> dict[str, float]:
    """Measures of some texts of a set; `organic`: embeddings of as many organic texts [texts, dimensions]."""
    texts, sources = [one.written.text for one in sample], [one.written.source for one in sample]
    return {
        "frechet_distance": collapse.frechet_distance(embed(texts), organic),
        "ngram_novelty": collapse.ngram_novelty(texts, sources),
        "self_bleu": collapse.self_bleu(texts),
        "copied_share": collapse.copied_share(texts, sources),
    }


def measure_texts(
    samples: dict[str, list[Answer]], organic: list[str], embed: Embed, fewest: int, most: int
) -> dict[str, dict]:
    """Measures by set, of equally many texts; `organic`: texts of the half that sets are compared with."""
    count = equal_number([len(organic), *map(len, samples.values())], fewest, most)
    usable = [name for name, sample in samples.items() if min(len(sample), len(organic)) >= count]
    reference, found = embed(organic[:count]) if usable else np.empty((0, 0)), {}
    with progress(len(usable), f"measures of {count:,} texts", "sets") as bar:
        for name in usable:
            found[name] = text_measures(samples[name][:count], embed, reference)
            bar.update()
    return found


def measure_tokens(streams: dict[str, TokenStream], fewest: int, most: int) -> dict[str, dict]:
    """Measures by set, of equally many tokens; the organic stream is there, too, and what sets are compared with."""
    organic = half_tokens(streams[ORGANIC], is_reference, most)
    samples = {name: half_tokens(stream, is_sampled, most) for name, stream in streams.items()}
    count = equal_number([len(organic), *map(len, samples.values())], fewest, most)
    return {
        name: {
            "unigram_tail_coverage": collapse.unigram_tail_coverage(own[:count], organic[:count]),
            "unigram_entropy_bits": collapse.unigram_entropy_bits(own[:count]),
        }
        for name, own in samples.items()
        if min(len(own), len(organic)) >= count
    }


def is_sampled(doc_id: str) -> bool:
    """Whether a slice, or a document, is in the half that sets are sampled from."""
    return not is_reference(doc_id)
