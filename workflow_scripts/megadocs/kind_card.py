"""Statistics card of the kinds of synthetic text beside the natural text: lengths, copies, vocabulary, repetition.

What changes with the number of tokens is measured on the first tokens of each stream, equally many of each: as many as
the shortest has, but no more than --tokens.
"""

import argparse
from itertools import pairwise

import numpy as np

from workflow_scripts.common.arguments import named_prefix
from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import write_json, write_text
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.megadocs.duplicates import NEAR_COPY, duplicates
from workflow_scripts.megadocs.token_measures import (
    content,
    distinct_share,
    entropy_nats,
    first_lengths,
    repeated_share,
    row_lengths,
)
from workflow_scripts.megadocs.tokens import TokenStream

QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95]
NATURAL = "natural"
DIGITS = 4
MEANINGS = {
    "texts, tokens": "of the whole stream; of the natural one, as far as it is used. BOS and EOS are not counted",
    "length": "tokens of a text, quantiles",
    "exact, near duplicates": "share of the compared texts that equal an earlier one of their stream; of those that "
    f"do not, the ones that share at least {NEAR_COPY:.0%} of their 5-word sequences with one (Jaccard, by MinHash)",
    "types, entropy": "different tokens, and the entropy of their shares in nats, which few tokens make too small",
    "distinct-n": "different sequences of n tokens as a share of all; inside texts",
    "repeated 4-token sequences": "share of them that stood before in the same text",
}


def whole_measures(lengths: np.ndarray) -> dict:
    """Counts and lengths of a stream's texts. lengths: [texts] content tokens."""
    quantiles = [round(float(q), 1) for q in np.quantile(lengths, QUANTILES)]
    return {"texts": len(lengths), "tokens": int(lengths.sum()), "length_quantiles": quantiles}


def equal_measures(stream: TokenStream, tokenizer: StudentTokenizer, tokens: int, processes: int) -> dict:
    """Measures of the first `tokens` content tokens of a stream, and of the texts that begin in them."""
    found = content(stream, tokens)
    ends = np.cumsum([0, *(first_lengths(stream, tokens)[: found.rows[-1] + 1] + 2)])
    copies = duplicates((tokenizer.decode(stream.tokens[slice(*place)]) for place in pairwise(ends)), processes)
    counts = np.bincount(found.ids)
    return {
        "compared_texts": copies["texts"],
        "exact_duplicates": round(copies["exact"] / copies["texts"], DIGITS),
        "near_duplicates": round(copies["near"] / copies["texts"], DIGITS),
        "types": int((counts > 0).sum()),
        "entropy_nats": round(entropy_nats(counts), DIGITS),
        **{f"distinct_{size}": round(distinct_share(found, size), DIGITS) for size in (1, 2, 3)},
        "repeated_4": round(repeated_share(found), DIGITS),
    }


def card_text(report: dict) -> str:
    """The card as Markdown."""
    streams = report["streams"]
    compared = f"From `compared texts` on, of the first {report['tokens']:,} tokens of each."
    lines = ["# Natural and synthetic text", "", compared, ""]
    lines += [_row(["", *streams]), _row(["---"] * (len(streams) + 1))]
    keys = next(iter(streams.values()))
    lines += [_row([key.replace("_", " "), *(_shown(found[key]) for found in streams.values())]) for key in keys]
    lines += ["", f"Length quantiles: {', '.join(f'{q:.0%}' for q in QUANTILES)}.", ""]
    return "\n".join([*lines, *(f"- {name}: {meaning}" for name, meaning in MEANINGS.items()), ""])


def _shown(value: float | list[float]) -> str:
    if isinstance(value, list):
        return ", ".join(f"{each:,.0f}" for each in value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.{DIGITS}f}"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main(arguments: argparse.Namespace) -> None:
    """Write the card and its numbers."""
    tokenizer = StudentTokenizer(arguments.tokenizer)
    streams = {NATURAL: TokenStream(arguments.natural), **{n: TokenStream(p) for n, p in arguments.kinds}}
    limits = {NATURAL: arguments.natural_tokens}
    lengths = {name: row_lengths(stream, limits.get(name)) for name, stream in streams.items()}
    tokens = min(arguments.tokens, *(int(own.sum()) for own in lengths.values()))
    found = {
        name: whole_measures(lengths[name]) | equal_measures(stream, tokenizer, tokens, arguments.processes)
        for name, stream in streams.items()
    }
    report = {"tokens": tokens, "near_copy": NEAR_COPY, "streams": found}
    write_json(arguments.json, report)
    write_text(arguments.output, card_text(report))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--natural", required=True, help="prefix of the natural stream's files")
    parser.add_argument("--natural-tokens", type=int, required=True, help="how many tokens of it are used")
    parser.add_argument("--kinds", nargs="*", type=named_prefix, default=[], help="NAME=PREFIX of each kind's stream")
    parser.add_argument("--tokens", type=int, default=10**7, help="most tokens to compare (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=1, help="that compare texts (default: %(default)s)")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json")
    parser.add_argument("--output", required=True, help="card (Markdown)")
    parser.add_argument("--json", required=True, help="its numbers (JSON)")
    run_command(main, parser)
