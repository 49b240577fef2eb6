"""Kinds of synthetic text, and the mixtures of a scale (arXiv 2510.01631)."""

from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from workflow_scripts.config.base import REAL, ROUND, STREAMS, Name, Strict
from workflow_scripts.config.corpus import Source


class Kind(Strict):
    """A kind of synthetic text: what is written, of what, by whom. A new kind is a new entry."""

    title: str = Field(description="as figures call it")
    prompt: str = Field(description="a file of workflow_scripts/generation/prompts, without .txt")
    source: Literal["passages", "keywords"] = Field(
        "passages", description="what a prompt is given: a passage of a natural document, or keywords sampled from all"
    )
    llm: str | None = Field(None, description="a key of `llms`; none: the scale's generator")


class Written(Strict):
    """How much is written of a kind."""

    texts: PositiveInt = Field(1, description="texts per passage; of keywords, texts per passage that there would be")
    max_new_tokens: PositiveInt = 454  # [assumed] 1.3 times a passage of 300 tokens, and 64


class Mixtures(Strict):
    """Natural and synthetic text of the mixture studies."""

    natural: Source | None = Field(
        None, description="natural documents of these studies; none: the corpus's train pool"
    )
    source_tokens: PositiveInt = Field(description="first natural tokens that texts are written of")
    passage_tokens: PositiveInt = Field(300, description="[assumed] documents are cut at about so many tokens")
    keywords: PositiveInt = Field(3, description="[assumed] keywords of a text that is written of keywords")
    kinds: dict[Name, Written] = Field(min_length=1, description="keys of the config's `kinds`")

    @model_validator(mode="after")
    def _names_are_free(self) -> "Mixtures":
        for name in self.kinds:
            if name in (REAL, *STREAMS) or ROUND.fullmatch(name):
                raise ValueError(f"a kind can't be called {name}: a stream of the megadocs study is; rename it")
        return self
