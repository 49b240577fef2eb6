"""Texts of exported students, for methods without an LLM: batches with a cache of keys and values.

Every text has a seed of its own, and batches hold the same texts however many are wanted: so are the texts.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.progress import progress
from workflow_scripts.generation.samples import PATIENCE_TEXTS
from workflow_scripts.methods.text import OK, Text
from workflow_scripts.methods.tools import Tools

TEXTS_AT_ONCE = {"cpu": 64, "cuda": 512}
Scores = Callable[..., torch.Tensor]  # log-probabilities [texts, vocabulary] of each student in, scores out


@dataclass(frozen=True)
class Student:
    """A model that texts are sampled from, what costs call it, and most tokens that it reads and writes together."""

    name: str
    model: torch.nn.Module
    context: int

    @property
    def parameters(self) -> int:
        """How many; a tied head counts once."""
        return sum(parameter.numel() for parameter in self.model.parameters())


@dataclass(frozen=True)
class Wanted:
    """A text to sample: what it is called, what stands before it, its seed."""

    doc_id: str
    number: int
    prompt: list[int]
    seed: int


def load(tools: Tools, folder: Path | None, name: str) -> Student:
    """An exported student in fp32, at the context that it was trained with.

    Raises UserError when the method's entry does not ask for students.
    """
    if folder is None:
        raise UserError(f"methods.{tools.name}.author: its module samples from students: write `author: student`")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).to(device).eval()
    longest = model.config.max_position_embeddings
    return Student(name, model, min(longest, tools.context or longest))


def drawn(scores: torch.Tensor, generators: list[torch.Generator]) -> torch.Tensor:
    """[texts]: a token of each row of scores, by their softmax; the row's own generator decides (Gumbel noise)."""
    noise = torch.stack([torch.empty(scores.shape[1]).exponential_(generator=each) for each in generators])
    return (scores - noise.log().to(scores.device)).argmax(-1)


@torch.inference_mode()
def sample(students: list[Student], wanted: list[Wanted], score: Scores, limit: int, eos: int) -> list[list[int]]:
    """Tokens of each text, with EOS where it ended by itself."""
    device, width = students[0].model.device, max(len(one.prompt) for one in wanted)
    padding = [width - len(one.prompt) for one in wanted]
    tokens = torch.tensor([[eos] * p + one.prompt for p, one in zip(padding, wanted, strict=True)], device=device)
    mask = torch.tensor([[0] * p + [1] * (width - p) for p in padding], device=device)
    places = (mask.cumsum(-1) - 1).clamp(min=0)
    generators = [torch.Generator().manual_seed(one.seed) for one in wanted]
    caches, written = [None] * len(students), torch.empty(len(wanted), 0, dtype=torch.long, device=device)
    while written.shape[1] < limit and not (written == eos).any(1).all():
        known = []
        for i, student in enumerate(students):
            options = {"attention_mask": mask, "position_ids": places, "past_key_values": caches[i], "use_cache": True}
            output = student.model(tokens, **options)
            caches[i] = output.past_key_values
            known.append(output.logits[:, -1].float().log_softmax(-1))
        tokens = drawn(score(*known), generators)[:, None]
        written = torch.cat([written, tokens], 1)
        mask, places = torch.cat([mask, torch.ones_like(tokens)], 1), places[:, -1:] + 1
    return [row[: row.index(eos) + 1] if eos in row else row for row in written.tolist()]


def texts_until(
    tools: Tools, kind: str, students: list[Student], wanted: Callable[[int], Wanted], score: Scores, limit: int
) -> Iterator[Text]:
    """Texts 0, 1, 2, ... until their rows have the comparison's synthetic tokens.

    Raises UserError when the students write nothing.
    """
    size, have = TEXTS_AT_ONCE[students[0].model.device.type], 0
    with progress(tools.synthetic_tokens, "sampling", "tokens") as bar:
        for first in count(0, size):
            batch = [wanted(number) for number in range(first, first + size)]
            started = time.monotonic()
            rows = sample(students, batch, score, limit, tools.tokenizer.eos_id)
            _count(tools, students, batch, rows, time.monotonic() - started)
            for one, ids in zip(batch, rows, strict=True):
                text = tools.tokenizer.decode(ids)
                tokens = len(tools.tokenizer.rows([text])[0]) if text.strip() else 0
                yield Text(one.doc_id, kind, one.number, text, OK if tokens else "empty")
                bar.update(tokens)
                have += tokens
                if have >= tools.synthetic_tokens:
                    return
            if not have and first + size >= PATIENCE_TEXTS:
                raise UserError(f"{tools.author}: its first {first + size} texts are all empty: train it longer")


def _count(tools: Tools, students: list[Student], batch: list[Wanted], rows: list[list[int]], seconds: float) -> None:
    """The first student writes; others read what it writes."""
    prompts, written = sum(len(one.prompt) for one in batch), sum(map(len, rows))
    tools.costs.use(students[0].name, students[0].parameters, read=prompts, written=written)
    for other in students[1:]:
        tools.costs.use(other.name, other.parameters, read=prompts + written)
    tools.costs.seconds += seconds
