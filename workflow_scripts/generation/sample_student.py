"""Write one job's share of a student's own texts, resumable: a shard of samples for a stream of them.

What is sampled, and when a job stops: samples.py. Batches always run one after another, whatever the config's
`batching` says, as texts decide which batch is the last one; so an interruption changes neither texts nor their number.
"""

import argparse
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import read_json, require_free_disk, sha256
from workflow_scripts.common.progress import progress
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Generation, Llm
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.generation.batches import Batch
from workflow_scripts.generation.generate import BYTES_PER_TOKEN, Job
from workflow_scripts.generation.samples import MAX_NEW_TOKENS, METHOD, SampleShard, sample_batches, tokens_of


class Sampling(Job):
    """A job whose batches are not of documents."""

    def run_batches(self, batches: Iterator[Batch], on_tokens: Callable[[int], None]) -> None:
        """Finish every batch. The engine starts at the first one that the journal lacks, if there is one."""
        missing = self._missing(batches, on_tokens)
        for first in missing:
            self._generate(chain([first], missing), on_tokens)


def sampler_of(folder: str) -> Llm:
    """An exported student as a generator; its revision is the hash of its weights.

    [assumed] bf16, in which students compute when they train.
    """
    config, weights = (Path(folder, name) for name in ("config.json", "model.safetensors"))
    for path in (config, weights):
        if not path.exists():
            raise UserError(f"{path}: no such file; --model is the folder of an exported student")
    context = read_json(config)["max_position_embeddings"]
    return Llm(model=folder, revision=sha256(weights)[:16], temperature=1.0, top_p=1.0, context=context)


def sampling_settings(settings: Generation) -> Generation:
    """How a student is sampled: in the job itself, batch by batch, each text once, also when it is empty."""
    engine = "transformers" if settings.engine == "transformers" else "vllm"
    return settings.model_copy(update={"engine": engine, "batching": "fixed", "empty_retries": 0})


def sample(arguments: argparse.Namespace, settings: Generation, llm: Llm) -> SampleShard:
    """Write the job's shard; what its journal holds is not sampled again."""
    tokenizer = Path(arguments.model, "tokenizer.json")
    path = Path(arguments.output, f"{arguments.name}-{arguments.job}.parquet")
    share = -(-arguments.tokens // settings.jobs)
    shard = SampleShard(path, arguments.name, [], 0, share=share, tokenizer=StudentTokenizer(tokenizer))
    batches = sample_batches(shard, arguments.job, settings, min(MAX_NEW_TOKENS, llm.context - 1))
    options = {"model": arguments.model, "tokenizer": tokenizer, "server": None, "journal": arguments.journal}
    with progress(share, "sampling", "tokens") as bar:
        Sampling(argparse.Namespace(**options), settings, llm).run_batches(batches, bar.update)
    return shard


def main(arguments: argparse.Namespace) -> None:
    """Write the job's shard. Raises UserError for a job that there is not."""
    settings, llm = sampling_settings(parse_settings(Generation, arguments.settings)), sampler_of(arguments.model)
    if arguments.job >= settings.jobs:
        raise UserError(f"--job {arguments.job}: generation.jobs is {settings.jobs}; jobs are numbered from 0")
    require_free_disk(arguments.output, BYTES_PER_TOKEN * arguments.tokens // settings.jobs, "sampling a student")
    shard = sample(arguments, settings, llm)
    print(f"{shard.path}: {shard.stream_tokens:,} tokens; {shard.retokenised:,} texts are other tokens when read again")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON of the `generation` section of the config")
    parser.add_argument("--model", required=True, help="folder of an exported student")
    parser.add_argument("--name", default=METHOD, help="of the texts, which depend on it (default: %(default)s)")
    parser.add_argument("--tokens", type=tokens_of, required=True, help="of all jobs together; or a stream's JSON")
    parser.add_argument("--job", type=int, default=0, help="number of this job")
    parser.add_argument("--journal", required=True, help="folder that finished batches are kept in")
    parser.add_argument("--output", required=True, help="folder of the shard")
    run_command(main, parser)
