"""What a method works with: the scarce documents, their passages, who writes, and names for its seeds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from workflow_scripts.common.seeds import named_seed
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.generation.flags import REFUSAL
from workflow_scripts.generation.prompts import Template
from workflow_scripts.megadocs.kinds import document_of
from workflow_scripts.methods.asking import Answer, Asked, Asker
from workflow_scripts.methods.costs import Costs
from workflow_scripts.methods.text import OK, Text


@dataclass
class Tools:
    """Of one method.

    documents, passages: rows with `doc_id` and `text`; passages are of about `passage_tokens` of the student's tokens,
    `<document>#<place>`. texts: how many are wanted of each. synthetic_tokens: how many student tokens an arm has at
    most, for methods that are not bound to documents. author, early: folders of exported students of the natural text
    (None where the entry's `author` is another); context: tokens that these were trained with; prior: folder of the
    LLM's weights. notes: numbers that the method wants in its record.
    """

    name: str
    settings: dict
    documents: list[dict]
    passages: list[dict]
    texts: int
    synthetic_tokens: int
    tokenizer: StudentTokenizer
    asker: Asker | None = None
    author: Path | None = None
    early: Path | None = None
    prior: Path | None = None
    context: int | None = None
    costs: Costs = field(default_factory=Costs)
    notes: dict[str, float] = field(default_factory=dict)

    def seed(self, *parts: object) -> int:
        """A seed named after the method and what it is for."""
        return named_seed("method", self.name, *parts)

    def rewritten(self, prompts: dict[str, Template], sources: Iterable[dict] | None = None) -> Iterator[Text]:
        """`texts` texts of every passage (or of other sources), the kinds of prompts in turn.

        Passages of a document have the same kind at the same number; the next document begins with the next kind, so
        that all kinds share the texts evenly, however many texts there are.
        """
        asked, numbers = [], []
        for source, first in turns(self.passages if sources is None else sources):
            for number in range(self.texts):
                again, kind = number // len(prompts), list(prompts)[(first + number) % len(prompts)]
                asked.append(Asked(source["doc_id"], kind, again, prompts[kind], {"document": source["text"]}))
                numbers.append(number)
        for number, answer in zip(numbers, self.asker.answers(asked), strict=True):
            yield text_of(answer, number)

    @cached_property
    def by_document(self) -> dict[str, str]:
        """Texts of the documents by id."""
        return {row["doc_id"]: row["text"] for row in self.documents}


def turns(passages: Iterable[dict]) -> Iterator[tuple[dict, int]]:
    """Each passage with its document's place among documents."""
    places: dict[str, int] = {}
    for passage in passages:
        yield passage, places.setdefault(document_of(passage["doc_id"]), len(places))


def text_of(answer: Answer, number: int) -> Text:
    """An answer as it stands: left out where it is empty or refuses."""
    status = "empty" if not answer.text.strip() else "refusal" if REFUSAL.match(answer.text.strip()) else OK
    return Text(answer.asked.doc_id, answer.asked.kind, number, answer.text.strip(), status)
