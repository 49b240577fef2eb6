"""The claims of claims.yaml, checked: a sentence per wrong entry, before anything is computed."""

import math
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from workflow_scripts.claims.quantities import QUANTITIES, problem_with
from workflow_scripts.claims.recompute import RECOMPUTATIONS
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.base import Strict
from workflow_scripts.config.load import sentences
from workflow_scripts.figures.catalogue import FIGURES

SOURCES = ("[paper]", "[code]", "[second-hand]", "[derived]", "not public")
CERTAIN = ("published", "planted", "paper")  # columns in which a claim can be required to hold


class Call(BaseModel):
    """A function by its name, with its arguments beside it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments."""
        return dict(self.__pydantic_extra__ or {})

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={value}' for key, value in self.arguments.items())})"


class Stated(Strict):
    """What a paper says: a value, a range, or a direction; nothing where it is not public."""

    value: float | None = None
    between: tuple[float, float] | None = None
    below: float | None = None
    above: float | None = None
    source: Literal[SOURCES]

    @model_validator(mode="after")
    def _one_form(self) -> "Stated":
        given = [form for form in ("value", "between", "below", "above") if getattr(self, form) is not None]
        if self.source == "not public" and given:
            raise ValueError(f"{given[0]} is given, but the source says not public: remove the one or the other")
        if self.source != "not public" and len(given) != 1:
            raise ValueError("give one of value, between, below, above, or say source: not public")
        return self

    @property
    def public(self) -> bool:
        """Whether there is something to compare with."""
        return self.source != "not public"

    @property
    def one_sided(self) -> bool:
        """Whether it is a direction alone."""
        return self.below is not None or self.above is not None

    def interval(self, tolerance: float) -> tuple[float, float]:
        """What agrees with it."""
        if self.one_sided:
            low, high = (-math.inf, self.below) if self.below is not None else (self.above, math.inf)
        else:
            low, high = self.between or (self.value, self.value)
        return low - tolerance, high + tolerance

    def __str__(self) -> str:
        if not self.public:
            return "not public"
        if self.one_sided:
            return f"below {self.below:g}" if self.below is not None else f"above {self.above:g}"
        return f"{self.between[0]:g} to {self.between[1]:g}" if self.between else _digits(self.value)


def _digits(value: float) -> str:
    """At least two decimals of a fraction, which papers give and a float forgets: 1.8 is 1.80."""
    return f"{value:.2f}" if 0 < abs(value) < 10 and round(value, 2) == value else f"{value:.6g}"


class Claim(Strict):
    """One claim of a paper: what it says, and how it is computed here."""

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    sentence: str
    figure: str
    quantity: Call | None = Field(description="none: no study trains the students that it needs")
    paper: Stated
    tolerance: float = Field(0.0, ge=0)
    why: str = Field(description="the reason for the tolerance, or what a direction is compared with")
    computed: str = Field(description="in words")
    published: Call | None = Field(None, description="how the papers' public numbers give it; none: they don't")
    nothing_is: float | None = Field(None, description="the value without an effect; a band with it identifies nothing")
    only_at: Literal["paper"] | None = Field(None, description="the only scale whose value can be compared")
    holds_at: list[Literal[CERTAIN]] = Field([], description="columns in which it must hold, else the check fails")

    @field_validator("figure")
    @classmethod
    def _figure_exists(cls, name: str) -> str:
        if name not in FIGURES:
            raise ValueError(f"no such figure; they are {', '.join(FIGURES)}")
        return name

    @field_validator("quantity", "published")
    @classmethod
    def _function_exists(cls, call: Call | None, field: ValidationInfo) -> Call | None:
        functions = QUANTITIES if field.field_name == "quantity" else RECOMPUTATIONS
        if call and (problem := problem_with(functions, call.name, call.arguments)):
            raise ValueError(problem)
        return call


def read_claims(path: str | Path) -> list[Claim]:
    """All claims. Raises UserError with a sentence per wrong entry."""
    content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    if not isinstance(content, list):
        raise UserError(f"{path}: it should be a list of claims")
    claims, problems = [], []
    for number, entry in enumerate(content, start=1):
        try:
            claims.append(Claim.model_validate(entry))
        except ValidationError as error:
            name = entry.get("id", f"claim {number}") if isinstance(entry, dict) else f"claim {number}"
            problems += [f"  {name}: {sentence.strip()}" for sentence in sentences(error)]
    ids = [claim.id for claim in claims]
    problems += [
        f"  {name}: a second claim of this id; rename one" for name in sorted({i for i in ids if ids.count(i) > 1})
    ]
    if problems:
        raise UserError(f"{path} is not valid:\n" + "\n".join(problems))
    return claims
