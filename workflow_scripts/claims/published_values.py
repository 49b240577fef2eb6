"""The papers' public numbers as values with bands: each is drawn within its rounding, laws within their range."""

from functools import cached_property
from pathlib import Path

import numpy as np
import yaml
from pydantic import Field, ValidationError

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.seeds import named_seed
from workflow_scripts.config.base import Strict
from workflow_scripts.config.load import sentences
from workflow_scripts.scaling.law import DataLaw

FILE = Path(__file__).with_name("published_numbers.yaml")
DRAWS = 400


class Source(Strict):
    """Where something public is to be found, and how sure it is."""

    source: str = Field(pattern=r"^\[(paper|code|second-hand|derived)\]$")
    where: str


class Number(Source):
    """A number, and half the width of what it may be."""

    value: float
    within: float = Field(ge=0)


class Laws(Source):
    """Range of the published data-scaling laws."""

    exponent: tuple[float, float]
    asymptote: tuple[float, float]


class Table(Source):
    """Losses by real tokens (billions) and parameters (billions)."""

    within: float = Field(ge=0)
    parameters: list[float]
    losses: dict[float, list[float]]


class Published(Strict):
    """All that is public."""

    laws: Laws
    numbers: dict[str, Number]
    tables: dict[str, Table]

    def drawn(self, name: str) -> np.ndarray:
        """[1 + DRAWS]: the number, and draws of it within its rounding. Raises UserError for an unknown name."""
        if name not in self.numbers:
            raise UserError(f"{FILE.name}: there is no number '{name}'; they are {', '.join(self.numbers)}")
        number = self.numbers[name]
        return np.concatenate([[number.value], _uniform(number.value, number.within, "number", name)])

    def drawn_table(self, name: str) -> np.ndarray:
        """[1 + DRAWS, tokens, parameters]: losses of a table, and draws of them."""
        table = self.tables[name]
        losses = np.array(list(table.losses.values()))
        noise = _uniform(0.0, table.within, "table", name, size=losses.shape)
        return np.concatenate([losses[None], losses + noise])

    @cached_property
    def data_laws(self) -> tuple[DataLaw, ...]:
        """[1 + DRAWS]: the law in the middle of the range, and draws of it; A is 1, as ratios don't depend on it."""
        middle = DataLaw(1.0, sum(self.laws.exponent) / 2, sum(self.laws.asymptote) / 2)
        generator = np.random.default_rng(named_seed("published laws"))
        exponents, asymptotes = (
            generator.uniform(*bounds, DRAWS) for bounds in (self.laws.exponent, self.laws.asymptote)
        )
        return middle, *(DataLaw(1.0, float(b), float(c)) for b, c in zip(exponents, asymptotes, strict=True))


def read_published(path: Path = FILE) -> Published:
    """The public numbers. Raises UserError with a sentence per wrong entry."""
    try:
        return Published.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise UserError(f"{path} is not valid:\n" + "\n".join(sentences(error))) from None


def _uniform(centre: float, within: float, *name: str, size: tuple = ()) -> np.ndarray:
    generator = np.random.default_rng(named_seed("published", *name))
    return generator.uniform(centre - within, centre + within, (DRAWS, *size))
