"""What all sections of the config are made of: a model that rejects unknown keys, and the types of values."""

import re
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Decay = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Stream = Literal[
    "simple",
    "stitched",
    "latent",
    "stitched_real_first",
    "simple_no_real",
    "stitched_no_real",
    "latent_no_real",
    "self_distilled",
]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]  # of a kind of text, and so of its stream and its shards
REAL, STREAMS = "real", get_args(Stream)
ROUND = re.compile(r"(replace|accumulate)_r([1-9]\d*)")  # streams of a student's own text, round by round


class Strict(BaseModel):
    """A section of the config that rejects unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)
