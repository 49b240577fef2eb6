"""Texts made unfaithful in a known way: what the faithfulness judge is checked on. [assumed] All of it."""

import re
from collections.abc import Callable

import numpy as np

from workflow_scripts.common.seeds import named_seed
from workflow_scripts.rewards.sentences import sentences
from workflow_scripts.rewards.support import NUMBER, names

AUXILIARY = re.compile(r"\b(is|was|are|were|has|have|had|can|will|would|could|should|may|did|does)\b(?! not|n't)")


def numbers_changed(text: str, _other: str, random: np.random.Generator, _lower: frozenset[str]) -> str:
    """Every number is another one of as many digits or one more."""
    return NUMBER.sub(lambda found: found[0].replace(found[1], _other_number(found[1], random)), text)


def names_swapped(text: str, other: str, random: np.random.Generator, lower: frozenset[str]) -> str:
    """Every second name or so, the first one surely, is a name of another text."""
    strange = sorted(names(other, lower) - names(text, lower)) or ["zorblax"]
    place = 0

    def swap(found: re.Match) -> str:
        nonlocal place
        if found[0].lower() not in own:
            return found[0]
        place += 1
        return str(random.choice(strange)).capitalize() if place == 1 or random.random() < 0.5 else found[0]

    own = names(text, lower)
    return re.sub(r"[^\W\d_][\w&]*", swap, text)


def inserted(text: str, other: str, random: np.random.Generator, _lower: frozenset[str]) -> str:
    """A sentence of another text takes the place of one of two or more, or comes after the only one."""
    parts = sentences(text)
    place = int(random.integers(len(parts))) if len(parts) > 1 else 1
    return " ".join([*parts[:place], str(random.choice(sentences(other))), *parts[place + 1 :]])


def negated(text: str, _other: str, _random: np.random.Generator, _lower: frozenset[str]) -> str:
    """A `not` after the first auxiliary verb of every sentence."""
    return " ".join(AUXILIARY.sub(r"\1 not", part, count=1) for part in sentences(text))


KINDS: dict[str, Callable[[str, str, np.random.Generator, frozenset[str]], str]] = {
    "numbers_changed": numbers_changed, "names_swapped": names_swapped, "inserted": inserted, "negated": negated,
}  # fmt: skip


def unfaithful(kind: str, text: str, other: str, lower_case: frozenset[str]) -> str:
    """The text made unfaithful in one way with the help of another text; unchanged where there is nothing to change.

    The same texts always give the same.
    """
    return KINDS[kind](text, other, np.random.default_rng(named_seed("planted", kind, text)), lower_case)


def _other_number(number: str, random: np.random.Generator) -> str:
    value = float(number.replace(",", ""))
    changed = value + max(1, round(abs(value) * random.uniform(0.1, 0.6)))
    return f"{changed:.{len(number.partition('.')[2])}f}"
