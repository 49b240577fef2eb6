"""The page's first screen where all methods were compared: every arm's data efficiency, its band and its costs."""

import math
from dataclasses import dataclass
from functools import cached_property

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.arm_families import CONTROL
from workflow_scripts.config.comparison import SIMPLE
from workflow_scripts.figures.comparison_looks import COLOURS
from workflow_scripts.figures.sizes import amount

SLUGS = {family: f"family-{family.split()[0]}" for family in COLOURS}  # classes of colours
TICKS, FEWER, WIDE = (0.5, 0.75, 1, 1.25, 1.5, 2, 2.5), (0.25, 0.5, 1, 2, 4, 8, 16), 2.5
ROOM = 1.06  # of the logarithmic axis beyond its ends


@dataclass(frozen=True)
class Arm:
    """One arm as the page shows it; efficiency, low and high are none without a number."""

    arm: str
    title: str
    family: str
    paper: str
    efficiency: float | None
    low: float | None
    high: float | None
    status: str
    gain: float  # nats over repetition
    tokens: int
    generation_flops: float
    training_flops: float

    @property
    def slug(self) -> str:
        """Class of its family's colour."""
        return SLUGS[self.family]

    @property
    def control(self) -> bool:
        """Whether others are compared with it."""
        return self.family == CONTROL or self.arm == SIMPLE

    @property
    def numbers(self) -> list[tuple[str, str, float]]:
        """Head, text and sorting key of its further columns."""
        flops = (("FLOPs of writing", self.generation_flops), ("FLOPs of training", self.training_flops))
        return [
            ("gain, nats", f"{self.gain:+.3f}", self.gain),
            ("synthetic tokens", amount(self.tokens) if self.tokens else "–", self.tokens),
            *((head, f"{value:.1e}" if value else "–", value) for head, value in flops),
        ]


@dataclass(frozen=True)
class Comparison:
    """All arms, the lowest loss first."""

    arms: list[Arm]
    band: float
    status: str  # of the law

    @property
    def best(self) -> Arm | None:
        """The most efficient arm with synthetic text; none where no arm has a number."""
        found = [arm for arm in self.arms if arm.family != CONTROL and arm.efficiency is not None]
        return max(found, key=lambda arm: arm.efficiency, default=None)

    @property
    def as_good(self) -> list[Arm]:
        """Arms with synthetic text whose bands reach into the best one's: they may be as good."""
        own = [arm for arm in self.arms if arm is not self.best and arm.family != CONTROL and arm.high is not None]
        return [arm for arm in own if arm.high >= self.best.low]

    def named(self, arm: str) -> Arm | None:
        """An arm with a number by its name."""
        return next((own for own in self.arms if own.arm == arm and own.efficiency is not None), None)

    @cached_property
    def ends(self) -> tuple[float, float]:
        """Ends of the logarithmic axis of efficiencies."""
        own = [arm for arm in self.arms if arm.efficiency is not None]
        return min([1.0, *(arm.low for arm in own)]) / ROOM, max([1.5, *(arm.high for arm in own)]) * ROOM

    def place(self, value: float) -> str:
        """Where a value stands on the axis."""
        low, high = (math.log(end) for end in self.ends)
        return f"{100 * (math.log(value) - low) / (high - low):.2f}%"

    @property
    def ticks(self) -> list[float]:
        """Round values on the axis."""
        low, high = self.ends
        return [tick for tick in (FEWER if high > WIDE * low else TICKS) if low <= tick <= high]


def comparison_of(record: dict) -> Comparison:
    """From comparison.json. Raises UserError for one of another version."""
    try:
        arms = [_arm(row) for row in record["arms"]]
        arms.sort(key=lambda arm: -arm.gain)
        return Comparison(arms, record["band"], record["status"])
    except (KeyError, TypeError) as error:
        raise UserError(
            f"comparison.json has not the form that `snakemake comparison` writes ({error}): make it again"
        ) from None


def _arm(row: dict) -> Arm:
    kept = ("arm", "title", "family", "generation_flops", "training_flops", "efficiency")
    found = {name: row[name] for name in kept}
    return Arm(
        **found, paper=str(row["paper"] or ""), low=row["efficiency_low"], high=row["efficiency_high"],
        status=row["efficiency_status"], gain=row["over_repetition_gain"], tokens=int(row["synthetic_tokens"]),
    )  # fmt: skip
