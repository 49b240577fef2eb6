"""How a job's work is divided: shards, which are files, and batches, which are whole documents of one shard."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from workflow_scripts.common.batches import batched
from workflow_scripts.common.files import remove, sha256, write_json
from workflow_scripts.config.base import Name
from workflow_scripts.config.models import Generation, Llm
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.generation.flags import flags_of
from workflow_scripts.generation.prompts import PromptBuilder, Template, load_template
from workflow_scripts.generation.requests import Request, requests_of
from workflow_scripts.generation.shards import record_path, slice_of, write_rows


@dataclass
class Shard:
    """A shard to write, and what its finished batches brought: rows by number of the batch, and times."""

    path: Path
    method: Name
    documents: list[dict]
    batches: int
    rows: dict[int, list[dict]] = field(default_factory=dict)
    seconds: float = 0.0
    engine_start_seconds: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether every batch is there."""
        return len(self.rows) == self.batches

    def write(self) -> None:
        """Write the rows and their record of digest, counts and throughput, the record last; forget the rows."""
        rows = [row for number in sorted(self.rows) for row in self.rows[number]]
        self.rows.clear()
        remove(record_path(self.path))  # nobody shall check new rows against an old record
        write_rows(self.path, rows)
        write_json(record_path(self.path), self._record(rows) | {"sha256": sha256(self.path)})

    def _record(self, rows: list[dict]) -> dict:
        tokens = sum(row["tokens"] for row in rows)
        return {
            "method": self.method,
            "documents": [document["doc_id"] for document in self.documents],
            "rows": len(rows),
            "tokens": tokens,
            "prompt_tokens": sum(row["prompt_tokens"] for row in rows),
            "seconds": round(self.seconds, 3),
            "engine_start_seconds": round(self.engine_start_seconds, 3),
            "tokens_per_second": round(tokens / self.seconds, 1) if self.seconds else None,
            "flags": Counter(flag for row in rows for flag in row["flags"]),
            "sources_cut": sum(row["source_cut"] for row in rows),
        }


@dataclass(frozen=True)
class Batch:
    """Requests that are opened together, and the documents they are of; its number is its place in its shard."""

    shard: Shard
    number: int
    documents: list[dict]
    requests: list[Request]
    template: Template

    def key(self, llm: Llm, settings: Generation) -> str:
        """Hash of everything that the batch's texts depend on."""
        asked = [(r.prompt_ids, r.max_new_tokens, r.seed(0)) for r in self.requests]
        manner = [settings.engine, settings.batching, settings.batch_invariant, settings.empty_retries]
        content = json.dumps([asked, llm.model_dump(exclude=llm.unsaid), *manner])
        return hashlib.sha256(content.encode()).hexdigest()[:24]

    def finish(self, record: dict, llm: Llm) -> None:
        """Put the batch's record into its shard, which is written with its last batch."""
        self.shard.rows[self.number] = list(self._rows(record, llm))
        self.shard.seconds += record["seconds"]
        self.shard.engine_start_seconds += record["engine_start_seconds"]
        if self.shard.is_whole:
            self.shard.write()

    def _rows(self, record: dict, llm: Llm) -> Iterator[dict]:
        texts = {document["doc_id"]: document["text"] for document in self.documents}
        for request, found in zip(self.requests, record["answers"], strict=True):
            yield {
                "doc_id": request.doc_id,
                "method": request.method,
                "generation": request.generation,
                "boundary": request.boundary,
                "prompt_version": self.template.version,
                "prompt_sha256": self.template.sha256,
                "model": llm.model,
                "model_revision": llm.revision,
                "engine": record["engine"],
                "temperature": llm.temperature,
                "top_p": llm.top_p,
                "seed": request.seed(found["attempt"]),
                "attempt": found["attempt"],
                "prompt_tokens": len(request.prompt_ids),
                "source_cut": request.source_cut,
                "text": self.template.answer + found["text"],
                "tokens": found["tokens"],
                "finish_reason": found["finish_reason"],
                "flags": flags_of(found["text"], found["finish_reason"], texts[request.doc_id]),
            }


def shards_of(documents: list[dict], job: int, settings: Generation, folder: Path) -> list[Shard]:
    """Every shard of a job, in the order in which they are worked on."""
    per_job, size = settings.shards_per_job, settings.batch_documents
    found = []
    for method in settings.max_new_tokens:
        for part in range(per_job):
            places = slice_of(len(documents), job * per_job + part, settings.jobs * per_job, size)
            own = [documents[i] for i in places]
            found.append(Shard(folder / f"{method}-{job}.{part}.parquet", method, own, -(-len(own) // size)))
    return found


def batches_of(
    shard: Shard, settings: Generation, llm: Llm, llm_tokenizer, student_tokenizer: StudentTokenizer
) -> Iterator[Batch]:
    """Batches of a shard, in order."""
    method = shard.method
    template = load_template(settings.prompt_versions[method])
    builder = PromptBuilder(llm_tokenizer, template, llm.context, settings.max_new_tokens[method])
    for number, group in enumerate(batched(shard.documents, settings.batch_documents)):
        requests = [r for d in group for r in requests_of(d, method, settings, builder, student_tokenizer)]
        yield Batch(shard, number, group, requests, template)
