"""Whether a text's numbers and names are in its source: what a sentence embedding is blind to.

A number is supported by the same value, however it is written; a name by the same word, or by a longer name's initials.
"""

import re
import unicodedata
from collections.abc import Iterable

NUMBER = re.compile(r"(?<![\w.])\$?£?€?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)")
NAME = re.compile(r"[^\W\d_][\w&]*(?:['’.-]\w+)*")
SMALL = """
    two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty
"""  # one is a pronoun more often than a number
TENS = "thirty forty fifty sixty seventy eighty ninety"
COUNTED = {word: float(value) for value, word in enumerate(SMALL.split(), start=2)}
COUNTED |= {word: 10.0 * value for value, word in enumerate(TENS.split(), start=3)}
MONTHS = "january february march april may june july august september october november december"
DAYS = "monday tuesday wednesday thursday friday saturday sunday"
CALENDAR = frozenset([*MONTHS.split(), *DAYS.split()])


def numbers(text: str) -> set[float]:
    """Values of the numbers in figures and in words up to twenty and of tens: `1,200`, `$3.50`, `seven`."""
    figures = {float(found.replace(",", "")) for found in NUMBER.findall(text)}
    return figures | {COUNTED[word] for word in re.findall(r"[a-z]+", text.lower()) if word in COUNTED}


def names(text: str, lower_case: frozenset[str]) -> set[str]:
    """Words with a capital that are names, without a possessive, in lower case; days and months are among them.

    The first word of a sentence counts where it is not one of `lower_case`, words that good text has in lower case.
    """
    found = set()
    for match in NAME.finditer(text):
        word = re.sub(r"['’]s$", "", match[0])
        if word[0].isupper() and word.lower() not in lower_case | {"i"}:
            found.add(word.lower().rstrip("."))
        elif word[0].isupper() and word.lower() in CALENDAR and not _starts(text, match.start()):
            found.add(word.lower())
    return found


def unsupported(text: str, source: str, lower_case: frozenset[str]) -> set[str]:
    """Numbers and names of a text that its source lacks."""
    text, source = _plain(text), _plain(source)
    known = {_stem(word) for word in re.findall(r"\w+", source.lower())}
    initials = "".join(word[0] for word in re.findall(r"\w+", source)).lower()
    missing = {f"{value:g}" for value in numbers(text) - numbers(source)}
    for name in names(text, lower_case):
        parts = [_stem(part) for part in re.findall(r"\w+", name)]
        is_short = len(name.replace(".", "")) > 1 and name.replace(".", "") in initials
        if not set(parts) <= known and not is_short:
            missing.add(name)
    return missing


def lower_case_words(texts: Iterable[str]) -> frozenset[str]:
    """Words that occur in lower case, so that a capital at a sentence's start makes no name of them."""
    return frozenset(word for text in texts for word in re.findall(r"(?<!\w)[a-z]+(?!\w)", text))


def _plain(text: str) -> str:
    """Without accents."""
    return "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))


def _stem(word: str) -> str:
    """Without an `s` at the end: American, Americans."""
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


def _starts(text: str, place: int) -> bool:
    before = text[:place].rstrip("\"'([“‘ \n")
    return not before or before[-1] in ".!?:"
