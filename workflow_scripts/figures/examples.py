"""Examples of each stream side by side with their document: Markdown, and JSON for the page of results.

Documents are chosen by a named seed among those that every stream has.
"""

import argparse
from pathlib import Path

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import write_json, write_text
from workflow_scripts.common.seeds import named_hash
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Generation
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.megadocs.show import rows_of
from workflow_scripts.megadocs.tokens import TokenStream

STREAMS = ("simple", "stitched", "latent")
Rows = list[dict]  # of one document in one stream, in stream order: kind, generation, text, and more
ENDS = 2  # rows at the end of a stitched megadoc that are shown: the last rephrase and the document


def chosen_documents(streams: list[TokenStream], count: int) -> list[str]:
    """Ids of `count` documents that all streams have. Raises UserError where they share none."""
    shared = set.intersection(*(set(stream.index(["doc_id"]).column("doc_id").to_pylist()) for stream in streams))
    if not shared:
        raise UserError(f"{', '.join(str(s.paths.index) for s in streams)}: these streams share no document")
    return sorted(shared, key=lambda doc_id: named_hash("examples", doc_id))[:count]


def example(doc_id: str, simple: Rows, stitched: Rows, latent: Rows, tags: tuple[str, str]) -> dict:
    """One document with a row of the simple stream, its stitched megadoc's start and end, and its latent megadoc."""
    rephrases = [row for row in simple if row["kind"] != "real"]
    number = named_hash("example of simple", doc_id) % max(len(rephrases), 1)
    shown = {
        "simple": rephrases[number : number + 1],
        "stitched": ends_of(stitched),
        "latent": [piece for row in latent for piece in marked(row["text"], tags)],
    }
    return {
        "doc_id": doc_id,
        "text": next(row["text"] for row in stitched if row["kind"] == "real"),
        "streams": {name: [_shown(row) for row in rows] for name, rows in shown.items()},
    }


def ends_of(rows: Rows) -> Rows:
    """The first row and the last ones; a row that says how many are left out between them."""
    left_out = len(rows) - 1 - ENDS
    if left_out <= 0:
        return rows
    between = {"kind": "left out", "generation": -1, "text": f"{left_out} further rephrases"}
    return [rows[0], between, *rows[-ENDS:]]


def marked(text: str, tags: tuple[str, str]) -> Rows:
    """A latent megadoc as pieces of the real document and thoughts, in order, the tags left out."""
    opening, closing = tags
    first, *rest = text.split(opening)
    pieces = [{"kind": "real", "generation": -1, "text": first}]
    for number, part in enumerate(rest):
        thought, _, after = part.partition(closing)
        pieces.append({"kind": "thought", "generation": number, "text": thought})
        pieces.append({"kind": "real", "generation": -1, "text": after})
    return [piece for piece in pieces if piece["text"]]


def as_markdown(examples: list[dict], generations: int) -> str:
    """All examples as one text."""
    return "\n\n".join([f"# Examples of each stream, G = {generations}", *map(_section, examples)]) + "\n"


def _shown(row: dict) -> dict:
    return {key: row[key] for key in ("kind", "generation", "text")}


def _section(found: dict) -> str:
    blocks = [f"## Document {found['doc_id']}", _quoted(found["text"])]
    for name, rows in found["streams"].items():
        blocks += [f"### In the stream {name}", *(f"*{_name(row)}*\n\n{_quoted(row['text'])}" for row in rows)]
    return "\n\n".join(blocks)


def _name(row: dict) -> str:
    number = f" {row['generation'] + 1}" if row["generation"] >= 0 else ""
    return {"real": "real document"}.get(row["kind"], row["kind"]) + number


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.strip().splitlines())


def main(arguments: argparse.Namespace) -> None:
    """Write both files, the JSON last."""
    settings, tokenizer = parse_settings(Generation, arguments.settings), StudentTokenizer(arguments.tokenizer)
    streams = [TokenStream(prefix) for prefix in (arguments.simple, arguments.stitched, arguments.latent)]
    tags = (settings.think_open, settings.think_close)
    examples = [
        example(doc_id, *(rows_of(stream, tokenizer, doc_id) for stream in streams), tags)
        for doc_id in chosen_documents(streams, arguments.count)
    ]
    output = Path(arguments.output)
    write_text(output.with_suffix(".md"), as_markdown(examples, arguments.generations))
    write_json(output, {"scale": arguments.scale, "generations": arguments.generations, "documents": examples})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in STREAMS:
        parser.add_argument(f"--{name}", required=True, help=f"prefix of the stream {name}")
    parser.add_argument("--generations", type=int, required=True, help="G of these streams")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json of the streams")
    parser.add_argument("--settings", required=True, help="JSON of the `generation` section of the config")
    parser.add_argument("--count", type=int, default=3, help="how many documents")
    parser.add_argument("--scale", required=True, help="name of the scale")
    parser.add_argument("--output", required=True, help="JSON; a Markdown file is written beside it")
    run_command(main, parser)
