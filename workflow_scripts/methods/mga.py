"""MGA (arXiv 2502.04235): every passage is reformulated for several pairs of a genre and an audience.

The LLM proposes pairs for each passage, then reformulates the passage for each pair. A pair that it does not name in a
form that can be read is replaced by one of a fixed list; such texts are of the kind `fallback`. Left out: the paper's
judge of limited consistency, which drops texts that say too little of their passage. [assumed] Prompts and the list.
"""

import re
from collections.abc import Iterator

from workflow_scripts.methods.asking import REWRITER, Asked, prompt
from workflow_scripts.methods.text import Text
from workflow_scripts.methods.tools import Tools, text_of

Pair = tuple[str, str]  # genre, audience

PROPOSE = prompt(
    "Text: {document}\n\nName {count} genres that this text could be rewritten in, each with its audience, in lines of "
    "this form:\nGenre: ...; Audience: ...",
    answer="1. Genre:",
)
REFORMULATE = prompt(
    "{document}\n\nRewrite this text as a {genre} for {audience}, while maintaining its main points.",
    REWRITER,
)
FALLBACK: list[Pair] = [
    ("short story", "children"),
    ("textbook section", "students"),
    ("blog post", "young adults"),
    ("letter", "a friend"),
    ("speech", "citizens of a town"),
    ("encyclopedia entry", "general readers"),
]
LINE = re.compile(r"genre:\s*(?P<genre>[^;,|\n]+?)\s*[;,|]?\s*audience:\s*(?P<audience>[^;|\n]+)", re.IGNORECASE)
MOST_WORDS = 6  # of a genre or an audience: more are a sentence, not a name


def pairs_of(text: str) -> list[Pair]:
    """Different pairs that an answer names, one in a line; others are left out."""
    found = [LINE.search(line) for line in text.splitlines()]
    named = [(name_of(match["genre"]), name_of(match["audience"])) for match in found if match]
    return list(dict.fromkeys(pair for pair in named if all(0 < len(part.split()) <= MOST_WORDS for part in pair)))


def name_of(words: str) -> str:
    """A name without marks around it, in small letters."""
    return words.strip(" \t.*_\"'").lower()


def filled_up(named: list[Pair], count: int) -> list[tuple[str, Pair]]:
    """`count` pairs with the kind of their texts: those that were named, then those of the list, in turn."""
    spare = [pair for pair in FALLBACK if pair not in named]
    known = [("reformulated", pair) for pair in named[:count]]
    return known + [("fallback", spare[place % len(spare)]) for place in range(count - len(known))]


def proposed(tools: Tools) -> Iterator[list[Pair]]:
    """Pairs of each passage, as far as the LLM names them."""
    asked = [
        Asked(row["doc_id"], "pairs", 0, PROPOSE, {"document": row["text"], "count": str(tools.texts)})
        for row in tools.passages
    ]
    yield from (pairs_of(answer.text) for answer in tools.asker.answers(asked))


def write(tools: Tools) -> Iterator[Text]:
    """`texts` reformulations per passage, each for a pair of its own."""
    asked = [
        Asked(row["doc_id"], kind, number, REFORMULATE, {"document": row["text"], "genre": genre, "audience": audience})
        for row, named in zip(tools.passages, proposed(tools), strict=True)
        for number, (kind, (genre, audience)) in enumerate(filled_up(named, tools.texts))
    ]
    yield from (text_of(answer, answer.asked.number) for answer in tools.asker.answers(asked))
