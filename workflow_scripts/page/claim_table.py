"""The table of claims as the page shows it, from the JSON of `snakemake claims`."""

from dataclasses import dataclass

from workflow_scripts.claims.evidence import Value
from workflow_scripts.claims.judge import AGREES, DISAGREES, NOT_IDENTIFIED
from workflow_scripts.claims.model import Stated
from workflow_scripts.claims.table import number
from workflow_scripts.common.errors import UserError

LOOKS = {AGREES: ("good", "✓"), DISAGREES: ("bad", "✕"), NOT_IDENTIFIED: ("open", "?")}
HEADS = {"published": "public numbers", "planted": "planted truth"}


@dataclass(frozen=True)
class Cell:
    """A claim in one column: verdict, number, what it rests on, and why there is none."""

    head: str
    verdict: str
    number: str
    detail: str

    @property
    def look(self) -> str:
        """Class of its colour."""
        return LOOKS.get(self.verdict, ("none", ""))[0]

    @property
    def sign(self) -> str:
        """A sign for those who do not see colours."""
        return LOOKS.get(self.verdict, ("none", "–"))[1]


@dataclass(frozen=True)
class Row:
    """One claim."""

    id: str
    sentence: str
    paper: str
    source: str
    computed: str
    figure: str
    cells: list[Cell]

    @property
    def judged(self) -> bool:
        """Whether any column says more than that there is nothing to compare."""
        return any(cell.verdict in LOOKS for cell in self.cells)


def rows_of(records: list[dict]) -> list[Row]:
    """A row per claim. Raises UserError when the file is of another version."""
    try:
        return [_row(record) for record in records]
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"claims.json has not the form that `snakemake claims` writes ({error}): make it again"
        ) from None


def tally(rows: list[Row]) -> dict[str, list[tuple[Cell, int]]]:
    """How often each column has each verdict that compares something: a cell with it, and the count."""
    found: dict[str, list[tuple[Cell, int]]] = {}
    for head in dict.fromkeys(cell.head for row in rows for cell in row.cells):
        own = {cell.verdict: cell for row in rows for cell in row.cells if cell.head == head}
        verdicts = [cell.verdict for row in rows for cell in row.cells if cell.head == head]
        found[head] = [(own[verdict], verdicts.count(verdict)) for verdict in LOOKS if verdict in own]
    return found


def _row(record: dict) -> Row:
    paper = Stated.model_validate(record["paper"])
    computed = f"{record['computed']} {record['why']}"
    cells = [_cell(name, cell) for name, cell in record["columns"].items()]
    source = paper.source if paper.public else ""
    return Row(record["id"], record["sentence"], str(paper), source, computed, record["figure"], cells)


def _cell(name: str, record: dict) -> Cell:
    head, verdict, reason = HEADS.get(name, name), record["verdict"], record["reason"]
    if "estimate" not in record:
        return Cell(head, verdict, "", reason)
    value = Value(**{field: record[field] for field in Value.__dataclass_fields__})
    counts = {"documents": value.documents, "seeds": value.seeds}
    rests = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count > 1)
    truth = f"planted: {record['truth']:.3g}" if record["truth"] is not None else ""
    detail = " · ".join(part for part in (value.unit, truth, rests, reason) if part)
    return Cell(head, verdict, number(value), detail)
