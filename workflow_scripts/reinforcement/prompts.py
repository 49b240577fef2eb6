"""What a generator is trained on: prompts of slices, and which slices are held out to see how far it is.

[assumed] Both are slices of the organic documents themselves, so no text from outside gets in.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.seeds import named_hash, named_seed
from workflow_scripts.generation.prompts import PromptBuilder


@dataclass(frozen=True)
class Prompt:
    """A prompt as text, and the part of the slice that it shows; too long a slice is cut, never the instructions."""

    doc_id: str
    prompt: str
    source: str


def prompts_of(slices: Iterable[dict], builder: PromptBuilder) -> list[Prompt]:
    """A prompt for every slice, in their order."""
    return [Prompt(row["doc_id"], *builder.shown(row["text"])) for row in slices]


def split(prompts: list[Prompt], held_out: int, name: str) -> tuple[list[Prompt], list[Prompt]]:
    """Prompts to train on and `held_out` others, chosen by their documents' ids: slices of one stay together.

    Raises UserError where nothing is left to train on.
    """
    order = sorted(prompts, key=lambda one: (named_hash("held-out slices", name, document_of(one)), one.doc_id))
    chosen = {document_of(one) for one in order[:held_out]}
    rest = [one for one in order if document_of(one) not in chosen]
    if not rest:
        raise UserError(
            f"{len(prompts)} slices leave none to train on beside evaluation_slices: {held_out}: lower it, or raise "
            "organic_tokens"
        )
    return rest, order[:held_out]


def document_of(prompt: Prompt) -> str:
    """The document that a prompt's slice is of."""
    return prompt.doc_id.partition("#")[0]


def rows_of(prompts: list[Prompt], steps: int, prompts_per_step: int, seed: int) -> list[dict]:
    """One row per prompt in the order in which a training sees them: all once, then all in another order, and so on."""
    import numpy as np

    needed, rows, epoch = steps * prompts_per_step, [], 0
    while len(rows) < needed:
        order = np.random.default_rng(named_seed("prompts", seed, epoch)).permutation(len(prompts))
        rows += [asdict(prompts[place]) for place in order]
        epoch += 1
    return rows[:needed]
