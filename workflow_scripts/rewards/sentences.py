"""Texts as sentences and words, for all rewards alike."""

import re

from workflow_scripts.rewards.written import Written

TITLES = r"(?<!\bMr\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bMs\.)(?<!\bMrs\.)(?<!\bGov\.)(?<!\bSen\.)(?<!\bRep\.)(?<!\b[A-Z]\.)"
END = re.compile(rf"(?:(?<=[.!?])|(?<=[.!?][\"')\]”’])){TITLES}\s+(?=[\"'(\[“‘]*[A-Z0-9])|\s*\n\s*")
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
LONGEST_WORDS = 60  # a sentence of more is dealt with in pieces, so that the embedding model cuts none


def sentences(text: str) -> list[str]:
    """Sentences in order; a line's end ends one, and one of more than 60 words comes in pieces."""
    return [piece for part in END.split(text) if part.strip() for piece in _pieces(part.strip())]


def prose(written: Written) -> str:
    """What is judged of an answer: its text; of entries what they say, without the tags that were asked for."""
    return "\n".join(entry.content for entry in written.entries) or written.text


def words(text: str) -> list[str]:
    """Words as they are written, without numbers."""
    return WORD.findall(text)


def _pieces(sentence: str) -> list[str]:
    parts = sentence.split()
    return [" ".join(parts[first : first + LONGEST_WORDS]) for first in range(0, len(parts), LONGEST_WORDS)]
