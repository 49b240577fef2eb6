"""FinePhrase (arXiv 2604.13977): every passage rewritten in four structured formats, table, FAQ, tutorial, mathematics.

Formats are the paper's. [assumed] Prompts: ours, shorter than those that its authors released, whose requirements a
generator of 135M parameters does not keep, and with the first words of the answer.
"""

from collections.abc import Iterator

from workflow_scripts.methods.asking import REWRITER, prompt
from workflow_scripts.methods.text import Text
from workflow_scripts.methods.tools import Tools

FORMATS = {
    "table": prompt(
        "{document}\n\nRewrite this text as a table of its facts in Markdown, then ask one question about the table "
        "and answer it.",
        REWRITER,
        answer="| Subject | Fact |\n| --- | --- |\n|",
    ),
    "faq": prompt(
        "{document}\n\nRewrite this text as frequently asked questions with answers, while maintaining all of its "
        "facts.",
        REWRITER,
        answer="**Frequently asked questions**\n\nQ:",
    ),
    "tutorial": prompt(
        "{document}\n\nRewrite this text as a guide for readers in numbered points, while maintaining all of its "
        "facts.",
        REWRITER,
        answer="What you need to know:\n1.",
    ),
    "math": prompt(
        "{document}\n\nRewrite this text as a word problem in mathematics with its numbers, then solve it step by "
        "step.",
        REWRITER,
        answer="Problem:",
    ),
}


def write(tools: Tools) -> Iterator[Text]:
    """`texts` texts per passage, the formats in turn."""
    yield from tools.rewritten(FORMATS)
