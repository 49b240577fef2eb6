"""What is asked of the generator: one request per (document, method, generation), with a seed of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from workflow_scripts.common.seeds import named_seed
from workflow_scripts.config.base import Name
from workflow_scripts.config.models import Generation
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.generation.prompts import PromptBuilder
from workflow_scripts.generation.splitting import boundary_offset, studied_thoughts


@dataclass(frozen=True)
class Request:
    """One text to write."""

    doc_id: str
    method: Name
    generation: int
    boundary: str | None
    prompt_ids: list[int]
    source_cut: bool
    max_new_tokens: int

    def seed(self, attempt: int) -> int:
        """Sampling seed: depends on document, method and place, not on order, sharding or G."""
        return named_seed("generation", self.doc_id, self.method, self.boundary or self.generation, attempt)


def requests_of(
    document: dict, method: Name, settings: Generation, builder: PromptBuilder, tokenizer: StudentTokenizer
) -> Iterator[Request]:
    """All requests of a document for a method."""
    limit = settings.max_new_tokens[method]
    if method != "latent_thoughts":
        ids, cut = builder.rephrase(document["text"])
        for generation in range(settings.generated):
            yield Request(document["doc_id"], method, generation, None, ids, cut, limit)
        return
    spans = tokenizer.offsets(document["text"])
    for generation, name in enumerate(studied_thoughts(settings.counts)):
        offset = boundary_offset(spans, Fraction(name))
        if offset is not None:
            ids, cut = builder.latent_thoughts(document["text"][:offset], document["text"][offset:])
            yield Request(document["doc_id"], method, generation, name, ids, cut, limit)
