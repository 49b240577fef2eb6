"""WRAP (arXiv 2401.16380): every passage rephrased in four styles, easy, medium, hard, and question and answer.

The paper's students see real and synthetic text 1:1; here arms share one grid of mixing ratios. [assumed] Prompts:
ours, of what the paper says of its styles, and short enough for a generator of 135M parameters.
"""

from collections.abc import Iterator

from workflow_scripts.methods.asking import REWRITER, prompt
from workflow_scripts.methods.text import Text
from workflow_scripts.methods.tools import Tools

STYLES = {
    "easy": prompt(
        "{document}",
        f"{REWRITER} Rewrite the input text in very short sentences and very easy words, so that a small child "
        "understands it, while maintaining its main points.",
    ),
    "medium": prompt(
        "{document}",
        f"{REWRITER} Rewrite the input text in other words, in the high quality English of an encyclopedia, while "
        "maintaining all of its facts.",
    ),
    "hard": prompt(
        "{document}",
        f"{REWRITER} Rewrite the input text in terse and scholarly language with rare and difficult words, while "
        "maintaining all of its facts.",
    ),
    "qa": prompt(
        "{document}\n\nRewrite this text as questions and answers, while maintaining all of its facts.",
        REWRITER,
        answer="Question:",
    ),
}


def write(tools: Tools) -> Iterator[Text]:
    """`texts` texts per passage, the styles in turn."""
    yield from tools.rewritten(STYLES)
