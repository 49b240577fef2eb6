"""Unigrams of training sets beside those of validation domains: two KL divergences in nats, and coverage.

arXiv 2510.01631 finds that neither similarity to the test sets nor coverage of their unigrams explains which data
trains best.

A training set of synthetic share s and T tokens is made as in training: the first (1 - s) T natural tokens, and windows
of a kind's stream in random order with s T tokens. T is the same for all: --tokens, or what the shortest stream has,
but no more than 30 million. Unigrams are of the student's tokens, without BOS and EOS; [assumed] 0.1 is added to the
count of every token of the vocabulary, on both sides. A domain's own number of tokens decides how far smoothing moves
it: compare training sets on one domain, not domains.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd

from workflow_scripts.common.arguments import named_prefix
from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_path
from workflow_scripts.common.seeds import named_seed
from workflow_scripts.megadocs.token_measures import content_tokens
from workflow_scripts.megadocs.tokens import TokenStream

ALPHA = 0.1
MOST_TOKENS = 3 * 10**7  # about 0.5 GB of memory
WINDOW, MOST_WINDOWS = 1024, 10**6  # windows are longer in streams that would have more
NATURAL = "real"


def smoothed(counts: np.ndarray) -> np.ndarray:
    """Shares [vocabulary] with ALPHA added to every count."""
    return (counts + ALPHA) / (counts.sum() + ALPHA * len(counts))


def divergence(p: np.ndarray, q: np.ndarray) -> float:
    """KL(p || q) in nats of shares [vocabulary] that are all above 0."""
    return float((p * np.log(p / q)).sum())


def compare(train: np.ndarray, domain: np.ndarray) -> dict[str, float]:
    """Divergences both ways, and the share of a domain's tokens and types that occur in a training set.

    train, domain: counts [vocabulary].
    """
    p, q, occurs = smoothed(domain), smoothed(train), train > 0
    return {
        "kl_domain_train_nats": divergence(p, q),
        "kl_train_domain_nats": divergence(q, p),
        "token_coverage": float(domain[occurs].sum() / domain.sum()),
        "type_coverage": float((domain[occurs] > 0).sum() / (domain > 0).sum()),
    }


def unigram_rows(
    natural: TokenStream, kinds: dict[str, TokenStream], domains: dict[str, TokenStream], shares: list[float], most: int
) -> Iterator[dict]:
    """A row per training set and domain: the natural set, which is share 0 of every kind, and all others.

    Raises UserError when streams were made with different tokenizers.
    """
    _require_one_tokenizer([natural, *kinds.values(), *domains.values()])
    tokens = min(most, MOST_TOKENS, *map(content_tokens, (natural, *kinds.values())))
    known = {name: counts_of(stream, content_tokens(stream)) for name, stream in domains.items()}
    sets = [(NATURAL, 0.0, counts_of(natural, tokens))]
    for kind, stream in kinds.items():
        sets += [(kind, share, _mixture(natural, stream, share, tokens)) for share in shares if share > 0]
    for stream, share, counts in sets:
        for domain, own in known.items():
            found = compare(counts, own) | {"tokens": tokens, "domain_tokens": int(own.sum())}
            yield {"stream": stream, "mixing_ratio": share, "domain": domain} | found


def _mixture(natural: TokenStream, kind: TokenStream, share: float, tokens: int) -> np.ndarray:
    own = round(share * tokens)
    return counts_of(natural, tokens - own) + counts_of(kind, own, shuffled=True)


def counts_of(stream: TokenStream, tokens: int, shuffled: bool = False) -> np.ndarray:
    """[vocabulary] counts of `tokens` tokens: the first ones, or those of windows in an order that the name decides."""
    size = max(WINDOW, len(stream.tokens) // MOST_WINDOWS)
    order = np.arange(-(-len(stream.tokens) // size))
    if shuffled:
        np.random.default_rng(named_seed("unigram windows", stream.paths.tokens.name)).shuffle(order)
    bos, eos = stream.tokens[0], stream.tokens[-1]
    found, left = [np.empty(0, stream.tokens.dtype)], tokens
    for window in order:
        ids = stream.tokens[window * size : (window + 1) * size]
        found.append(ids[(ids != bos) & (ids != eos)][:left])
        left -= len(found[-1])
        if not left:
            break
    return np.bincount(np.concatenate(found), minlength=stream.metadata["vocabulary_size"])


def _require_one_tokenizer(streams: list[TokenStream]) -> None:
    first, *others = streams
    for other in others:
        if other.metadata["tokenizer_sha256"] != first.metadata["tokenizer_sha256"]:
            raise UserError(f"{other.paths.metadata}: made with another tokenizer than {first.paths.metadata}")


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    kinds, domains = ({n: TokenStream(p) for n, p in found} for found in (arguments.kinds, arguments.domains))
    rows = unigram_rows(TokenStream(arguments.natural), kinds, domains, arguments.shares, arguments.tokens)
    with atomic_path(arguments.output) as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--natural", required=True, help="prefix of the natural stream's files")
    parser.add_argument("--kinds", nargs="*", type=named_prefix, default=[], help="NAME=PREFIX of each kind's stream")
    parser.add_argument("--shares", nargs="+", type=float, required=True, help="synthetic shares; 0 is always there")
    parser.add_argument("--tokens", type=int, required=True, help="most tokens of a training set")
    parser.add_argument("--domains", nargs="+", type=named_prefix, required=True, help="NAME=PREFIX of validation sets")
    parser.add_argument("--output", required=True, help="table (CSV)")
    run_command(main, parser)
