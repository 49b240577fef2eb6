"""Write the shards of one generation job: one engine start, batch by batch, resumable.

Finished batches are kept in a journal: a killed job continues after the last one. How batches share the engine:
driver.py.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import read_json, require_free_disk, sha256, write_json
from workflow_scripts.common.hub import located
from workflow_scripts.common.progress import progress
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Generation, Llm
from workflow_scripts.corpus.documents import read_documents
from workflow_scripts.corpus.sample import prefix
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.generation.batches import Batch, Shard, batches_of, shards_of
from workflow_scripts.generation.driver import Driver
from workflow_scripts.generation.engines import Engine, start_engine
from workflow_scripts.generation.splitting import studied_thoughts

BYTES_PER_TOKEN = 8


class Job:
    """The settings of a job, its tokenizers and its journal of finished batches."""

    def __init__(self, arguments: argparse.Namespace, settings: Generation, llm: Llm) -> None:
        from transformers import AutoTokenizer

        self.arguments, self.settings, self.llm = arguments, settings, llm
        self.llm_tokenizer = AutoTokenizer.from_pretrained(located("tokenizer", arguments.model, llm.revision))
        self.student_tokenizer = StudentTokenizer(arguments.tokenizer)
        self.journal = Path(arguments.journal)
        self.journal.mkdir(parents=True, exist_ok=True)

    def run(self, shards: list[Shard], on_tokens: Callable[[int], None]) -> None:
        """Write every shard. The engine starts at the first batch that the journal lacks, if there is one."""
        for shard in shards:
            if not shard.documents:
                shard.write()
        batches = chain.from_iterable(
            batches_of(shard, self.settings, self.llm, self.llm_tokenizer, self.student_tokenizer) for shard in shards
        )
        missing = self._missing(batches, on_tokens)
        for first in missing:
            self._generate(chain([first], missing), on_tokens)

    def _record_path(self, batch: Batch) -> Path:
        return self.journal / f"{batch.key(self.llm, self.settings)}.json"

    def _missing(self, batches: Iterable[Batch], on_tokens: Callable[[int], None]) -> Iterator[Batch]:
        for batch in batches:
            path = self._record_path(batch)
            if not path.exists():
                yield batch
                continue
            record = read_json(path)
            on_tokens(sum(answer["tokens"] for answer in record["answers"]))
            batch.finish(record, self.llm)

    def _start_engine(self) -> Engine:
        model, server = self.arguments.model, self.arguments.server
        if self.settings.engine != "vllm-server":  # which loads the weights itself
            model = located("model", model, self.llm.revision)
        return start_engine(self.settings, model, self.llm, server)

    def _generate(self, batches: Iterable[Batch], on_tokens: Callable[[int], None]) -> None:
        """Run batches; each one's seconds are those since the one before it was whole, so that they add up."""
        started = time.monotonic()
        with closing(self._start_engine()) as engine:
            last = time.monotonic()
            start_seconds = last - started
            for batch, answers in Driver(engine, self.settings, on_tokens).run(batches):
                now = time.monotonic()
                record = {
                    "engine": engine.identity,
                    "seconds": now - last,
                    "engine_start_seconds": start_seconds,
                    "answers": [{**vars(completion), "attempt": attempt} for completion, attempt in answers],
                }
                write_json(self._record_path(batch), record)
                batch.finish(record, self.llm)
                last, start_seconds = now, 0.0  # the first batch carries the start


def expected_tokens(documents: int, settings: Generation) -> int:
    """Upper estimate of new tokens, for the progress bar and the disk check."""
    thoughts = len(studied_thoughts(settings.counts))
    texts = {
        method: thoughts if method == "latent_thoughts" else settings.generated for method in settings.max_new_tokens
    }
    return documents * sum(texts[method] * limit for method, limit in settings.max_new_tokens.items())


def main(arguments: argparse.Namespace) -> None:
    """Write every shard of the job."""
    settings, llm = parse_settings(Generation, arguments.settings), parse_settings(Llm, arguments.llm)
    if arguments.weights:  # journals and shards tell these weights from earlier ones in the same folder
        llm = llm.model_copy(update={"revision": sha256(arguments.weights)[:16]})
    rows = read_documents(arguments.documents)
    documents = list(prefix(rows, arguments.real_tokens) if arguments.real_tokens else rows)
    if not documents:
        raise UserError(f"{arguments.documents}: no documents to generate from")
    shards = shards_of(documents, arguments.job, settings, Path(arguments.output))
    expected = expected_tokens(sum(len(shard.documents) for shard in shards) // len(settings.max_new_tokens), settings)
    require_free_disk(arguments.output, BYTES_PER_TOKEN * expected, "generation")
    with progress(expected, "generating (ETA: at most)", "tokens") as bar:
        Job(arguments, settings, llm).run(shards, bar.update)
    start, busy = (sum(getattr(shard, name) for shard in shards) for name in ("engine_start_seconds", "seconds"))
    print(f"engine start took {start:.1f} s, {start / max(start + busy, 1e-9):.1%} of {start + busy:.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON of the `generation` section of the config")
    parser.add_argument("--llm", required=True, help="JSON of the generator's entry in `llms`")
    parser.add_argument("--model", required=True, help="folder or hub id of the generator's weights")
    parser.add_argument("--weights", help="file whose digest names the weights, where they are trained here")
    parser.add_argument("--server", help="engine vllm-server: JSON file with the server's `url`")
    parser.add_argument("--documents", required=True, help="real documents in nested order (Parquet)")
    parser.add_argument(
        "--real-tokens", type=int, required=True, help="D: documents up to this many tokens are used; 0: all"
    )
    parser.add_argument("--tokenizer", required=True, help="the student's tokenizer.json (thoughts lie on its tokens)")
    parser.add_argument("--job", type=int, default=0, help="number of this job")
    parser.add_argument("--journal", required=True, help="folder that finished batches are kept in")
    parser.add_argument("--output", required=True, help="folder of the shards")
    run_command(main, parser)
