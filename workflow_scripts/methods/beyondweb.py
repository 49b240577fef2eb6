"""BeyondWeb (arXiv 2508.10975): every passage rewritten in one or several formats that make its information dense.

`formats` of the settings says which, so that their number can be studied at one number of synthetic tokens. [assumed]
Prompts and the four formats' names: the paper's are proprietary. Its choice of documents of high quality is left out:
all arms have the same documents.
"""

from collections.abc import Iterator

from workflow_scripts.common.errors import UserError
from workflow_scripts.generation.prompts import Template
from workflow_scripts.methods.asking import REWRITER, prompt
from workflow_scripts.methods.text import Text
from workflow_scripts.methods.tools import Tools
from workflow_scripts.methods.wrap import STYLES

FORMATS = {
    "qa": STYLES["qa"],  # as WRAP's, with the same texts
    "summary": prompt(
        "{document}",
        "Provide a concise, objective summary of the input text in up to three sentences, focusing on key actions and "
        "facts.",
    ),
    "instruction": prompt(
        "{document}\n\nRewrite this text as the request of a user and the response of an assistant, while "
        "maintaining all of its facts.",
        REWRITER,
        answer="User: Tell me about",
    ),
    "conversation": prompt(
        "{document}\n\nRewrite this text as a conversation between Anna, who knows the news, and Ben, who asks about "
        "it, while maintaining all of its facts.",
        REWRITER,
        answer="Ben: What happened?\nAnna:",
    ),
}


def formats_of(name: str, settings: dict) -> dict[str, Template]:
    """Prompts of the formats that a method's settings ask for. Raises UserError for others, or none."""
    asked = settings.get("formats") or []
    for one in asked:
        if one not in FORMATS:
            raise UserError(f"methods.{name}.settings.formats: no format '{one}'; there are {', '.join(FORMATS)}")
    if not asked:
        raise UserError(f"methods.{name}.settings.formats: none is named; there are {', '.join(FORMATS)}")
    return {one: FORMATS[one] for one in asked}


def write(tools: Tools) -> Iterator[Text]:
    """`texts` texts per passage, the formats in turn."""
    yield from tools.rewritten(formats_of(tools.name, tools.settings))
