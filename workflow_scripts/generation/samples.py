"""A student's own texts as batches of generation: numbered, from BOS alone, as many as a share of tokens needs.

Batch b holds texts b * size to (b + 1) * size - 1. Of n jobs, job j samples batches j, j + n, j + 2n, ... until their
rows in a stream have its share of the tokens, the last batch whole. So no job needs to know of another, and a text
depends on its number alone; only how far the numbers go depends on how many jobs there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import read_json
from workflow_scripts.common.seeds import named_seed
from workflow_scripts.config.models import Generation, Llm
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.generation.batches import Batch, Shard
from workflow_scripts.generation.prompts import Template
from workflow_scripts.generation.requests import Request

METHOD = "self_distilled"  # what texts are called unless they have another name
NO_PROMPT = Template("bos", "", "", "")
MAX_NEW_TOKENS = 1024  # as the authors, who sample at temperature 1.0 without top-p
PATIENCE_TEXTS = 1000  # a student whose first texts are all empty is not asked for more


@dataclass(frozen=True)
class Sample(Request):
    """One text from BOS alone."""

    def seed(self, attempt: int) -> int:
        """Sampling seed: depends on the text's number alone."""
        return named_seed("self-distillation", self.doc_id, attempt)


@dataclass
class SampleShard(Shard):
    """A job's texts: whole when their rows in a stream have `share` tokens."""

    share: int = field(kw_only=True)
    tokenizer: StudentTokenizer = field(kw_only=True)
    stream_tokens: int = 0
    retokenised: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether the share is reached."""
        return self.stream_tokens >= self.share

    def count(self, answers: list[dict], engine: str) -> None:
        """Count the tokens that texts have in a stream; and the texts which have more or fewer than were sampled.

        A text is tokenised again from its characters. Empty texts are left out of streams.
        """
        written = [answer for answer in answers if answer["text"].strip()]
        for answer, row in zip(written, self.tokenizer.rows([a["text"] for a in written]), strict=True):
            self.stream_tokens += len(row)
            self.retokenised += len(row) - 2 != sampled_tokens(answer, engine)

    def _record(self, rows: list[dict]) -> dict:
        return super()._record(rows) | {"stream_tokens": self.stream_tokens, "retokenised": self.retokenised}


class SampleBatch(Batch):
    """Some texts of a job."""

    def finish(self, record: dict, llm: Llm) -> None:
        """Count the texts and put them into the shard. Raises UserError when the student writes nothing."""
        self.shard.count(record["answers"], record["engine"])
        if not self.shard.stream_tokens and (self.number + 1) * len(self.requests) >= PATIENCE_TEXTS:
            raise UserError(f"{llm.model}: its first {PATIENCE_TEXTS} texts are all empty: train the student longer")
        super().finish(record, llm)


def sampled_tokens(answer: dict, engine: str) -> int:
    """Tokens that a text was sampled as, without EOS, which vLLM counts and transformers does not."""
    return answer["tokens"] - (engine.startswith("vllm") and answer["finish_reason"] == "stop")


def text_name(method: str, number: int) -> str:
    """Id of a text, which its seed depends on."""
    return f"{'sample' if method == METHOD else method}-{number:08d}"


def sample_batches(shard: SampleShard, job: int, settings: Generation, limit: int) -> Iterator[SampleBatch]:
    """Batches of a job in order, each when the one before it is finished, until the shard is whole."""
    size = settings.sequences
    for number in count():
        if shard.is_whole:
            return
        first = (number * settings.jobs + job) * size
        names = [text_name(shard.method, text) for text in range(first, first + size)]
        requests = [Sample(name, shard.method, 0, None, [shard.tokenizer.bos_id], False, limit) for name in names]
        yield SampleBatch(shard, number, [{"doc_id": name, "text": ""} for name in names], requests, NO_PROMPT)


def tokens_of(text: str) -> int:
    """A number of tokens, or that of the stream whose JSON is named. Raises UserError when there is no such file."""
    if text.isdigit():
        return int(text)
    if not Path(text).exists():
        raise UserError(f"--tokens {text}: neither a number nor the JSON of a stream, which has its number of tokens")
    return read_json(text)["tokens"]
