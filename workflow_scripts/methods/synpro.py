"""SynPro's two operations before any reinforcement (arXiv 2605.17849): rephrasings, or entries of topic and content.

`operation` of the settings: rephrase or reformat; `prompt`: a file of generation/prompts. Answers that don't keep the
form are left out, and of a cut answer what is whole is kept (rewards/written.py), as in SynPro's own sets.
"""

from collections.abc import Iterator
from dataclasses import replace

from workflow_scripts.generation.prompts import load_template
from workflow_scripts.methods.asking import Asked
from workflow_scripts.methods.text import OK, Text
from workflow_scripts.methods.tools import Tools, text_of
from workflow_scripts.rewards.written import parse


def write(tools: Tools) -> Iterator[Text]:
    """`texts` texts per passage."""
    operation, template = tools.settings["operation"], load_template(tools.settings["prompt"])
    sources = {row["doc_id"]: row["text"] for row in tools.passages}
    asked = [
        Asked(doc_id, operation, number, template, {"document": source})
        for doc_id, source in sources.items()
        for number in range(tools.texts)
    ]
    for answer in tools.asker.answers(asked):
        written = parse(operation, sources[answer.asked.doc_id], answer.text, answer.finished)
        status = OK if written.text else written.status
        yield replace(text_of(answer, answer.asked.number), text=written.text or answer.text, status=status)
