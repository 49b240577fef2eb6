"""Textbook sections (arXiv 2510.01631): each on three keywords that are drawn at random from the natural text.

How keywords are drawn, and what of it is assumed: corpus/keywords.py; the prompt is that of the mixtures' textbooks. A
section is of no document; there are as many sections as a method that is bound to passages has texts.
"""

from collections.abc import Iterator

from workflow_scripts.common.errors import UserError
from workflow_scripts.corpus.keywords import keywords, vocabulary
from workflow_scripts.generation.prompts import load_template
from workflow_scripts.methods.asking import Asked
from workflow_scripts.methods.text import Text
from workflow_scripts.methods.tools import Tools, text_of

KEYWORDS = 3


def write(tools: Tools) -> Iterator[Text]:
    """`texts` sections per passage. Raises UserError when the documents have too few words to choose from."""
    known, template = vocabulary(row["text"] for row in tools.documents), load_template("textbook.v1")
    if known.size < KEYWORDS:
        raise UserError(f"methods.{tools.name}: the documents have {known.size} keywords, a section needs {KEYWORDS}")
    asked = [
        Asked(f"{tools.name}-{number:08d}", "section", number, template, {"document": ", ".join(drawn)})
        for number in range(tools.texts * len(tools.passages))
        for drawn in [keywords(known, tools.name, number, KEYWORDS)]
    ]
    yield from (text_of(answer, answer.asked.number) for answer in tools.asker.answers(asked))
