"""Split documents into train pool, tuning and validation by stable hash, without near copies across the split."""

import argparse
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from datasketch import MinHash, MinHashLSH

from workflow_scripts.common.batches import batched
from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import write_json
from workflow_scripts.common.progress import progress
from workflow_scripts.common.seeds import named_fraction
from workflow_scripts.corpus.documents import document_ids, read_documents, write_documents

SHINGLE_WORDS = 5
PERMUTATIONS = 128
EMPTY = MinHash(num_perm=PERMUTATIONS, seed=1)
GROUP_DOCUMENTS = 512


def split_of(doc_id: str, validation_fraction: float, tuning_fraction: float) -> str:
    """'validation', 'tuning' or 'train'; a pure function of the document's id."""
    place = named_fraction("split", doc_id)
    if place < validation_fraction:
        return "validation"
    return "tuning" if place < validation_fraction + tuning_fraction else "train"


def signature(text: str) -> np.ndarray:
    """MinHash values of the set of 5-word shingles, case and punctuation ignored."""
    words = re.findall(r"\w+", text.lower())
    shingles = {" ".join(words[i : i + SHINGLE_WORDS]) for i in range(max(1, len(words) - SHINGLE_WORDS + 1))}
    minhash = EMPTY.copy()
    minhash.update_batch([s.encode("utf-8") for s in sorted(shingles)])
    return minhash.hashvalues


def with_signatures(rows: Iterable[dict], processes: int) -> Iterator[tuple[dict, MinHash]]:
    """Documents with their MinHash; processes work on the next documents meanwhile."""
    with ProcessPoolExecutor(processes) as pool:
        waiting: deque = deque()
        for group in batched(rows, GROUP_DOCUMENTS):
            waiting.append(zip(group, pool.map(signature, [row["text"] for row in group], chunksize=16), strict=True))
            if len(waiting) > 1:
                yield from map(_as_minhash, waiting.popleft())
        for pairs in waiting:
            yield from map(_as_minhash, pairs)


def _as_minhash(pair: tuple[dict, np.ndarray]) -> tuple[dict, MinHash]:
    row, values = pair
    return row, MinHash(hashvalues=values, permutations=EMPTY.permutations, scheme=EMPTY.scheme)


def held_out_index(documents: Iterable[dict], jaccard: float, processes: int) -> tuple[MinHashLSH, set[str]]:
    """Index of near copies and the set of hashes of the held-out documents."""
    index, hashes = MinHashLSH(threshold=jaccard, num_perm=PERMUTATIONS), set()
    for row, minhash in with_signatures(documents, processes):
        index.insert(row["doc_id"], minhash, check_duplication=False)
        hashes.add(text_hash(row["doc_id"]))
    return index, hashes


def text_hash(doc_id: str) -> str:
    """The part of a document's id that depends on its text alone, not on its source."""
    return doc_id.split("-")[-1]


def without_copies(
    documents: Iterable[dict], index: MinHashLSH, hashes: set[str], counts: dict, processes: int
) -> Iterator[dict]:
    """Documents that have no exact or near copy in the held-out sets; the dropped ones are counted."""

    def not_exact() -> Iterator[dict]:
        for row in documents:
            if text_hash(row["doc_id"]) in hashes:
                counts["dropped_exact_copies"] += 1
            else:
                yield row

    for row, minhash in with_signatures(not_exact(), processes):
        if index.query(minhash):
            counts["dropped_near_copies"] += 1
        else:
            counts["train"] += 1
            yield row


def write_held_out(arguments: argparse.Namespace, part: Callable[[str], str]) -> Counter:
    """Write tuning and validation documents; how many documents each part has, the train pool included.

    Raises UserError when a part is empty.
    """
    sizes = Counter(part(doc_id) for doc_id in document_ids(arguments.documents))
    sizes["tuning"] = write_documents(arguments.tuning, of_part(arguments.documents, part, "tuning"))
    own = read_documents(arguments.validation) if arguments.validation else None
    validation = own or of_part(arguments.documents, part, "validation")
    sizes["validation"] = write_documents(arguments.held_out, validation)
    for name in ("train", "tuning", "validation"):
        if not sizes[name] and (name != "tuning" or arguments.tuning_fraction):
            raise UserError(f"{arguments.documents}: no document fell into '{name}'; the corpus is too small")
    return sizes


def of_part(path: str | Path, part: Callable[[str], str], name: str) -> Iterator[dict]:
    """Documents of a file that fall into a part."""
    return (row for row in read_documents(path) if part(row["doc_id"]) == name)


def progress_over(rows: Iterable[dict], total: int, description: str) -> Iterator[dict]:
    """Rows, with a progress bar."""
    with progress(total, description, "documents") as bar:
        for row in rows:
            yield row
            bar.update()


def main(arguments: argparse.Namespace) -> None:
    """Write the three parts and the counts. Files are read as often as needed: memory holds no corpus."""
    fraction = 0.0 if arguments.validation else arguments.validation_fraction
    part = partial(split_of, validation_fraction=fraction, tuning_fraction=arguments.tuning_fraction)
    sizes = write_held_out(arguments, part)
    held_out = chain(read_documents(arguments.held_out), read_documents(arguments.tuning))
    held_out = progress_over(held_out, sizes["validation"] + sizes["tuning"], "indexing held-out documents")
    index, hashes = held_out_index(held_out, arguments.jaccard, arguments.processes)
    counts = dict.fromkeys(["train", "dropped_exact_copies", "dropped_near_copies"], 0)
    pool = progress_over(of_part(arguments.documents, part, "train"), sizes["train"], "searching copies")
    write_documents(arguments.train, without_copies(pool, index, hashes, counts, arguments.processes))
    if arguments.more:
        hashes |= {text_hash(doc_id) for doc_id in document_ids(arguments.documents) if part(doc_id) == "train"}
        more = dict.fromkeys(counts, 0)
        further = without_copies(read_documents(arguments.more), index, hashes, more, arguments.processes)
        write_documents(arguments.more_kept, further)
        counts["more"] = more
    counts |= {"tuning": sizes["tuning"], "validation": sizes["validation"], "jaccard": arguments.jaccard}
    write_json(arguments.counts, counts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", required=True, help="documents to split (Parquet)")
    parser.add_argument("--validation", help="own validation documents (Parquet); none: held out by hash")
    parser.add_argument("--more", help="further train documents (Parquet), searched for copies like the others")
    parser.add_argument("--more-kept", help="those of them that are no copies (Parquet)")
    parser.add_argument("--validation-fraction", type=float, required=True)
    parser.add_argument("--tuning-fraction", type=float, required=True)
    parser.add_argument("--jaccard", type=float, required=True, help="similarity from which a document is a near copy")
    parser.add_argument("--processes", type=int, default=1, help="that compare documents (default: %(default)s)")
    parser.add_argument("--train", required=True, help="train pool (Parquet)")
    parser.add_argument("--tuning", required=True, help="documents that hyper-parameters are chosen on (Parquet)")
    parser.add_argument("--held-out", required=True, help="i.i.d. validation documents (Parquet)")
    parser.add_argument("--counts", required=True, help="counts per part and of dropped copies (JSON)")
    run_command(main, parser)
