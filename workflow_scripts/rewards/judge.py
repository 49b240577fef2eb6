"""A language model that judges entries, for the paper scale; the authors' own judge is not public (arXiv 2605.17849).

[assumed] An instruction model off the shelf and a prompt of our own. It needs a GPU to be of use: here its prompt and
the reading of its answers are tested, and nothing more.
"""

import re

import numpy as np

from workflow_scripts.rewards.written import Entry, Written

MODEL = "Qwen/Qwen3-4B"
MAX_NEW_TOKENS = 4
PROMPT = """Below are a source and a statement about it. Answer with one word: Supported if everything in the \
statement is said by the source or follows from it, Unsupported if anything in it is not.

Source:
{source}

Statement:
{statement}

Answer:"""


class LlmJudge:
    """Share of what a text states that the judge calls supported: of its entries, or the text as a whole."""

    def __init__(self, model: str = MODEL) -> None:
        """Load the model from the hub's cache or a folder. Raises UserError where it can't be."""
        from workflow_scripts.rewards.chat import Chat

        self.chat = Chat(model, MAX_NEW_TOKENS)

    def scores(self, written: list[Written]) -> np.ndarray:
        """float64 [n] in [0, 1]; NaN without a text, and where an answer can't be read."""
        return np.array([self._score(one) if one.text else np.nan for one in written], dtype=np.float64)

    def _score(self, one: Written) -> float:
        asked = [question(one.source, statement) for statement in statements(one)]
        return float(np.mean([verdict(self.chat.ask(each)) for each in asked]))


def statements(one: Written) -> list[str]:
    """Entries of a reformatted text, one by one; a rephrased text as a whole."""
    return [_said(entry) for entry in one.entries] or [one.text]


def question(source: str, statement: str) -> str:
    """The prompt; the judge sees all that the generator saw."""
    return PROMPT.format(source=source, statement=statement)


def verdict(answer: str) -> float:
    """1 for supported, 0 for unsupported, NaN for anything else."""
    found = re.match(r"\W*(un)?supported\b", answer.strip(), re.IGNORECASE)
    return float(not found[1]) if found else float("nan")


def _said(entry: Entry) -> str:
    return f"{entry.topic}: {entry.content}"
