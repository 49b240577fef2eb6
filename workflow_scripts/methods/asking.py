"""Asking the LLM: prompts of a method in, answers out, in the same order; a killed job asks nothing twice.

The engine, its batches and the journal are those of all generation (generation/generate.py); the engine starts with the
first prompt that the journal does not know, and is kept until the method is done.
"""

import argparse
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from workflow_scripts.common.batches import batched
from workflow_scripts.common.hub import located
from workflow_scripts.common.progress import progress
from workflow_scripts.common.seeds import named_seed
from workflow_scripts.config.models import Generation, Llm
from workflow_scripts.generation.batches import Batch
from workflow_scripts.generation.engines import Engine
from workflow_scripts.generation.prompts import PromptBuilder, Template
from workflow_scripts.generation.requests import Request
from workflow_scripts.generation.sample_student import Sampling
from workflow_scripts.methods.costs import Costs, parameters_in

REWRITER = "You're an AI assistant for text re-writing."  # [assumed] the packaged LLM keeps to a text best when so told


def prompt(user: str, system: str = "You write clear English.", answer: str = "") -> Template:
    """A prompt: `{document}` and other names in braces are filled in; `answer`: words that the answer is begun with."""
    content = "\n".join((system, user, answer))
    digest = hashlib.sha256(content.encode()).hexdigest()
    return Template(f"module-{digest[:8]}", system.strip(), user.strip(), digest, answer)


@dataclass(frozen=True)
class Asked:
    """One prompt: what of it differs from others of its template; `kind` and `number` as of the text that it gives.

    values: `document`, which is cut at its end where it is too long, and others; or `prefix` and `suffix` of a
    boundary, which are cut far from it.
    """

    doc_id: str
    kind: str
    number: int
    template: Template
    values: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What the LLM said, with the words that its answer was begun with; `finished`: it ended by itself."""

    asked: Asked
    text: str
    finished: bool


@dataclass(frozen=True)
class Prompted(Request):
    """A prompt as a request; its seed depends on what is asked, not on the method that asks: formats are shared."""

    kind: str

    def seed(self, attempt: int) -> int:
        """Sampling seed."""
        return named_seed("method", self.doc_id, self.kind, self.generation, attempt)


@dataclass(frozen=True)
class PromptedBatch(Batch):
    """Prompts that the engine gets together."""

    found: dict[int, dict] = field(default_factory=dict, compare=False)

    def finish(self, record: dict, llm: Llm) -> None:
        """Keep the answers."""
        self.found.update(enumerate(record["answers"]))


class KeptEngine:
    """An engine that several rounds of prompts share: whoever asks may close it without ending it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.identity, self.add, self.step, self.forget = engine.identity, engine.add, engine.step, engine.forget

    def close(self) -> None:
        """Nothing; the method's tools end the engine."""


class LlmJob(Sampling):
    """The job of one method."""

    engine: Engine | None = None

    def _start_engine(self) -> Engine:
        self.engine = self.engine or super()._start_engine()
        return KeptEngine(self.engine)

    def end(self) -> None:
        """End the engine, if it was started."""
        if self.engine:
            self.engine.close()


class Asker:
    """Asks one LLM, and counts what it costs."""

    def __init__(
        self, arguments: argparse.Namespace, settings: Generation, llm: Llm, max_new_tokens: int, costs: Costs
    ) -> None:
        self.job, self.llm, self.settings = LlmJob(arguments, settings, llm), llm, settings
        self.limit, self.costs, self.model = max_new_tokens, costs, arguments.model

    def answers(self, asked: Sequence[Asked], new_tokens: int | None = None) -> list[Answer]:
        """Answers in the order of the prompts; `new_tokens`: most of one answer, the comparison's without it."""
        limit, started = new_tokens or self.limit, time.monotonic()
        builders = {each.template: PromptBuilder(self.job.llm_tokenizer, each.template, self.llm.context, limit)
                    for each in asked}  # fmt: skip
        batches = list(self._batches(asked, builders, limit))
        with progress(len(asked) * limit, "asking (ETA: at most)", "tokens") as bar:
            self.job.run_batches(iter(batches), bar.update)
        found = [batch.found[place] for batch in batches for place in range(len(batch.requests))]
        self._count(batches, found, time.monotonic() - started)
        return [
            Answer(each, each.template.answer + one["text"], one["finish_reason"] == "stop")
            for each, one in zip(asked, found, strict=True)
        ]

    def _batches(self, asked: Sequence[Asked], builders: dict, limit: int) -> Iterator[PromptedBatch]:
        for number, group in enumerate(batched(asked, self.settings.sequences)):
            requests = [request_of(each, builders[each.template], limit) for each in group]
            yield PromptedBatch(None, number, [], requests, group[0].template)

    def _count(self, batches: list[PromptedBatch], found: list[dict], seconds: float) -> None:
        read = sum(len(request.prompt_ids) for batch in batches for request in batch.requests)
        parameters = parameters_in(located("model", self.model, self.llm.revision))
        self.costs.use(self.llm.model, parameters, read, sum(one["tokens"] for one in found))
        self.costs.seconds += seconds


def request_of(asked: Asked, builder: PromptBuilder, limit: int) -> Prompted:
    """The engine's view of a prompt."""
    ids, cut = builder.latent_thoughts(**asked.values) if "suffix" in asked.values else builder.filled(asked.values)
    return Prompted(asked.doc_id, "method", asked.number, None, ids, cut, limit, asked.kind)


Ask = Callable[[Sequence[Asked]], list[Answer]]
