"""Latent thoughts (arXiv 2603.18534): whole documents, with a thought of the LLM's at each of their inner boundaries.

A document is cut into nearly equal pieces; a thought connects what stands before a boundary with what follows it. The
text is the whole megadoc, with the tags of the scale's `generation`; a document in which no thought stands is left out.
`boundaries` of the settings: how many of each document, `texts` of the comparison without it; `new_tokens`: most of one
thought, [assumed] as many as another text has.
"""

from collections.abc import Iterator

from workflow_scripts.generation.prompts import load_template
from workflow_scripts.generation.splitting import boundaries
from workflow_scripts.megadocs.compose import Tags, latent
from workflow_scripts.methods.asking import Asked
from workflow_scripts.methods.text import OK, Text
from workflow_scripts.methods.tools import Tools, text_of


def asked_of(document: dict, spans: list, count: int) -> list[Asked]:
    """A prompt for each boundary; its kind is the boundary's name, such as 1/3, and its seed depends on that."""
    template, text = load_template("latent.v1"), document["text"]
    return [
        Asked(document["doc_id"], name, 0, template, {"prefix": text[:offset], "suffix": text[offset:]})
        for name, offset in boundaries(spans, count)
    ]


def write(tools: Tools) -> Iterator[Text]:
    """One megadoc per document."""
    count, settings = tools.settings.get("boundaries", tools.texts), tools.asker.settings
    tags = Tags(settings.think_open, settings.think_close)
    spans = {row["doc_id"]: tools.tokenizer.offsets(row["text"]) for row in tools.documents}
    asked = [one for row in tools.documents for one in asked_of(row, spans[row["doc_id"]], count)]
    thoughts: dict[str, dict[str, str]] = {row["doc_id"]: {} for row in tools.documents}
    for answer in tools.asker.answers(asked, tools.settings.get("new_tokens")):
        thought = text_of(answer, 0)
        if thought.status == OK:
            thoughts[thought.doc_id][thought.kind] = thought.text
    for row in tools.documents:
        found = thoughts[row["doc_id"]]
        [megadoc] = latent(row["text"], found, spans[row["doc_id"]], count, tags)
        yield Text(row["doc_id"], megadoc.kind, 0, megadoc.text, OK if found else "no thought")
