"""How many texts of a stream repeat an earlier one of it, exactly or nearly."""

from collections.abc import Iterable, Iterator

from datasketch import MinHashLSH

from workflow_scripts.corpus.split import PERMUTATIONS, with_signatures

NEAR_COPY = 0.7  # [assumed] as where the corpus is split: Jaccard of the sets of 5-word sequences


def duplicates(texts: Iterable[str], processes: int = 1) -> dict[str, int]:
    """texts; exact: those equal to an earlier one; near: further ones nearly so, by MinHash."""
    counts = {"texts": 0, "exact": 0, "near": 0}
    index, kept = MinHashLSH(threshold=NEAR_COPY, num_perm=PERMUTATIONS), {}
    for row, minhash in with_signatures(_first_of_equals(texts, counts), processes):
        counts["near"] += any(minhash.jaccard(kept[key]) >= NEAR_COPY for key in index.query(minhash))
        kept[row["number"]] = minhash
        index.insert(row["number"], minhash)
    return counts


def _first_of_equals(texts: Iterable[str], counts: dict[str, int]) -> Iterator[dict]:
    seen = set()
    for number, text in enumerate(texts):
        counts["texts"] += 1
        if text in seen:
            counts["exact"] += 1
            continue
        seen.add(text)
        yield {"number": number, "text": text}
