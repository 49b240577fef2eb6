"""Rewards for form alone, by rules: the format that was asked for, the length, and the structure of the source.

They need no model (arXiv 2605.17849).
"""

import json
import re

import numpy as np

from workflow_scripts.rewards.written import Written

LINES = {  # what a line can be; the first that fits counts
    "heading": r"\s*#{1,6}\s+\S",
    "bullet": r"\s*[-*•]\s+\S",
    "number": r"\s*\(?\d{1,3}[.)]\s+\S",
    "table_row": r"\s*\|.*\|\s*$",
    "fence": r"\s*(?:```|~~~)",
}


class Format:
    """1 where the heading occurs exactly once, else 0."""

    def scores(self, written: list[Written]) -> np.ndarray:
        """float64 [n] of 0 and 1. An answer whose format is not kept, or an empty one, has 0."""
        return np.array([float(one.headings == 1 and bool(one.text)) for one in written])


class Length:
    """1 where a text is at most so many times as long as its source, else 0."""

    def __init__(self, longest_share: float) -> None:
        """`longest_share`: of the source's characters."""
        self.longest_share = longest_share

    def scores(self, written: list[Written]) -> np.ndarray:
        """float64 [n] of 0 and 1. [assumed] Without a text it is 0; in the authors' code the empty text has 1."""
        longest = (self.longest_share * len(one.source) for one in written)
        return np.array([float(0 < len(one.text) <= most) for one, most in zip(written, longest, strict=True)])


class Structure:
    """[assumed] How much of a source's formatting a text keeps, by counting; the authors ask a Qwen3-4B judge.

    Like their judge it ignores meaning: paragraphs, lines, headings, bullets, numbers, tables, code and JSON.
    """

    def scores(self, written: list[Written]) -> np.ndarray:
        """float64 [n] in [0, 1]: the mean over the elements that source or text has. 0 without a text."""
        return np.array([likeness(one.source, one.text) for one in written], dtype=np.float64)


def likeness(source: str, text: str) -> float:
    """Mean over elements of the smaller count by the larger one, in [0, 1]; symmetric."""
    if not source.strip() or not text.strip():
        return 0.0
    ours, theirs = elements(source), elements(text)
    used = [name for name in ours if ours[name] or theirs[name]]
    return float(np.mean([min(ours[name], theirs[name]) / max(ours[name], theirs[name]) for name in used]))


def elements(text: str) -> dict[str, int]:
    """How often each element of form occurs; a text has at least one paragraph and one line.

    Lines of code count as code, whatever they look like.
    """
    found = {name: 0 for name in ("paragraph", "line", *LINES, "json")}
    found["paragraph"] = len([part for part in re.split(r"\n\s*\n", text) if part.strip()])
    found["json"] = int(_is_json(text))
    in_code = False
    for line in filter(str.strip, text.splitlines()):
        kind = next((name for name, pattern in LINES.items() if re.match(pattern, line)), "line")
        in_code ^= kind == "fence"
        found["line" if in_code and kind != "fence" else kind] += 1
    return found


def _is_json(text: str) -> bool:
    """A whole text that is a JSON object or list, in a code fence or not."""
    plain = re.sub(r"^\s*(?:```|~~~)\w*\n|\n\s*(?:```|~~~)\s*$", "", text).strip()
    try:
        return isinstance(json.loads(plain), dict | list)
    except ValueError:
        return False
