"""Write the shards of one generation job: one engine start, batch by batch, resumable.

A batch is a fixed group of documents and one method. It runs to its end before the next one starts, because in
bf16 a text depends on what else is in the batch; so the texts do not depend on sharding or on interruptions.
Finished batches are kept in a journal: a killed job continues after the last one.
"""

import argparse
import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workflow_scripts.common.batches import batched
from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import read_json, require_free_disk, write_json
from workflow_scripts.common.progress import progress
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Generation, Llm, Method
from workflow_scripts.corpus.documents import read_documents
from workflow_scripts.corpus.sample import prefix
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.generation.engines import Completion, Engine, Task, start_engine
from workflow_scripts.generation.flags import flags_of
from workflow_scripts.generation.prompts import PromptBuilder, Template, load_template
from workflow_scripts.generation.requests import Request, requests_of
from workflow_scripts.generation.shards import slice_of, write_rows
from workflow_scripts.generation.splitting import studied_thoughts

BYTES_PER_TOKEN = 8


@dataclass(frozen=True)
class Batch:
    """Requests that run together, and the documents they are of."""

    documents: list[dict]
    requests: list[Request]
    template: Template

    def key(self, llm: Llm, settings: Generation) -> str:
        """Hash of everything that the batch's texts depend on."""
        asked = [(r.prompt_ids, r.max_new_tokens, r.seed(0)) for r in self.requests]
        content = json.dumps([asked, llm.model_dump(), settings.engine, settings.empty_retries])
        return hashlib.sha256(content.encode()).hexdigest()[:24]


def job_parts(documents: list[dict], job: int, settings: Generation) -> list[list[dict]]:
    """Documents of each shard that this job writes."""
    per_job = settings.shards_per_job
    slices = (
        slice_of(len(documents), job * per_job + part, settings.jobs * per_job, settings.batch_documents)
        for part in range(per_job)
    )
    return [[documents[i] for i in places] for places in slices]


def batches_of(
    documents: list[dict], method: Method, settings: Generation, llm: Llm, tools: "Tools"
) -> Iterator[Batch]:
    """Batches of a shard."""
    template = load_template(settings.prompt_versions[method])
    builder = PromptBuilder(tools.llm_tokenizer, template, llm.context, settings.max_new_tokens[method])
    for group in batched(documents, settings.batch_documents):
        requests = [r for d in group for r in requests_of(d, method, settings, builder, tools.student_tokenizer)]
        yield Batch(group, requests, template)


class Tools:
    """Tokenizers, and an engine that starts at its first use: a job whose batches are all done starts none."""

    def __init__(self, arguments: argparse.Namespace, settings: Generation, llm: Llm) -> None:
        from transformers import AutoTokenizer

        self.settings, self.llm, self.folder = settings, llm, arguments.model
        self.llm_tokenizer = AutoTokenizer.from_pretrained(arguments.model, revision=llm.revision)
        self.student_tokenizer = StudentTokenizer(arguments.tokenizer)
        self.start_s = 0.0
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The running engine."""
        if self._engine is None:
            started = time.monotonic()
            sequences = self.settings.batch_documents * self.settings.generated
            self._engine = start_engine(self.settings.engine, self.folder, self.llm, sequences)
            self.start_s = time.monotonic() - started
        return self._engine


def answer(batch: Batch, engine: Engine, retries: int, on_tokens) -> list[tuple[Completion, int]]:
    """Completion and attempt per request; an empty answer is asked again with its next seed, `retries` times."""
    answers: dict[int, tuple[Completion, int]] = {}
    waiting = list(range(len(batch.requests)))
    for attempt in range(retries + 1):
        tasks = [Task(r.prompt_ids, r.max_new_tokens, r.seed(attempt)) for r in (batch.requests[i] for i in waiting)]
        for i, completion in zip(waiting, engine.generate(tasks, on_tokens) if tasks else [], strict=True):
            answers[i] = completion, attempt
        waiting = [i for i in waiting if not answers[i][0].text.strip()]
    return [answers[i] for i in range(len(batch.requests))]


def finished_batch(batch: Batch, tools: Tools, journal: Path, bar) -> dict:
    """The batch's record from the journal, or newly generated and put there."""
    path = journal / f"{batch.key(tools.llm, tools.settings)}.json"
    if path.exists():
        record = read_json(path)
        bar.update(sum(a["tokens"] for a in record["answers"]))
        return record
    engine, started = tools.engine, time.monotonic()
    answers = answer(batch, engine, tools.settings.empty_retries, bar.update)
    record = {
        "engine": engine.identity,
        "seconds": time.monotonic() - started,
        "answers": [{**vars(completion), "attempt": attempt} for completion, attempt in answers],
    }
    write_json(path, record)
    return record


def shard_rows(batch: Batch, record: dict, llm: Llm) -> Iterator[dict]:
    """Rows of a finished batch in the shard's schema."""
    texts = {document["doc_id"]: document["text"] for document in batch.documents}
    for request, found in zip(batch.requests, record["answers"], strict=True):
        yield {
            "doc_id": request.doc_id,
            "method": request.method,
            "generation": request.generation,
            "boundary": request.boundary,
            "prompt_version": batch.template.version,
            "prompt_sha256": batch.template.sha256,
            "model": llm.model,
            "model_revision": llm.revision,
            "engine": record["engine"],
            "temperature": llm.temperature,
            "top_p": llm.top_p,
            "seed": request.seed(found["attempt"]),
            "attempt": found["attempt"],
            "prompt_tokens": len(request.prompt_ids),
            "source_cut": request.source_cut,
            "text": found["text"],
            "tokens": found["tokens"],
            "finish_reason": found["finish_reason"],
            "flags": flags_of(found["text"], found["finish_reason"], texts[request.doc_id]),
        }


def write_shard(path: Path, documents: list[dict], method: Method, tools: Tools, journal: Path, bar) -> None:
    """Write one shard and its record of counts and throughput; the record last."""
    rows, seconds = [], 0.0
    for batch in batches_of(documents, method, tools.settings, tools.llm, tools):
        record = finished_batch(batch, tools, journal, bar)
        rows += shard_rows(batch, record, tools.llm)
        seconds += record["seconds"]
    write_rows(path, rows)
    tokens = sum(row["tokens"] for row in rows)
    summary = {
        "method": method,
        "documents": [document["doc_id"] for document in documents],
        "rows": len(rows),
        "tokens": tokens,
        "prompt_tokens": sum(row["prompt_tokens"] for row in rows),
        "seconds": round(seconds, 3),
        "tokens_per_second": round(tokens / seconds, 1) if seconds else None,
        "flags": Counter(flag for row in rows for flag in row["flags"]),
        "sources_cut": sum(row["source_cut"] for row in rows),
    }
    write_json(path.with_name(path.name.replace(".parquet", ".json")), summary)


def expected_tokens(documents: int, settings: Generation) -> int:
    """Upper estimate of new tokens, for the progress bar and the disk check."""
    texts = {"rephrase": settings.generated, "latent_thoughts": len(studied_thoughts(settings.counts))}
    return documents * sum(texts[method] * limit for method, limit in settings.max_new_tokens.items())


def main(arguments: argparse.Namespace) -> None:
    """Write every shard of the job."""
    settings, llm = parse_settings(Generation, arguments.settings), parse_settings(Llm, arguments.llm)
    documents = list(prefix(read_documents(arguments.documents), arguments.real_tokens))
    if not documents:
        raise UserError(f"{arguments.documents}: no documents to generate from")
    parts = job_parts(documents, arguments.job, settings)
    expected = expected_tokens(sum(map(len, parts)), settings)
    require_free_disk(arguments.output, BYTES_PER_TOKEN * expected, "generation")
    tools, journal = Tools(arguments, settings, llm), Path(arguments.journal)
    journal.mkdir(parents=True, exist_ok=True)
    with progress(expected, "generating (ETA: at most)", "tokens") as bar:
        for method in settings.max_new_tokens:
            for part, own in enumerate(parts):
                path = Path(arguments.output) / f"{method}-{arguments.job}.{part}.parquet"
                write_shard(path, own, method, tools, journal, bar)
    print(f"engine start took {tools.start_s:.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON of the `generation` section of the config")
    parser.add_argument("--llm", required=True, help="JSON of the generator's entry in `llms`")
    parser.add_argument("--model", required=True, help="folder or hub id of the generator's weights")
    parser.add_argument("--documents", required=True, help="real documents in nested order (Parquet)")
    parser.add_argument("--real-tokens", type=int, required=True, help="D: documents up to this many tokens are used")
    parser.add_argument("--tokenizer", required=True, help="the student's tokenizer.json (thoughts lie on its tokens)")
    parser.add_argument("--job", type=int, default=0, help="number of this job")
    parser.add_argument("--journal", required=True, help="folder that finished batches are kept in")
    parser.add_argument("--output", required=True, help="folder of the shards")
    run_command(main, parser)
