"""Engines behind one small interface: token ids and a seed in, text out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Llm


@dataclass(frozen=True)
class Task:
    """What an engine is given: a prompt, the answer's limit, and a seed of its own."""

    prompt_ids: list[int]
    max_new_tokens: int
    seed: int


@dataclass(frozen=True)
class Completion:
    """What an engine returns. `finish_reason`: stop or length."""

    text: str
    tokens: int
    finish_reason: str


class Engine(Protocol):
    """Answers a batch; the same batch gives the same texts on the same machine."""

    identity: str

    def generate(self, tasks: list[Task], on_tokens: Callable[[int], None]) -> list[Completion]:
        """Completions in the order of the tasks; `on_tokens` is told of new tokens for the progress bar."""


def start_engine(name: str, folder: str, llm: Llm, sequences: int) -> Engine:
    """Start vLLM or transformers. Raises UserError when vLLM is asked for and can't be had here."""
    if name == "vllm":
        try:
            from workflow_scripts.generation.engines.vllm_engine import VllmEngine
        except ImportError as error:
            raise UserError(
                f"vLLM can't be imported here ({error}); it has wheels for Linux on x86-64. "
                "Set `engine: transformers` in the scale's generation section."
            ) from error
        return VllmEngine(folder, llm, sequences)
    from workflow_scripts.generation.engines.transformers_engine import TransformersEngine

    return TransformersEngine(folder, llm)
