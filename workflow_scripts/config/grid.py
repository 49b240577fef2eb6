"""The grid of the hyper-parameter search."""

from pydantic import Field, PositiveInt

from workflow_scripts.config.base import Decay, Fraction, Rate, Strict


class Grid(Strict):
    """Steps of the hyper-parameter search along each axis; an axis of one value is not searched."""

    real_epochs: list[PositiveInt] = Field(min_length=1)
    mixing_ratio: list[Fraction] = Field([0.75], min_length=1, description="real-only students have 0")
    lr: list[Rate] = Field([0.003], min_length=1)
    weight_decay: list[Decay] = Field(min_length=1)


class Tuning(Strict):
    """The hyper-parameter search: each tuned row is compared with its neighbours, one grid step along one axis.

    Candidates are compared on the tuning documents, with the first seed.
    """

    real: Grid = Grid(real_epochs=[4, 8, 16], weight_decay=[0.8])
    synthetic: Grid = Grid(real_epochs=[4, 8, 16], weight_decay=[0.8])
