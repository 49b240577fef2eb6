"""Verdicts: whether a value with its band agrees with what a paper says."""

from dataclasses import asdict, dataclass

from workflow_scripts.claims.evidence import Evidence, Value
from workflow_scripts.claims.model import Claim
from workflow_scripts.claims.published_values import Published
from workflow_scripts.claims.quantities import Refusal, measure
from workflow_scripts.claims.recompute import RECOMPUTATIONS
from workflow_scripts.scaling.law import NotIdentified

AGREES, DISAGREES, NOT_IDENTIFIED, NOT_PUBLIC = "agrees", "disagrees", "not identified", "not public"
EXACT = 1e-9  # what counts as equal
NOT_MEASURED, NOT_RECOMPUTED = "not measured at this scale", "not recomputed"


@dataclass(frozen=True)
class Cell:
    """A claim in one column: its value or the reason for none, the verdict, and the truth where one was planted."""

    verdict: str
    value: Value | None = None
    reason: str = ""
    truth: float | None = None

    def record(self) -> dict:
        """For JSON and CSV."""
        value = asdict(self.value) if self.value else {}
        return {"verdict": self.verdict, "reason": self.reason, "truth": self.truth, **value}


def verdict(value: Value, interval: tuple[float, float], one_sided: bool, nothing_is: float | None = None) -> str:
    """Whether a value's band agrees with an interval.

    A direction agrees when the whole band does. A value disagrees when the band misses its interval; a band that also
    holds the value without an effect identifies nothing.
    """
    low, high = interval
    if value.high < low or value.low > high:
        return DISAGREES
    if one_sided:
        return AGREES if low <= value.low and value.high <= high else NOT_IDENTIFIED
    nothing = nothing_is is not None and value.low <= nothing_is <= value.high
    return NOT_IDENTIFIED if nothing else AGREES


def judge_measured(claim: Claim, evidence: Evidence, scale: str) -> Cell:
    """A claim by students that were trained at a scale."""
    found = _measure(claim, evidence)
    if isinstance(found, Refusal):
        return Cell(found.kind, reason=found.reason)
    if not claim.paper.public:
        return Cell(NOT_PUBLIC, found, "the paper's value is not public: our measurement alone")
    if claim.only_at and claim.only_at != scale:
        return Cell(
            NOT_MEASURED, found, f"comparable at scale {claim.only_at} alone: its corpus, tokenizer and student"
        )
    return Cell(_against_paper(claim, found), found)


def judge_planted(claim: Claim, evidence: Evidence, truth: float | None) -> Cell:
    """A claim by planted losses: against the planted truth where it is known, else against what the paper says."""
    found = _measure(claim, evidence)
    if isinstance(found, Refusal):
        return Cell(found.kind, reason=found.reason, truth=truth)
    if truth is not None:
        room = claim.tolerance + EXACT
        interval = (truth - room, truth + room)
        return Cell(verdict(found, interval, one_sided=False), found, truth=truth)
    return Cell(_against_paper(claim, found) if claim.paper.public else NOT_PUBLIC, found)


def judge_published(claim: Claim, published: Published, tracked: Evidence | None) -> Cell:
    """A claim by the authors' tracked runs where they are at hand and have it, else by the papers' public numbers."""
    if tracked:
        cell = judge_measured(claim, tracked, "paper")
        if cell.value:
            return cell
    if not claim.published:
        return Cell(NOT_RECOMPUTED if claim.paper.public else NOT_PUBLIC, reason="no public numbers give it")
    try:
        found = RECOMPUTATIONS[claim.published.name](published, **claim.published.arguments)
    except NotIdentified as reason:
        return Cell(NOT_IDENTIFIED, reason=str(reason))
    return Cell(_against_paper(claim, found), found)


def joined(known: dict[str, Cell], more: dict[str, Cell]) -> dict[str, Cell]:
    """A column of two tables of one scale, as of packs of different papers: the first that measured a claim counts."""
    measured = {name: cell for name, cell in known.items() if cell.value or cell.verdict != NOT_MEASURED}
    return known | more | measured


def failures(claims: list[Claim], columns: dict[str, dict[str, Cell]]) -> list[str]:
    """A sentence for every claim that does not agree in a column where it must hold."""
    return [
        f"{claim.id} should hold in column {name}, but: {cells[claim.id].verdict}"
        for claim in claims
        for name, cells in columns.items()
        if name in claim.holds_at and cells[claim.id].verdict != AGREES
    ]


def _measure(claim: Claim, evidence: Evidence) -> Value | Refusal:
    if not claim.quantity:
        return Refusal(NOT_MEASURED, "no study trains the students that it needs")
    return measure(evidence, claim.quantity.name, claim.quantity.arguments)


def _against_paper(claim: Claim, value: Value) -> str:
    return verdict(value, claim.paper.interval(claim.tolerance), claim.paper.one_sided, claim.nothing_is)
