"""The table of synthetic sets: answers by status, tokens, and measures of collapse beside the organic text's own.

python -m workflow_scripts.evaluation.set_table --organic slices.parquet --about sets.json --embedding FOLDER \\
    --sets rephrase=rephrase-0.0.parquet,rephrase-0.1.parquet \\
    --streams organic=streams/organic rephrase=streams/rephrase --output sets.csv

A set without shards, as one that is stitched from another's texts, has what can be said of its tokens alone.
--about is {set: {title, operation, rewards, student, standardise}}.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator

import pandas as pd

from workflow_scripts.common.arguments import named_prefix
from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_path, read_json
from workflow_scripts.config.synpro import ORGANIC
from workflow_scripts.evaluation.set_measures import is_sampled, measure_texts, measure_tokens
from workflow_scripts.evaluation.set_texts import (
    Answer,
    chosen,
    is_reference,
    organic_answers,
    read_answers,
    read_slices,
)
from workflow_scripts.evaluation.synpro_columns import COLLAPSE, COLUMNS
from workflow_scripts.megadocs.tokens import TokenStream
from workflow_scripts.rewards.embedding import SentenceEmbedding

COUNTS = ["texts", "ok", "truncated", "wrong_format", "empty", "generated_tokens"]
ABOUT = ["title", "operation", "rewards", "student", "standardise"]


def read_set(answers: Iterable[Answer], most: int) -> tuple[dict[str, int], list[Answer]]:
    """Counts of all answers of a set, and up to `most` texts to measure."""
    counts = Counter(dict.fromkeys(COUNTS, 0))

    def counted() -> Iterator[Answer]:
        for answer in answers:
            counts.update({"texts": 1, answer.written.status: 1, "generated_tokens": answer.tokens})
            yield answer

    kept = chosen((answer for answer in counted() if is_sampled(answer.doc_id)), most)
    return dict(counts), kept


def about_row(name: str, about: dict) -> dict:
    """What the config says of a set, as columns. Raises UserError where --about has no such set."""
    if name not in about:
        raise UserError(f"--about: there is no set {name}, only {', '.join(about)}")
    own = about[name]
    rewards = json.dumps(own.get("rewards") or {}, sort_keys=True)
    return {"set": name, **{key: own.get(key) for key in ABOUT}, "rewards": rewards}


def set_rows(arguments: argparse.Namespace, embed) -> list[dict]:
    """A row per set, the organic text first; `embed`: list of texts to an array [texts, dimensions]."""
    about = {ORGANIC: {"title": "Organic text"}} | read_json(arguments.about)
    streams, slices = {name: TokenStream(prefix) for name, prefix in arguments.streams}, read_slices(arguments.organic)
    if ORGANIC not in streams:
        raise UserError(f"--streams: it has to name the organic one, as {ORGANIC}=PREFIX")
    shards = {name: paths.split(",") for name, paths in arguments.sets}
    rows = {name: about_row(name, about) for name in [ORGANIC, *shards, *streams]}
    found = {ORGANIC: read_set(organic_answers(slices), arguments.texts)}
    for name, paths in shards.items():
        operation = rows[name]["operation"]
        found[name] = read_set(read_answers(paths, operation, slices), arguments.texts)
    reference = chosen((one for one in organic_answers(slices) if is_reference(one.doc_id)), arguments.texts)
    samples, organic = {name: kept for name, (_, kept) in found.items()}, [one.written.text for one in reference]
    of_texts = measure_texts(samples, organic, embed, arguments.fewest_texts, arguments.texts)
    of_tokens = measure_tokens(streams, arguments.fewest_tokens, arguments.tokens)
    for name, row in rows.items():
        row.update(found[name][0] if name in found else {}, **of_texts.get(name, {}), **of_tokens.get(name, {}))
        row["tokens"] = streams[name].metadata["tokens"] if name in streams else None
    for name in found.keys() - of_texts.keys():
        print(f"{name}: has fewer texts than are compared, so it has no measures of them")
    return list(rows.values())


def main(arguments: argparse.Namespace) -> None:
    """Measure all sets and write the table."""
    rows = set_rows(arguments, SentenceEmbedding(arguments.embedding).vectors)
    table = pd.DataFrame(rows, columns=list(COLUMNS["sets"])).round(dict.fromkeys(COLLAPSE, 6))
    with atomic_path(arguments.output) as temporary:
        table.convert_dtypes().to_csv(temporary, index=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organic", required=True, help="slices of the organic documents (Parquet)")
    parser.add_argument("--about", required=True, help="what the config says of every set (JSON)")
    shards = "NAME=SHARD[,SHARD...] of a set with answers of its own (Parquet)"
    parser.add_argument("--sets", nargs="*", type=named_prefix, default=[], help=shards)
    streams = "NAME=PREFIX of a stream's files; organic is one of them"
    parser.add_argument("--streams", nargs="+", type=named_prefix, required=True, help=streams)
    parser.add_argument("--embedding", required=True, help="folder of the sentence-embedding model")
    parser.add_argument("--texts", type=int, default=400, help="most texts of a set to compare (default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=10**7, help="most tokens to compare (default: %(default)s)")
    fewest = "sets with fewer texts have no measures of them; others are compared (default: %(default)s)"
    parser.add_argument("--fewest-texts", type=int, default=30, help=fewest)
    parser.add_argument("--fewest-tokens", type=int, default=5000, help="the same for tokens (default: %(default)s)")
    parser.add_argument("--output", required=True, help="table (CSV)")
    run_command(main, parser)
