"""The table of claims: for a terminal, as Markdown, CSV and JSON."""

import csv
import io
import textwrap
from collections.abc import Iterator

from workflow_scripts.claims.evidence import Value
from workflow_scripts.claims.judge import (
    AGREES,
    DISAGREES,
    NOT_IDENTIFIED,
    NOT_MEASURED,
    NOT_PUBLIC,
    NOT_RECOMPUTED,
    Cell,
)
from workflow_scripts.claims.model import Claim

Columns = dict[str, dict[str, Cell]]
SIGNS = {AGREES: "+", DISAGREES: "-", NOT_IDENTIFIED: "?", NOT_PUBLIC: " ", NOT_MEASURED: " ", NOT_RECOMPUTED: " "}
LEGEND = "+ agrees   - disagrees   ? not identified   without a sign: nothing to compare with   of: the planted truth"
FIELDS = ["verdict", "estimate", "low", "high", "unit", "documents", "seeds", "truth", "note", "reason"]


def digits(value: Value) -> int:
    """Decimals that the band supports: two digits of its half width, at most 4."""
    half = max((value.high - value.low) / 2, 1e-12)
    return next((places for places in range(5) if half * 10**places >= 2), 4)


def number(value: Value) -> str:
    """Estimate and band, with no more digits than the band supports."""
    places = digits(value)
    if value.low == value.high:
        return f"{value.estimate:.{places}f}"
    return f"{value.estimate:.{places}f} [{value.low:.{places}f}, {value.high:.{places}f}]"


def cell_text(cell: Cell) -> str:
    """Value, truth where there is one, or the verdict that stands in its place."""
    if not cell.value:
        return cell.verdict
    return number(cell.value) + _truth(cell)


def terminal_lines(claims: list[Claim], columns: Columns, width: int) -> Iterator[str]:
    """A line per claim that fits `width`; names are cut, numbers are not."""
    texts = [["paper", *(str(claim.paper) for claim in claims)]]
    texts += [[name, *(_short(cells[claim.id]) for claim in claims)] for name, cells in columns.items()]
    widths = [max(map(len, column)) + 2 for column in texts]
    first = max(14, min(width - sum(widths), 1 + max(len(claim.id) for claim in claims)))
    for name, *row in zip(["claim", *(claim.id for claim in claims)], *texts, strict=True):
        cells = (cell.rjust(size) for cell, size in zip(row, widths, strict=True))
        yield name[: first - 1].ljust(first) + "".join(cells)
    yield LEGEND


def disagreements(claims: list[Claim], columns: Columns, width: int) -> Iterator[str]:
    """What does not match the paper, in sentences."""
    for claim in claims:
        for name, cells in columns.items():
            cell = cells[claim.id]
            if cell.verdict == DISAGREES:
                found = f"{cell_text(cell)} {cell.value.unit}" + (f" ({cell.value.note})" if cell.value.note else "")
                text = f"{name}: {claim.sentence} The paper: {claim.paper}; found: {found}."
                yield from textwrap.wrap(text, width, subsequent_indent="  ")


def markdown(claims: list[Claim], columns: Columns) -> str:
    """A table with a row per claim, and below it how each is computed."""
    head = ["claim", "paper", *columns, "figure"]
    lines = ["# Claims", "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for claim in claims:
        paper = f"{claim.paper} {claim.paper.source}" if claim.paper.public else "not public"
        cells = [_full(columns[name][claim.id]) for name in columns]
        lines.append("| " + " | ".join([claim.sentence, paper, *cells, claim.figure]) + " |")
    lines += [
        "",
        "Bands hold 90% of the draws; of planted losses 99%, as ninety claims would miss some truth by chance.",
        "",
        "## How each is computed",
        "",
    ]
    for claim in claims:
        tolerance = f" Tolerance {claim.tolerance:g}: {claim.why}" if claim.tolerance else f" {claim.why}"
        called = f" `{claim.quantity}`." if claim.quantity else ""
        lines.append(f"- **{claim.id}**: {claim.computed}{called}{tolerance}")
    return "\n".join(lines) + "\n"


def as_csv(claims: list[Claim], columns: Columns) -> str:
    """A row per claim and column."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["id", "sentence", "figure", "quantity", "paper", "source", "tolerance", "column", *FIELDS])
    for claim in claims:
        for name, cells in columns.items():
            record = cells[claim.id].record()
            stated = [claim.paper, claim.paper.source, claim.tolerance]
            found = [record.get(field, "") for field in FIELDS]
            writer.writerow([claim.id, claim.sentence, claim.figure, claim.quantity or "", *stated, name, *found])
    return table.getvalue()


def as_records(claims: list[Claim], columns: Columns) -> list[dict]:
    """For JSON: every claim with its columns."""
    return [
        {
            **claim.model_dump(exclude={"quantity", "published"}),
            "quantity": str(claim.quantity) if claim.quantity else None,
            "published": str(claim.published) if claim.published else None,
            "columns": {name: cells[claim.id].record() for name, cells in columns.items()},
        }
        for claim in claims
    ]


def _short(cell: Cell) -> str:
    """Estimate with half the width of its band, and the verdict's sign."""
    brief = {NOT_MEASURED: "not measured", NOT_RECOMPUTED: "."}
    if not cell.value:
        return f"{brief.get(cell.verdict, cell.verdict)} {SIGNS[cell.verdict]}"
    places, half = digits(cell.value), (cell.value.high - cell.value.low) / 2
    band = f" ±{half:.{places}f}" if half else ""
    return f"{cell.value.estimate:.{places}f}{band}{_truth(cell)} {SIGNS[cell.verdict]}"


def _truth(cell: Cell) -> str:
    return f" of {cell.truth:.{digits(cell.value)}f}" if cell.truth is not None else ""


def _full(cell: Cell) -> str:
    if not cell.value:
        return f"{cell.verdict} ({cell.reason})" if cell.reason else cell.verdict
    counts = [f"{cell.value.documents} documents"] if cell.value.documents > 1 else []
    counts += [f"{cell.value.seeds} seeds"] if cell.value.seeds > 1 else []
    return f"{cell_text(cell)} {cell.value.unit}: **{cell.verdict}**" + (f" ({', '.join(counts)})" if counts else "")
