"""New tokens per second of our generation jobs and of raw vLLM, on the same prompts of real documents.

`ours` is the whole job: prompts, engine, driver, journal, flags, shards. The `vllm-*` arms are `LLM.generate` alone, on
prompts that are ready. FLOP/s count 2 x parameters per token of prompt and answer, whether computed or found in the
prefix cache. Needs the corpus and the LLM of the laptop scale:
`snakemake --cores all results/laptop/corpus/train.parquet results/llms/smollm2-135m-instruct`.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness import Measurement, add_options, finish, measure, run_benchmark, table, take_turns
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import read_json
from workflow_scripts.config.load import read_config
from workflow_scripts.config.models import Generation, Llm

CORPUS, MODEL, LLM_NAME = Path("results/laptop/corpus"), Path("results/llms/smollm2-135m-instruct"), "smollm2-135m"
OURS = {"ours": {}, "ours-continuous": {"batching": "continuous"}, "ours-transformers": {"engine": "transformers"}}
RAW = ("vllm-same-settings", "vllm-no-prefix-cache", "vllm-n-samples", "vllm-as-it-comes")
ARMS = [*OURS, *RAW]
COLUMNS = {
    "start_seconds": "start, s",
    "start_share": "start, share",
    "prompt_tokens": "prompt tokens",
    "prefilled_tokens": "prefilled",
    "new_tokens": "new tokens",
    "tflops": "TFLOP/s",
    "ceiling_share": "of bf16 ceiling",
    "peak_memory_mib": "memory, MiB",
}
PROFILE_ROWS = 12


def settings_of(arguments: argparse.Namespace, **changes) -> tuple[Generation, Llm]:
    """The laptop scale's generation of one method, in two shards of one batch or more."""
    config = read_config("config.yaml")
    generation = config.scales["laptop"].generation
    limits = {arguments.method: generation.max_new_tokens[arguments.method]}
    streams = ["latent"] if arguments.method == "latent_thoughts" else ["simple"]
    changes |= {"max_new_tokens": limits, "streams": streams, "batch_documents": arguments.batch_documents}
    return generation.model_copy(update=changes), config.llms[LLM_NAME]


def write_documents(arguments: argparse.Namespace, folder: Path) -> Path:
    """The first documents of the corpus, in a file of their own."""
    from workflow_scripts.corpus.documents import read_documents
    from workflow_scripts.corpus.documents import write_documents as write

    rows = list(read_documents(CORPUS / "train.parquet"))[: arguments.documents]
    write(folder / "documents.parquet", rows)
    return folder / "documents.parquet"


def run_job(arguments: argparse.Namespace, changes: dict) -> Measurement:
    """A generation job of ours, start to end; its numbers are those of its own shard records."""
    from workflow_scripts.generation import generate

    settings, llm = settings_of(arguments, **changes)
    with tempfile.TemporaryDirectory() as folder:
        generate.main(
            argparse.Namespace(
                settings=settings.model_dump_json(), llm=llm.model_dump_json(), model=str(MODEL), server=None, job=0,
                documents=write_documents(arguments, Path(folder)), real_tokens=10**12,
                tokenizer=str(CORPUS / "tokenizer.json"), journal=f"{folder}/journal", output=folder,
            )
        )  # fmt: skip
        records = [read_json(path) for path in Path(folder).glob("*.json")]
    total = {key: sum(record[key] for record in records) for key in ("tokens", "prompt_tokens", "seconds")}
    start = sum(record["engine_start_seconds"] for record in records)
    return measurement(total["tokens"], total["prompt_tokens"], total["seconds"], start)


def asked_requests(arguments: argparse.Namespace) -> tuple[list, Generation, Llm]:
    """The requests of the job, in its order."""
    from transformers import AutoTokenizer

    from workflow_scripts.corpus.documents import read_documents
    from workflow_scripts.corpus.tokenizer import StudentTokenizer
    from workflow_scripts.generation.batches import batches_of, shards_of

    settings, llm = settings_of(arguments)
    documents = list(read_documents(CORPUS / "train.parquet"))[: arguments.documents]
    tokenizers = AutoTokenizer.from_pretrained(MODEL), StudentTokenizer(str(CORPUS / "tokenizer.json"))
    shards = shards_of(documents, 0, settings, Path())
    batches = [batch for shard in shards for batch in batches_of(shard, settings, llm, *tokenizers)]
    return [request for batch in batches for request in batch.requests], settings, llm


def start_raw(arm: str, settings: Generation, llm: Llm):
    """vLLM's `LLM` with our settings, or as it comes."""
    if arm == "vllm-as-it-comes":
        os.environ["VLLM_CPU_KVCACHE_SPACE"] = "2"  # its default takes nearly all memory
        from vllm import LLM

        return LLM(str(MODEL), max_model_len=llm.context)
    import torch

    from workflow_scripts.generation.engines import vllm_engine

    on_cpu = not torch.cuda.is_available()
    vllm_engine.prepare_environment(settings, on_cpu)
    options = vllm_engine.engine_options(llm, settings.sequences, on_cpu)
    return vllm_engine.LLM(str(MODEL), **options | {"enable_prefix_caching": arm != "vllm-no-prefix-cache"})


def raw_work(arm: str, requests: list, settings: Generation, llm: Llm) -> tuple[list, list]:
    """Prompts and sampling parameters. As it comes, vLLM has no seed per request: they crash its CPU build."""
    from vllm import SamplingParams

    shared = {"temperature": llm.temperature, "top_p": llm.top_p}
    copies = settings.generated if arm == "vllm-n-samples" else 1
    asked = requests[::copies]
    seeds = [None if arm == "vllm-as-it-comes" else request.seed(0) for request in asked]
    sampling = [
        SamplingParams(**shared, n=copies, max_tokens=request.max_new_tokens, seed=seed)
        for request, seed in zip(asked, seeds, strict=True)
    ]
    return [{"prompt_token_ids": request.prompt_ids} for request in asked], sampling


def run_raw(arguments: argparse.Namespace) -> Measurement:
    """`LLM.generate` on the same prompts with the same sampling."""
    requests, settings, llm = asked_requests(arguments)
    started = time.perf_counter()
    engine = start_raw(arguments.arm, settings, llm)
    start_seconds = time.perf_counter() - started
    prompts, sampling = raw_work(arguments.arm, requests, settings, llm)
    started = time.perf_counter()
    outputs = engine.generate(prompts, sampling, use_tqdm=False)
    seconds = time.perf_counter() - started
    new = sum(len(answer.token_ids) for output in outputs for answer in output.outputs)
    prompt = sum(len(request.prompt_ids) for request in requests)
    found = measurement(new, prompt, seconds, start_seconds)
    if arguments.arm != "vllm-n-samples":  # of n samples, vLLM tells only one's
        found["prefilled_tokens"] = prompt - sum(output.num_cached_tokens or 0 for output in outputs)
    return found


def measurement(new_tokens: int, prompt_tokens: int, seconds: float, start_seconds: float) -> Measurement:
    """Rates, and their share of what a square bf16 matrix product reaches in this very process."""
    import torch
    from safetensors import safe_open

    from workflow_scripts.training.device import matmul_ceiling, pick_device

    with safe_open(MODEL / "model.safetensors", "pt") as weights:
        parameters = sum(torch.Size(weights.get_slice(name).get_shape()).numel() for name in weights.keys())  # noqa: SIM118
    flops = 2 * parameters * (new_tokens + prompt_tokens) / seconds
    return {
        "tokens_per_second": new_tokens / seconds,
        "new_tokens": new_tokens,
        "prompt_tokens": prompt_tokens,
        "seconds": seconds,
        "start_seconds": start_seconds,
        "start_share": start_seconds / (start_seconds + seconds),
        "tflops": flops / 1e12,
        "ceiling_share": flops / matmul_ceiling(pick_device(), torch.bfloat16),
    }


def run_profiled(arguments: argparse.Namespace) -> Measurement:
    """Our job under torch's profiler: the share of each operator, and of everything outside operators."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU]) as watched:
        found = run_job(arguments, OURS["ours"])
    rows = sorted(watched.key_averages(), key=lambda row: -row.self_cpu_time_total)
    shares = {row.key: row.self_cpu_time_total / 1e6 / found["seconds"] for row in rows}
    shown = dict(list(shares.items())[:PROFILE_ROWS])
    return found | {"profile": shown | {"other operators": sum(shares.values()) - sum(shown.values())}}


def run_arm(arguments: argparse.Namespace) -> Measurement:
    """One arm in this process."""
    if not (CORPUS / "train.parquet").exists() or not MODEL.exists():
        raise UserError(f"{CORPUS}/train.parquet or {MODEL} is missing: the --help says how to make them")
    if arguments.profile:
        return run_profiled(arguments)
    return run_job(arguments, OURS[arguments.arm]) if arguments.arm in OURS else run_raw(arguments)


def main(arguments: argparse.Namespace) -> None:
    """All arms in turn, the table, and the profile where one is asked for."""
    options = {key: getattr(arguments, key) for key in ("method", "documents", "batch_documents")}
    arms = [arm for arm in arguments.arms if arm != "vllm-n-samples" or arguments.method == "rephrase"]
    found = take_turns("benchmarks.generation", arms, options, arguments.repeats, {})
    text, more = table(found, arms[0], COLUMNS), {}
    if arguments.profile:
        words = [f"--{key.replace('_', '-')}={value}" for key, value in options.items()]
        command = [sys.executable, "-m", "benchmarks.generation", *words, "--arm=ours", "--profile"]
        more = {"profile": measure(command, "profile")["profile"]}
        text += "\n\nshare of the job's seconds\n" + "\n".join(f"{v:>7.1%}  {k}" for k, v in more["profile"].items())
    finish(f"generation, {arguments.method}", text, found, options, arguments.output, **more)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS, help="default: all")
    parser.add_argument("--method", choices=["rephrase", "latent_thoughts"], default="rephrase")
    parser.add_argument("--documents", type=int, default=16, help="default: %(default)s")
    parser.add_argument("--batch-documents", type=int, default=8, help="of each batch (default: %(default)s)")
    parser.add_argument("--profile", action="store_true", help="also where the time of our job goes")
    run_benchmark(main, run_arm, parser)
