"""Generators and their training by reinforcement (arXiv 2605.17849)."""

from typing import Literal

from pydantic import Field, PositiveInt

from workflow_scripts.config.base import Fraction, Rate, Strict

RewardName = Literal["influence", "quality", "faithfulness", "structure", "length", "format"]


class Operation(Strict):
    """What is written of a slice."""

    prompt: str = Field(description="a file of workflow_scripts/generation/prompts, without .txt")
    max_new_tokens: PositiveInt = 2048


class Lora(Strict):
    """Low-rank adapters instead of full fine-tuning; they are merged into the generator that is written."""

    rank: PositiveInt = 16
    alpha: PositiveInt = 32


class Reinforcement(Strict):
    """GRPO of a generator; defaults are the authors'."""

    steps: PositiveInt = 240
    completions: int = Field(8, ge=2, description="of each prompt: the group that advantages are relative to")
    prompts_per_step: PositiveInt = 20
    micro_batch_completions: PositiveInt = Field(8, description="that one device works on at once; memory alone")
    lr: Rate = 1e-6
    lr_floor: Fraction = Field(0.1, description="of lr, at the end of the cosine")
    warmup_fraction: Fraction = 0.1
    kl: float = Field(0.005, ge=0, description="weight of the divergence from the generator it started as")
    temperature: float = Field(1.0, gt=0)
    top_p: float = Field(0.9, gt=0, le=1)
    lora: Lora | None = Field(None, description="none: full fine-tuning")
    evaluate_every: PositiveInt = Field(30, description="steps between evaluations on held-out slices")
    evaluation_slices: PositiveInt = 128
    gradient_checkpointing: bool = Field(True, description="activations are computed again: less memory, more time")
    save_every: PositiveInt = Field(30, description="steps between states that an interrupted training continues from")
    seed: int = 42
    dataman: str | None = Field(None, description="hub id or folder of the quality rater; none: a linear one")
    judge: str | None = Field(None, description="hub id or folder of the judge of faithfulness; none: embeddings")
    minimum_characters: int = Field(
        500, ge=0, description="a text with fewer has no influence score; ours counts it and leaves the term out"
    )
    longest_share: float = Field(1.25, gt=0, description="of the source's characters, that the length reward allows")
