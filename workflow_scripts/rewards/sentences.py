"""Texts as sentences and words, for all rewards alike."""

import re

from workflow_scripts.rewards.written import Written

TITLES = r"(?<!\bMr\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bMs\.)(?<!\bMrs\.)(?<!\bGov\.)(?<!\bSen\.)(?<!\bRep\.)(?<!\b[A-Z]\.)"
END = re.compile(rf"(?:(?<=[.!?])|(?<=[.!?][\"')\]”’])){TITLES}\s+(?=[\"'(\[“‘]*[A-Z0-9])|\s*\n\s*")
CLAUSE = re.compile(
    r"[,;:]\s+(?:(?:and|but|which|who|that)\s+)?|\s+(?:and|but|because|while|which|who|that|after|before)\s+"
    r"|\s+[-–—(]+|\)\s*"
)
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
LONGEST_WORDS = 60  # a sentence of more is dealt with in pieces, so that the embedding model cuts none


def sentences(text: str) -> list[str]:
    """Sentences in order; a line's end ends one, and one of more than 60 words comes in pieces."""
    return [piece for part in END.split(text) if part.strip() for piece in _pieces(part.strip())]


def clauses(sentence: str) -> list[str]:
    """Parts of at least four words between commas, brackets and words like `and`, `that`; none of a short sentence."""
    found = [part.strip() for part in CLAUSE.split(sentence) if len(part.split()) >= 4]
    return found if len(found) > 1 else []


def first_half(text: str) -> str:
    """The first half of a text's sentences, rounded up."""
    parts = sentences(text)
    return " ".join(parts[: (len(parts) + 1) // 2])


def prose(written: Written) -> str:
    """What is judged of an answer: its text; of entries what they say, without the tags that were asked for."""
    return "\n".join(entry.content for entry in written.entries) or written.text


def words(text: str) -> list[str]:
    """Words as they are written, without numbers."""
    return WORD.findall(text)


def _pieces(sentence: str) -> list[str]:
    parts = sentence.split()
    return [" ".join(parts[first : first + LONGEST_WORDS]) for first in range(0, len(parts), LONGEST_WORDS)]
