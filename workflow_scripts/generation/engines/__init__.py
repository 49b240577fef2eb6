"""Engines behind one small interface: requests may be added at any time, each step hands back finished answers."""

from dataclasses import dataclass
from typing import Protocol

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Generation, Llm


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
    """Answers tasks in its own order; the same calls in the same order give the same texts on the same machine.

    The server is the exception: its texts depend on what its other clients ask.
    """

    identity: str

    def add(self, number: int, task: Task) -> None:
        """Queue a task under a number that no unfinished task has."""

    def step(self) -> list[tuple[int, Completion]]:
        """Work on what is queued for a while; the tasks that this finished (perhaps none)."""

    def forget(self) -> None:
        """Drop what finished tasks left behind (the prefix cache), so that later ones don't depend on them."""

    def close(self) -> None:
        """End what the engine started."""


def start_engine(settings: Generation, folder: str, llm: Llm, server: str | None = None) -> Engine:
    """Start an engine, or reach the server that the JSON file `server` names.

    Raises UserError when vLLM is asked for and can't be had here, or when the server doesn't answer.
    """
    if settings.engine == "vllm-server":
        from workflow_scripts.generation.engines.server_engine import ServerEngine

        return ServerEngine(server, llm)
    if settings.engine == "transformers":
        from workflow_scripts.generation.engines.transformers_engine import TransformersEngine

        return TransformersEngine(folder, llm)
    try:
        from workflow_scripts.generation.engines.vllm_engine import VllmEngine
    except ImportError as error:
        raise UserError(
            f"vLLM can't be imported here ({error}); it has wheels for Linux on x86-64. "
            "Set `engine: transformers` in the scale's generation section."
        ) from error
    return VllmEngine(folder, llm, settings)
