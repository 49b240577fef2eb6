"""Keywords: short lists of words of the natural documents, each the seed of one wholly generated text.

arXiv 2510.01631 seeds textbook texts with keywords sampled at random from its natural text. [assumed] Three per text,
each from a document of its own: documents are drawn uniformly, then one of the document's different words. A word that
can be a keyword has four letters or more and nothing but letters, stands in two documents or more (others are often
misspelt), and is not among the words that stand in the most documents: the first 5% of all, but no more than 1,000.
Words are compared and written without case, and taken from a million documents at most.

A text's keywords depend on its number and on the documents, not on how many texts are asked for.
"""

import argparse
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
import pyarrow.parquet as pq

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.seeds import named_seed
from workflow_scripts.corpus.documents import write_documents
from workflow_scripts.corpus.passages import first_documents
from workflow_scripts.corpus.sample import with_tokens
from workflow_scripts.corpus.tokenizer import StudentTokenizer

WORD = re.compile(r"\b[^\W\d_]{4,}\b")
LEAST_DOCUMENTS = 2
FREQUENT_SHARE, FREQUENT_WORDS = 0.05, 1000
MOST_DOCUMENTS = 10**6  # about 1 GB of memory


@dataclass(frozen=True)
class Vocabulary:
    """Words that can be keywords, and which documents have them."""

    words: list[str]
    documents: list[np.ndarray]  # int32: places in `words` of each document's different ones; none is empty

    @cached_property
    def size(self) -> int:
        """How many different words there are."""
        return len(np.unique(np.concatenate(self.documents))) if self.documents else 0


def vocabulary(texts: Iterable[str]) -> Vocabulary:
    """Words of some documents that can be keywords."""
    places: dict[str, int] = {}
    found = [_places(text, places) for text in texts]
    counts = np.bincount(np.concatenate(found), minlength=len(places)) if places else np.zeros(0, int)
    frequent = min(FREQUENT_WORDS, int(FREQUENT_SHARE * len(counts)))
    usable = counts >= LEAST_DOCUMENTS
    usable[np.argsort(-counts, kind="stable")[:frequent]] = False
    kept = [own[usable[own]] for own in found]
    return Vocabulary(list(places), [own for own in kept if len(own)])


def _places(text: str, places: dict[str, int]) -> np.ndarray:
    """Places of a text's different words, in order of appearance; new words get the next places."""
    words = dict.fromkeys(WORD.findall(text.lower()))
    return np.array([places.setdefault(word, len(places)) for word in words], np.int32)


def keywords(known: Vocabulary, name: str, number: int, count: int) -> list[str]:
    """`count` different keywords of text `number` of the kind `name`."""
    chance, chosen = random.Random(named_seed("keywords", name, number)), {}
    while len(chosen) < count:
        chosen[known.words[chance.choice(chance.choice(known.documents))]] = None
    return list(chosen)


def keyword_rows(known: Vocabulary, name: str, texts: int, count: int) -> Iterator[dict]:
    """Rows of documents, without tokens, that hold the keywords of each text. Raises UserError for too few words."""
    if known.size < count:
        raise UserError(f"--keywords {count}: the documents have {known.size} words to choose from; raise --tokens")
    for number in range(texts):
        text = ", ".join(keywords(known, name, number, count))
        yield {"doc_id": f"{name}-{number:08d}", "text": text, "source": name, "characters": len(text)}


def main(arguments: argparse.Namespace) -> None:
    """Write the keywords of every text."""
    documents = islice(first_documents(arguments.documents, arguments.tokens), MOST_DOCUMENTS)
    known = vocabulary(row["text"] for row in documents)
    texts = arguments.texts_per_passage * pq.ParquetFile(arguments.passages).metadata.num_rows
    rows = keyword_rows(known, arguments.name, texts, arguments.keywords)
    write_documents(arguments.output, with_tokens(rows, StudentTokenizer(arguments.tokenizer)))
    print(f"{texts:,} texts with {arguments.keywords} of {known.size:,} words")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", required=True, help="documents in nested order with token counts (Parquet)")
    parser.add_argument("--tokens", type=int, required=True, help="tokens of the documents that words are taken from")
    parser.add_argument("--passages", required=True, help="passages, whose number decides how many texts there are")
    parser.add_argument("--texts-per-passage", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--keywords", type=int, default=3, help="per text (default: %(default)s)")
    parser.add_argument("--name", required=True, help="name of the kind, which ids begin with")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json")
    parser.add_argument("--output", required=True, help="keywords (Parquet, as documents)")
    run_command(main, parser)
