"""Split documents into train pool, tuning and validation by stable hash, without near copies across the split."""

import argparse
import re
from collections.abc import Iterable, Iterator

from datasketch import MinHash, MinHashLSH

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import write_json
from workflow_scripts.common.progress import progress
from workflow_scripts.common.seeds import named_fraction
from workflow_scripts.corpus.documents import read_documents, write_documents

SHINGLE_WORDS = 5
PERMUTATIONS = 128


def split_of(doc_id: str, validation_fraction: float, tuning_fraction: float) -> str:
    """'validation', 'tuning' or 'train'; a pure function of the document's id."""
    place = named_fraction("split", doc_id)
    if place < validation_fraction:
        return "validation"
    return "tuning" if place < validation_fraction + tuning_fraction else "train"


def signature(text: str) -> MinHash:
    """MinHash of the set of 5-word shingles, case and punctuation ignored."""
    words = re.findall(r"\w+", text.lower())
    shingles = {" ".join(words[i : i + SHINGLE_WORDS]) for i in range(max(1, len(words) - SHINGLE_WORDS + 1))}
    minhash = MinHash(num_perm=PERMUTATIONS, seed=1)
    minhash.update_batch([s.encode("utf-8") for s in sorted(shingles)])
    return minhash


def held_out_index(documents: Iterable[dict], jaccard: float) -> tuple[MinHashLSH, set[str]]:
    """Index of near copies and the set of ids of the held-out documents."""
    index, ids = MinHashLSH(threshold=jaccard, num_perm=PERMUTATIONS), set()
    for row in documents:
        index.insert(row["doc_id"], signature(row["text"]), check_duplication=False)
        ids.add(row["doc_id"].split("-")[-1])
    return index, ids


def without_copies(documents: Iterable[dict], index: MinHashLSH, ids: set[str], counts: dict) -> Iterator[dict]:
    """Documents that have no exact or near copy in the held-out sets; the dropped ones are counted."""
    for row in documents:
        if row["doc_id"].split("-")[-1] in ids:
            counts["dropped_exact_copies"] += 1
        elif index.query(signature(row["text"])):
            counts["dropped_near_copies"] += 1
        else:
            counts["train"] += 1
            yield row


def main(arguments: argparse.Namespace) -> None:
    """Write the three parts and the counts."""
    fraction = 0.0 if arguments.validation else arguments.validation_fraction
    parts: dict[str, list[dict]] = {"train": [], "tuning": [], "validation": []}
    for row in read_documents(arguments.documents):
        parts[split_of(row["doc_id"], fraction, arguments.tuning_fraction)].append(row)
    if arguments.validation:
        parts["validation"] = list(read_documents(arguments.validation))
    for name, rows in parts.items():
        if not rows and (name != "tuning" or arguments.tuning_fraction):
            raise UserError(f"{arguments.documents}: no document fell into '{name}'; the corpus is too small")
    held_out = parts["validation"] + parts["tuning"]
    index, ids = held_out_index(progress_over(held_out, "indexing held-out documents"), arguments.jaccard)
    counts = dict.fromkeys(["train", "dropped_exact_copies", "dropped_near_copies"], 0)
    pool = progress_over(parts["train"], "searching copies")
    write_documents(arguments.train, without_copies(pool, index, ids, counts))
    write_documents(arguments.tuning, parts["tuning"])
    write_documents(arguments.held_out, parts["validation"])
    if arguments.more:
        ids |= {row["doc_id"].split("-")[-1] for row in parts["train"]}
        more = dict.fromkeys(counts, 0)
        write_documents(arguments.more_kept, without_copies(read_documents(arguments.more), index, ids, more))
        counts["more"] = more
    counts |= {"tuning": len(parts["tuning"]), "validation": len(parts["validation"]), "jaccard": arguments.jaccard}
    write_json(arguments.counts, counts)


def progress_over(rows: list[dict], description: str) -> Iterator[dict]:
    """Rows, with a progress bar."""
    with progress(len(rows), description, "documents") as bar:
        for row in rows:
            yield row
            bar.update()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", required=True, help="documents to split (Parquet)")
    parser.add_argument("--validation", help="own validation documents (Parquet); none: held out by hash")
    parser.add_argument("--more", help="further train documents (Parquet), searched for copies like the others")
    parser.add_argument("--more-kept", help="those of them that are no copies (Parquet)")
    parser.add_argument("--validation-fraction", type=float, required=True)
    parser.add_argument("--tuning-fraction", type=float, required=True)
    parser.add_argument("--jaccard", type=float, required=True, help="similarity from which a document is a near copy")
    parser.add_argument("--train", required=True, help="train pool (Parquet)")
    parser.add_argument("--tuning", required=True, help="documents that hyper-parameters are chosen on (Parquet)")
    parser.add_argument("--held-out", required=True, help="i.i.d. validation documents (Parquet)")
    parser.add_argument("--counts", required=True, help="counts per part and of dropped copies (JSON)")
    run_command(main, parser)
