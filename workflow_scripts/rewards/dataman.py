"""DataMan-1.5B-EN, the rater of the paper scale (arXiv 2605.17849, 2502.19363).

It needs a GPU to be of use. Here its request and the reading of its answers are tested, and nothing more: no model of
this name was run when this was written.
"""

import re
from collections.abc import Callable

import numpy as np

MODEL = "RuPeng/DataMan-1.5B-EN"
CRITERIA = (
    "Accuracy", "Coherence", "Language Consistency", "Semantic Density", "Knowledge Novelty", "Topic Focus",
    "Creativity", "Professionalism", "Style Consistency", "Grammatical Diversity", "Structural Standardization",
    "Originality", "Sensitivity", "Overall Score",
)  # fmt: skip
MAX_NEW_TOKENS, MOST_TOKENS, MOST_CHARACTERS = 29, 1894, 20_000  # the authors' settings


class DataMan:
    """Overall score of a text, 1 to 5."""

    def __init__(self, model: str = MODEL) -> None:
        """Load the model from the hub's cache or a folder. Raises UserError where it can't be."""
        from workflow_scripts.rewards.chat import Chat

        self.chat = Chat(model, MAX_NEW_TOKENS)

    def rate(self, texts: list[str]) -> np.ndarray:
        """float64 [texts] points; NaN for a text without content and for an answer that can't be read."""
        return np.array([self._rate(text) if text.strip() else np.nan for text in texts], dtype=np.float64)

    def _rate(self, text: str) -> float:
        return overall(self.chat.ask(request(shortened(text, self.chat.tokenizer.encode, self.chat.tokenizer.decode))))


def request(text: str) -> str:
    """What the model was trained to be asked: a domain and fourteen scores, each to be filled in."""
    lines = [f"[{number}]{name}:_/5" for number, name in enumerate(CRITERIA, start=1)]
    asked = "Please score the text on fourteen evaluation criteria and specify its domain:"
    return "\n".join([asked, f"Text: {text}", "Domain:_", *lines])


def overall(answer: str) -> float:
    """The fourteenth score of an answer of fifteen lines, the domain's being the first; NaN where it is no such one."""
    lines = [line.strip() for line in answer.strip().splitlines()]
    if len(lines) != len(CRITERIA) + 1 or not all(re.fullmatch(r"[1-5]", line) for line in lines[1:]):
        return float("nan")
    return float(lines[-1])


def shortened(text: str, encode: Callable[[str], list[int]], decode: Callable[[list[int]], str]) -> str:
    """A text that fits: its middle is left out beyond 20,000 characters and beyond 1,894 tokens."""
    half = MOST_CHARACTERS // 2
    text = text if len(text) <= MOST_CHARACTERS else text[:half] + text[-half:]
    ids, half = encode(text), MOST_TOKENS // 2
    return text.strip() if len(ids) <= MOST_TOKENS else f"{decode(ids[:half])}...{decode(ids[-half:])}".strip()
