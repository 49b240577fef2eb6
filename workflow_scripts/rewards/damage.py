"""Copies of good texts that are worse in a known way: what the quality rater is trained and checked on.

[assumed] All of it. Each kind is what raw web text or a bad generator's text has: menus between sentences, words out
of order, sentences without an end, sentences again and again, text without case and punctuation.
"""

import re
from collections.abc import Callable

import numpy as np

from workflow_scripts.common.seeds import named_seed
from workflow_scripts.rewards.sentences import sentences

BOILERPLATE = (
    "Home | About us | Contact | Sign in", "Click here to subscribe to our newsletter", "Share this on Facebook",
    "All rights reserved. Terms of use", "Read more >>", "Advertisement", "Please enable cookies to continue",
    "Leave a comment (0)", "Next page > Previous page <", "Related stories you may like", "Tags: news, top, latest",
    "Copyright 2016. Privacy policy", "Log in or register to post a comment", "Skip to main content",
    "Follow us on Twitter", "Download the app now", "Free shipping on all orders!", "Buy now - best prices",
)  # fmt: skip


def boilerplate(text: str, random: np.random.Generator) -> str:
    """Lines of websites after every second sentence or so, at least one."""
    parts, found = sentences(text), []
    places = random.random(len(parts)) < 0.5
    places[random.integers(len(parts))] = True
    for part, more in zip(parts, places, strict=True):
        found += [part, str(random.choice(BOILERPLATE))] if more else [part]
    return ("\n" if random.random() < 0.5 else " ").join(found)


def shuffled(text: str, random: np.random.Generator) -> str:
    """Words change places with others at most four places away, inside their sentence."""
    return " ".join(_near_shuffle(part.split(), random) for part in sentences(text))


def cut(text: str, random: np.random.Generator) -> str:
    """Sentences of more than five words lose between a third and two thirds of their words; half get a full stop."""
    stop = "." if random.random() < 0.5 else ""
    return " ".join(_head(part.split(), random.uniform(1 / 3, 2 / 3), stop) for part in sentences(text))


def repeated(text: str, random: np.random.Generator) -> str:
    """Sentences follow themselves up to three times; at least one does."""
    parts = sentences(text)
    counts = random.integers(1, 4, len(parts))
    counts[random.integers(len(parts))] += 1
    return " ".join(part for part, count in zip(parts, counts, strict=True) for _ in range(count))


def flattened(text: str, _random: np.random.Generator) -> str:
    """Lower case, without punctuation."""
    return " ".join(re.sub(r"[^\w\s]", " ", text.lower()).split())


KINDS: dict[str, Callable[[str, np.random.Generator], str]] = {
    "boilerplate": boilerplate, "shuffled": shuffled, "cut": cut, "repeated": repeated, "flattened": flattened,
}  # fmt: skip


def damaged(kind: str, text: str) -> str:
    """The text damaged in one way; the same text always gives the same. The text has at least one word."""
    return KINDS[kind](text, np.random.default_rng(named_seed("damage", kind, text)))


def _near_shuffle(parts: list[str], random: np.random.Generator) -> str:
    return " ".join(parts[place] for place in np.argsort(np.arange(len(parts)) + random.uniform(0, 4, len(parts))))


def _head(parts: list[str], share: float, stop: str) -> str:
    if len(parts) <= 5:
        return " ".join(parts)
    return " ".join(parts[: max(3, int(share * len(parts)))]).rstrip(".,;:") + stop
