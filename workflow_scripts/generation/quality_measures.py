"""What can be counted of one generated text beside its source document, without a judge.

Words are compared without case. A near copy shares at least 70% of all its 5-word sequences with another text (Jaccard,
as in the split of the corpus), or has at least 90% of its 8-word sequences in it (`flags.copied_share`).
"""

import re
from collections.abc import Sequence

from workflow_scripts.generation.flags import COPY_SHARE, REFUSAL, copied_share

SHINGLE_WORDS, NEAR_COPY = 5, 0.7  # [assumed] the corpus's own definition
MOSTLY = 0.5
PREAMBLE = re.compile(
    r"^\W*((sure|certainly|of course|okay|absolutely)\b[!,.:]"
    r"|(here['’]?s|here (is|are)|below (is|are)|this is|the following is)\b[^.\n]{0,80}?"
    r"\b(rewrit|rewrote|rephras|reworded|paraphras|version|summary)"
    r"|(rewritten|rephrased|paraphrased)( \w+){0,2}:)",
    re.IGNORECASE,
)
TASK = re.compile(r"\b(prefix|suffix|latent thoughts?|implicit reasoning|rewritten|rephrased)\b", re.IGNORECASE)
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
LIST_NUMBER = re.compile(r"^\W*\d+[.)](?=\s)", re.MULTILINE)
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
SENTENCE_START = re.compile(r"(?:^|[.!?:;\n•*#|]|[\"“”‘(\[])[\s\"“”‘’'(\[*#-]*$")


def words(text: str) -> list[str]:
    """Words and numbers without case, as the flags see them."""
    return re.findall(r"\w+", text.lower())


def shingles(text: str, size: int = SHINGLE_WORDS) -> set[tuple[str, ...]]:
    """All sequences of `size` words."""
    found = words(text)
    return {tuple(found[i : i + size]) for i in range(len(found) - size + 1)}


def jaccard(left: set, right: set) -> float:
    """Shared part of two sets; 0 where both are empty."""
    return len(left & right) / len(left | right) if left or right else 0.0


def numbers(text: str) -> set[str]:
    """Numbers as digits, without thousands separators: 1,250.5 is 1250.5. Those that count list items are left out."""
    return {re.sub(r",(?=\d{3})", "", number) for number in NUMBER.findall(LIST_NUMBER.sub("", text))}


def plain(word: str) -> str:
    """A word without case and without a possessive ending."""
    return re.sub(r"['’]s?$", "", word.lower())


def names(text: str) -> set[str]:
    """Capitalised words of two letters or more, but for I'm and its like, that begin no sentence, quotation or item."""
    found = (
        match for match in WORD.finditer(text) if re.match(r"[^\W\d_]{2}|[^I]['’]", match[0]) and match[0][0].isupper()
    )
    return {plain(match[0]) for match in found if not _starts_sentence(text, match.start())}


def _starts_sentence(text: str, position: int) -> bool:
    return bool(SENTENCE_START.search(text[max(0, position - 8) : position]))


def missing_facts(text: str, other: str) -> dict[str, tuple[int, int]]:
    """(absent from the other text, all) of the text's different numbers and names.

    A name is absent when the other text does not have that word at all, in either case.
    """
    own, known = numbers(text), numbers(other)
    called, words_there = names(text), {plain(match[0]) for match in WORD.finditer(other)}
    return {"numbers": (len(own - known), len(own)), "names": (len(called - words_there), len(called))}


def text_measures(row: dict, source: str) -> dict:
    """Measures of one generation: a shard's row beside its document."""
    text = row["text"].strip()
    return {
        "tokens": row["tokens"],
        "length_ratio": len(words(text)) / max(len(words(source)), 1),
        "empty": not text,
        "cut_at_limit": row["finish_reason"] == "length",
        "refusal": bool(REFUSAL.match(text)),
        "preamble": bool(PREAMBLE.match(text)),
        "speaks_of_task": bool(TASK.search(text)) and not TASK.search(source),
        "repeats_itself": own_repeats(text) >= MOSTLY,
        "near_copy_of_source": is_near_copy(text, source),
        "copied_share": copied_share(text, source),
        "invented": missing_facts(text, source),
        "lost": missing_facts(source, text),
    }


def own_repeats(text: str) -> float:
    """Share of a text's 3-word sequences that it has had before; 0 for shorter texts."""
    total = len(words(text)) - 2
    return 1 - len(shingles(text, 3)) / total if total > 0 else 0.0


def is_near_copy(text: str, source: str) -> bool:
    """Whether a text is nearly its source, or nearly all taken from it."""
    return jaccard(shingles(text), shingles(source)) >= NEAR_COPY or copied_share(text, source) >= COPY_SHARE


def sibling_measures(texts: Sequence[str]) -> dict:
    """Of a document's generations by one method: how many nearly repeat an earlier one, and how varied they are.

    distinct_3: different 3-word sequences as a share of all that each text has; near 1/n for n equal texts.
    """
    sets, threes = [shingles(text) for text in texts], [shingles(text, 3) for text in texts]
    repeated = [any(jaccard(own, earlier) >= NEAR_COPY for earlier in sets[:place]) for place, own in enumerate(sets)]
    total = sum(map(len, threes))
    return {"near_copies": sum(repeated), "distinct_3": len(set().union(*threes)) / total if total else 0.0}
