"""What a certificate says: one tuned row, its neighbours, and whether one of them is better."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, ValidationError

from workflow_scripts.common.files import read_record, refuse_damaged
from workflow_scripts.config.base import Strict
from workflow_scripts.config.runs import Hyperparameters

CERTIFIED = "certified"


class Written(Strict):
    """Written with Infinity where a student diverged, which Python's JSON reads."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")


class Neighbour(Written):
    """A student one grid step from the centre."""

    run_id: str
    axis: Literal["real_epochs", "mixing_ratio", "lr", "weight_decay"]
    value: int | float
    loss_nats: float = Field(description="per token")
    difference_nats: float = Field(description="its loss minus the centre's; negative: it is better")


class Certificate(Written):
    """All neighbours of one tuned row's student, the centre, with their losses; and the verdict."""

    verdict: str = Field(description="'certified', or 'move to <run>': the best neighbour, if it is strictly better")
    run_id: str = Field(description="the centre's student")
    centre: Hyperparameters
    chosen_on: Literal["tuning", "validation"]
    loss_nats: float = Field(description="of the centre, per token")
    neighbours: list[Neighbour]
    margin_nats: float | None = Field(description="smallest difference of a neighbour; none where no axis is searched")
    edges: list[str] = Field(description="where the centre is at an end of its grid, so has one neighbour, not two")
    not_searched: list[str] = Field(description="axes whose grid has one value")
    seeds: Literal[1] = Field(1, description="per student that is compared")
    seed_spread_nats: float | None = Field(description="standard deviation over seeds; none: not measured")
    note: str

    @property
    def better(self) -> Neighbour | None:
        """The neighbour to move to; None when the centre is certified."""
        return better_neighbour(self.neighbours)


def better_neighbour(neighbours: Iterable[Neighbour]) -> Neighbour | None:
    """The best neighbour if it is strictly better than the centre; of equal ones the first."""
    best = min(neighbours, key=lambda found: found.difference_nats, default=None)
    return best if best and best.difference_nats < 0 else None


def read_certificate(path: Path) -> Certificate:
    """Read a certificate. Raises UserError, with the file set aside, when it is damaged."""
    try:
        return Certificate.model_validate(read_record(path))
    except ValidationError as error:
        problem = error.errors()[0]
        refuse_damaged(path, f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}")
