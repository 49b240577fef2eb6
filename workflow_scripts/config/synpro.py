"""SynPro: pretraining to a plateau, and generators trained by reinforcement (arXiv 2605.17849)."""

from pydantic import Field, PositiveInt

from workflow_scripts.config.base import Strict


class Plateau(Strict):
    """[assumed] When a pretraining counts as having reached its plateau; in the authors' code a person says it."""

    of: str = Field("reference", description="the evaluation set whose loss decides")
    patience: PositiveInt = Field(4, description="evaluations that have to be no better")
    improvement: float = Field(0.002, ge=0, lt=1, description="relative; less than this is no better")
    smoothing: PositiveInt = Field(3, description="evaluations that a running mean is taken over")
