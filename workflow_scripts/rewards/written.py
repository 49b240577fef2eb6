"""What a generator wrote of a source, taken apart: one parser for rewards and for streams (arXiv 2605.17849).

[assumed] Headings and entries are those that our prompts ask for; the authors' are worded otherwise. An answer that
does not follow them has no text: streams leave it out, and it is counted.
"""

import re
from dataclasses import dataclass
from typing import Literal

from workflow_scripts.common.errors import UserError

REPHRASED, REFORMATTED = "Here is a paraphrased version:", "Here are the structured entries based on the provided text:"
MOST_ENTRIES = 8
ENTRY = re.compile(
    r"^[\s>]*(?:[-*•]|\d+[.)])?\s*\**topic\**\s*:\s*(.+?)[\s.;,|*-]*\**content\**\s*:\s*(.+)$", re.I | re.S
)
START = re.compile(r"^[\s>]*(?:[-*•]|\d+[.)])?\s*\**topic\**\s*:", re.I | re.M)
Status = Literal["ok", "truncated", "wrong_format", "empty"]


@dataclass(frozen=True)
class Entry:
    """One line of a reformatted text."""

    topic: str
    content: str


@dataclass(frozen=True)
class Written:
    """An answer to a prompt, and what of it is training text; `text` is empty where the format is not kept."""

    source: str  # exactly what the generator was shown
    answer: str
    status: Status
    headings: int  # how often the heading occurs, which should be once
    text: str = ""
    entries: tuple[Entry, ...] = ()


def parse(operation: str, source: str, answer: str, finished: bool) -> Written:
    """Take an answer apart; `finished`: it ended by itself. Raises UserError for an operation without a parser.

    A truncated answer keeps its text, without the sentence or the entry that was cut.
    """
    if operation not in PARSERS:
        raise UserError(f"no parser for the operation {operation}; there are {', '.join(PARSERS)}")
    heading, entries_of = PARSERS[operation]
    count = len(_places(answer, heading))
    if not answer.strip():
        return Written(source, answer, "empty", 0)
    places = _places(answer, heading)
    if not places:
        return Written(source, answer, "wrong_format", 0)
    body = answer[places[0] :].strip()
    body = body if finished else _without_cut_end(body, entries_of)
    entries = tuple(_entries(body))[:MOST_ENTRIES] if entries_of else ()
    if entries_of:
        body = "\n".join(f"- Topic: {entry.topic} Content: {entry.content}" for entry in entries)
    if not body:
        return Written(source, answer, "wrong_format" if finished else "truncated", count)
    return Written(source, answer, "ok" if finished else "truncated", count, body, entries)


def _places(answer: str, heading: str) -> list[int]:
    """Ends of the heading's occurrences, whatever its case and spaces."""
    pattern = r"\s+".join(map(re.escape, heading.rstrip(":").split())) + r"\s*:?"
    return [found.end() for found in re.finditer(pattern, answer, re.IGNORECASE)]


def _entries(body: str) -> list[Entry]:
    """Entries in order; a line that is none ends no entry."""
    starts = [found.start() for found in START.finditer(body)]
    ends = [*starts[1:], len(body)][: len(starts)]
    pieces = [body[a:b].strip() for a, b in zip(starts, ends, strict=True)]
    found = (ENTRY.match(piece) for piece in pieces)
    return [Entry(_plain(one[1]), _plain(one[2])) for one in found if one and _plain(one[1]) and _plain(one[2])]


def _plain(text: str) -> str:
    """On one line, without brackets around it."""
    text = " ".join(text.split())
    return text[1:-1].strip() if text.startswith("[") and text.endswith("]") else text


def _without_cut_end(body: str, entries_of: bool) -> str:
    """Without the last entry, or the last sentence, which has no end."""
    if entries_of:
        starts = [found.start() for found in START.finditer(body)]
        return body[: starts[-1]].strip() if len(starts) > 1 else ""
    ends = [found.end() for found in re.finditer(r"[.!?][\"')\]]*(?=\s|$)", body)]
    return body[: ends[-1]] if ends else ""


PARSERS = {"rephrase": (REPHRASED, False), "reformat": (REFORMATTED, True)}
