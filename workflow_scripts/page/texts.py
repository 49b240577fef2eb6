"""What was generated, as the page shows it: measures of all texts, and megadocs beside their documents."""

from collections.abc import Callable
from dataclasses import dataclass

from workflow_scripts.generation.quality_card import MEANINGS
from workflow_scripts.page.headline import name_of

METHODS = {"rephrase": "rephrases", "latent_thoughts": "latent thoughts"}
MEASURES: dict[str, Callable[[dict], str]] = {
    "texts": lambda found: f"{found['texts']:,}",
    "tokens, mean": lambda found: f"{found['tokens_mean']:.0f}",
    "words per word of source": lambda found: f"{found['length_ratio_mean']:.2f}",
    "cut at limit": lambda found: f"{found['cut_at_limit']:.1%}",
    "refusal": lambda found: f"{found['refusal']:.1%}",
    "preamble": lambda found: f"{found['preamble']:.1%}",
    "near copy of source": lambda found: f"{found['near_copy_of_source']:.1%}",
    "near copy of a sibling": lambda found: f"{found['near_copy_of_sibling']:.1%}",
    "invented numbers": lambda found: f"{found['invented_numbers']['share']:.0%}",
    "invented names": lambda found: f"{found['invented_names']['share']:.0%}",
    "lost numbers": lambda found: f"{found['lost_numbers']['share']:.0%}",
    "lost names": lambda found: f"{found['lost_names']['share']:.0%}",
}


@dataclass(frozen=True)
class Measure:
    """A line of the table: name, what it means, a value per method."""

    name: str
    meaning: str
    values: list[str]


@dataclass(frozen=True)
class Example:
    """A document, and what each stream makes of it: (method's name, stream, pieces in their order)."""

    doc_id: str
    text: str
    streams: list[tuple[str, str, list[dict]]]


def heads_of(report: dict) -> list[str]:
    """Names of the methods that a quality report is about."""
    return [METHODS.get(method, method) for method in report["methods"]]


def measures_of(report: dict) -> list[Measure]:
    """The quality report's table."""
    columns = report["methods"].values()
    return [Measure(name, _meaning(name), [show(column) for column in columns]) for name, show in MEASURES.items()]


def pairs_of(report: dict) -> list[dict]:
    """The quality report's samples: a document and one text made of it, with the method's name; a shipped report has
    none."""
    return [
        sample | {"method": METHODS.get(sample["method"], sample["method"])} for sample in report.get("samples", [])
    ]


def examples_of(content: dict) -> list[Example]:
    """Examples as figures/examples.py writes them: documents with doc_id, text, and per stream its pieces, each with
    kind, generation (from 0; below: it has none) and text."""
    return [
        Example(row["doc_id"], row["text"], [(name_of(name), name, rows) for name, rows in row["streams"].items()])
        for row in content["documents"]
    ]


def _meaning(name: str) -> str:
    return MEANINGS.get(name) or MEANINGS.get(name.split()[0], "")
