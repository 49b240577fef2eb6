"""Simple rephrases with the prompt of the megadocs paper (arXiv 2603.18534), of every passage."""

from collections.abc import Iterator

from workflow_scripts.generation.prompts import load_template
from workflow_scripts.methods.text import Text
from workflow_scripts.methods.tools import Tools


def write(tools: Tools) -> Iterator[Text]:
    """`texts` rephrases per passage."""
    yield from tools.rewritten({"rephrase": load_template("rephrase.v1")})
