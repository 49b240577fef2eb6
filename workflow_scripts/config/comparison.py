"""All methods of writing synthetic text on one protocol: what a method is, and what a scale compares.

A method is a module of `workflow_scripts/methods` and an entry of `methods`; an arm is a stream that students are
trained on: texts of a method or SynPro's sets, as they are or joined with their document as megadocs, up to the same
number of synthetic tokens. Repetition of the natural text and fresh natural text (the baseline's larger numbers of
tokens) are there without an entry.
"""

from typing import Literal

from pydantic import Field, JsonValue, PositiveInt, model_validator

from workflow_scripts.config.base import REAL, Fraction, Name, Strict
from workflow_scripts.config.grid import Tuning
from workflow_scripts.config.synpro import SynPro

SIMPLE = (
    "simple"  # the arm that others are compared with at equal synthetic tokens, and whose tuned values they may take
)


class Method(Strict):
    """A way of writing synthetic text."""

    title: str = Field(description="as figures call it")
    paper: str = Field(description="arXiv number, or `ours`")
    module: Name = Field(description="of workflow_scripts/methods")
    author: Literal["llm", "student", "prior"] = Field(
        "llm",
        description="who writes: the scale's LLM by prompts, a student of the natural text, or the LLM as a prior",
    )
    settings: dict[str, JsonValue] = Field({}, description="the module's own")


class Arm(Strict):
    """A synthetic stream: texts of one method, or of SynPro's sets."""

    title: str = Field(description="as figures call it")
    method: Name | None = Field(None, description="a key of `methods`")
    sets: list[Name] = Field([], description="keys of `synpro.sets`, in this order")
    stitched: bool = Field(False, description="texts of a document and, last, the document itself follow each other")
    synthetic_tokens: PositiveInt | None = Field(None, description="none: the comparison's")

    @model_validator(mode="after")
    def _has_texts(self) -> "Arm":
        if bool(self.method) == bool(self.sets):
            raise ValueError("an arm has either a `method` or `sets` of SynPro")
        return self


class Comparison(Strict):
    """The frame that all arms share at one scale."""

    student: str = Field(description="a key of `students`")
    context: PositiveInt
    batch_sequences: PositiveInt
    seeds: list[int] = Field([0, 1, 2], min_length=1)
    organic_tokens: PositiveInt = Field(description="unique natural tokens that there are")
    baseline_tokens: list[PositiveInt] = Field(
        min_length=1, description="natural tokens of the baseline law's students; the larger ones are fresh text"
    )
    oracle_tokens: PositiveInt = Field(
        description="which of them is the oracle: fresh natural text instead of synthetic"
    )
    synthetic_tokens: PositiveInt = Field(description="that every arm has, or as many as its method writes")
    passage_tokens: PositiveInt = Field(description="[assumed] documents are cut into passages of about so many")
    texts: PositiveInt = Field(description="texts per passage or document that a method writes")
    max_new_tokens: PositiveInt = Field(description="of one text by the LLM")
    early_share: Fraction = Field(
        0.25, description="[assumed] of its steps, at which repetition's student is kept as the weaker one of two"
    )
    downstream: bool = Field(
        True, description="whether arms' and controls' students of the first seed answer the downstream questions"
    )
    tuning: Tuning = Field(Tuning(), description="the grid, which all arms share")
    arms: dict[Name, Arm]
    left_out: dict[Name, str] = Field({}, description="arms that can't be done honestly at this scale, with the reason")

    @model_validator(mode="after")
    def _arms_and_controls(self) -> "Comparison":
        if SIMPLE not in self.arms:
            raise ValueError(f"arms needs `{SIMPLE}`, the control at equal synthetic tokens")
        if REAL in self.arms:
            raise ValueError(f"arms: `{REAL}` is the natural text's name")
        if both := sorted(set(self.arms) & set(self.left_out)):
            raise ValueError(f"left_out.{both[0]}: it is among the arms")
        for tokens in (self.organic_tokens, self.oracle_tokens):
            if tokens not in self.baseline_tokens:
                raise ValueError(f"baseline_tokens {self.baseline_tokens} lacks {tokens}, which a control needs")
        return self

    def check_sets(self, synpro: SynPro | None) -> None:
        """Raises ValueError where an arm names a set that is not there, or one of other documents than its own."""
        wanted = {name: arm for arm, own in self.arms.items() for name in own.sets}
        known = synpro.used_sets() if synpro else {}
        for name, arm in wanted.items():
            if name not in known:
                raise ValueError(f"comparison.arms.{arm}.sets: no pretraining of `synpro` has a set '{name}'")
        if wanted and (synpro.organic_tokens, synpro.slice_tokens) != (self.organic_tokens, self.passage_tokens):
            raise ValueError(
                "comparison.organic_tokens and .passage_tokens have to be those of synpro where arms have its `sets`, "
                "since all arms share documents: make them equal, or take those arms out"
            )
        if synpro and synpro.unique_tokens < max(self.baseline_tokens):
            raise ValueError(f"comparison.baseline_tokens go beyond synpro.unique_tokens {synpro.unique_tokens}")

    @property
    def methods(self) -> list[Name]:
        """Methods that some arm needs, each once."""
        return list(dict.fromkeys(arm.method for arm in self.arms.values() if arm.method))
