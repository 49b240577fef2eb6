"""The quality report as a card that a person reads: a table of measures, what each means, samples side by side."""

import html

from workflow_scripts.generation.quality_measures import NEAR_COPY, SHINGLE_WORDS

SHARES = ["empty", "cut_at_limit", "refusal", "preamble", "speaks_of_task", "repeats_itself", "near_copy_of_source"]
MEANINGS = {
    "empty": "no text but blanks",
    "cut at limit": "ended by the limit of new tokens, not by the model",
    "refusal": "begins like a refusal",
    "preamble": 'begins by speaking of itself, such as "Here is a rewritten version"',
    "speaks of task": "has a word of its instructions, such as prefix or rewritten, that the document does not have",
    "repeats itself": "at least half of its 3-word sequences were there before in the same text",
    "near copy of source": f"at least {NEAR_COPY:.0%} of {SHINGLE_WORDS}-word sequences shared with the document "
    "(Jaccard), or 90% of its 8-word sequences in it",
    "copied 8-word sequences": "mean share of a text's 8-word sequences that are in the document",
    "near copy of a sibling": "as similar to an earlier text of the same document and method",
    "distinct 3-word sequences": "different ones as a share of all, over the texts of a document; mean of documents",
    "invented": "of a text's different numbers (names), the share that the document does not have",
    "lost": "of the document's different numbers (names), the share that the text does not have",
}
NOTE = (
    "A name is a capitalised word that begins no sentence; it is absent where the other text does not have that word "
    "in either case. A number in words is no number here, nor is that of a list item. So these are bounds: another "
    "spelling of a name counts as invented, a wrong sentence of known words does not. What a text was not asked to "
    "keep counts as lost."
)


def card_text(report: dict) -> str:
    """The card as Markdown."""
    columns = report["methods"] | {"all": report["all"]}
    lines = ["# Quality of the generated text", "", "Shares are of texts unless said otherwise.", ""]
    lines += [_row(["measure", *columns]), _row(["---"] * (len(columns) + 1))]
    lines += [_row([name, *values]) for name, values in _measures(columns)]
    lines += ["", "## What is counted", "", *(f"- {name}: {meaning}" for name, meaning in MEANINGS.items()), "", NOTE]
    lines += ["", "## Samples, chosen by a named seed", ""]
    return "\n".join([*lines, *(line for sample in report["samples"] for line in _sample(sample))])


def _measures(columns: dict[str, dict]) -> list[tuple[str, list[str]]]:
    """Name and values of each line of the table."""

    def line(name: str, show) -> tuple[str, list[str]]:
        return name, [show(column) for column in columns.values()]

    others = {
        "copied 8-word sequences": "copied_share_mean",
        "near copy of a sibling": "near_copy_of_sibling",
        "distinct 3-word sequences": "distinct_3",
    }
    return [
        line("documents", lambda c: f"{c['documents']:,}"),
        line("texts", lambda c: f"{c['texts']:,}"),
        line("tokens, mean (5, 50, 95%)", lambda c: _spread(c["tokens_mean"], c["tokens_quantiles"], 0)),
        line("words per word of source", lambda c: _spread(c["length_ratio_mean"], c["length_ratio_quantiles"], 2)),
        *(line(name.replace("_", " "), lambda c, n=name: f"{c[n]:.1%}") for name in SHARES),
        *(line(name, lambda c, k=key: f"{c[k]:.1%}") for name, key in others.items()),
        *(line(f"{w} {kind}", lambda c, k=f"{w}_{kind}": _drift(c[k])) for w, kind in _DRIFTS),
    ]


_DRIFTS = [(way, kind) for way in ("invented", "lost") for kind in ("numbers", "names")]


def _drift(found: dict) -> str:
    return f"{found['share']:.1%} of {found['facts']:,}; in {found['texts_with_one']:.0%} of texts"


def _spread(mean: float, quantiles: list[float], digits: int) -> str:
    low, middle, high = (quantiles[place] for place in (1, 3, 5))
    return f"{mean:.{digits}f} ({low:.{digits}f}, {middle:.{digits}f}, {high:.{digits}f})"


def _sample(sample: dict) -> list[str]:
    flags = f"; flags: {', '.join(sample['flags'])}" if sample["flags"] else ""
    head = f"### {sample['method']} {sample['generation']} of {sample['doc_id']}{flags}"
    return [head, "", _row(["document", "generated"]), _row(["---"] * 2), _row(map(_cell, _texts(sample))), ""]


def _texts(sample: dict) -> tuple[str, str]:
    return sample["source"], sample["text"]


def _cell(text: str) -> str:
    """A text inside a cell of a table: its own characters are shown, not obeyed."""
    shown = html.escape(text.strip(), quote=False)
    for mark in "\\`*_[]|#":
        shown = shown.replace(mark, f"\\{mark}")
    return shown.replace("\n", "<br>")


def _row(cells) -> str:
    return f"| {' | '.join(cells)} |"
