"""The loop between batches and an engine, the same for both kinds of batching.

fixed: a batch runs to its end before the next one is opened, because in bf16 a text depends on what else is in the
engine; so texts depend neither on sharding nor on interruptions. continuous: the next batch is opened as soon as the
engine could run dry, so that it never waits for the last texts of a batch.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

from workflow_scripts.config.models import Generation
from workflow_scripts.generation.batches import Batch
from workflow_scripts.generation.engines import Completion, Engine, Task

Answer = tuple[Completion, int]  # and the attempt that gave it


@dataclass
class OpenBatch:
    """A batch under way: the answers so far, by the request's place in the batch."""

    batch: Batch
    answers: dict[int, Answer] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether every request is answered."""
        return len(self.answers) == len(self.batch.requests)

    def ordered(self) -> list[Answer]:
        """Answers in the order of the requests."""
        return [self.answers[place] for place in range(len(self.batch.requests))]


class Driver:
    """Feeds an engine; an empty answer is asked again with the request's next seed."""

    def __init__(self, engine: Engine, settings: Generation, on_tokens: Callable[[int], None]) -> None:
        self.engine, self.retries, self.on_tokens = engine, settings.empty_retries, on_tokens
        self.fixed = settings.batching == "fixed"
        self.enough = 1 if self.fixed else settings.sequences  # requests under way while no batch is opened
        self.numbers = count()
        self.asked: dict[int, tuple[OpenBatch, int, int]] = {}  # number -> batch, place, attempt

    def run(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, list[Answer]]]:
        """Batches with their answers, each as soon as it is whole."""
        for batch in batches:
            opened = self._open(batch)
            if opened.is_whole:  # it asks for nothing
                yield batch, []
            while len(self.asked) >= self.enough:
                yield from self._step()
        while self.asked:
            yield from self._step()

    def _open(self, batch: Batch) -> OpenBatch:
        if self.fixed:
            self.engine.forget()
        opened = OpenBatch(batch)
        for place in range(len(batch.requests)):
            self._ask(opened, place, 0)
        return opened

    def _ask(self, opened: OpenBatch, place: int, attempt: int) -> None:
        request, number = opened.batch.requests[place], next(self.numbers)
        self.asked[number] = opened, place, attempt
        self.engine.add(number, Task(request.prompt_ids, request.max_new_tokens, request.seed(attempt)))

    def _step(self) -> Iterator[tuple[Batch, list[Answer]]]:
        for number, completion in self.engine.step():
            opened, place, attempt = self.asked.pop(number)
            self.on_tokens(completion.tokens)
            if not completion.text.strip() and attempt < self.retries:
                self._ask(opened, place, attempt + 1)
                continue
            opened.answers[place] = completion, attempt
            if opened.is_whole:
                yield opened.batch, opened.ordered()
