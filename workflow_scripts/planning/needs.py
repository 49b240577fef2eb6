"""What each kind of job needs of its machine, from the size of its own work. Trainings: need.py."""

from collections.abc import Iterable
from dataclasses import astuple

from workflow_scripts.config.models import Config, Scale
from workflow_scripts.config.runs import Run
from workflow_scripts.config.sizes import flops_per_token
from workflow_scripts.planning import estimates
from workflow_scripts.planning.need import GB, GPU_PROCESS_GB, PROCESS_GB, Need, exported_gb, training_need

__all__ = [
    "Need", "corpus_need", "ensemble_need", "evaluation_need", "generation_need", "sampling_need", "small_need",
    "stream_need", "training_need",
]  # fmt: skip

START_HOURS = 0.03  # [assumed] on a GPU: imports, weights from a shared disk, compilation
CPU_START_HOURS = 0.002  # measured: 5 to 12 s
ENGINE_GB = 64.0  # [assumed] weights of an 8B generator pass through the machine's memory on their way to a GPU
CPU_ENGINE_GB = 8.0  # measured: 4.2 with SmolLM2-135M
TEXT_BYTES_PER_TOKEN = 8  # of shards and of the journal, with all columns
EVALUATION_DOCUMENTS = 2_000  # [assumed] in all validation sets together
EVALUATION_SHARE = 0.5  # [assumed] of the speed that training has: its batches are small
CORPUS_GB = 8.0  # documents pass through; a process per CPU
CORPUS_BYTES_PER_DOCUMENT = 2_000  # hashes, and tokens while they are counted
CORPUS_CPUS = 8
CORPUS_TOKENS_PER_SECOND = 2e5  # measured on 2 cores: 5,600 documents of 300 tokens in 4 s, twice over
PACKING_GB = 3.0  # measured: 0.5 for 319 million tokens
PACKING_BYTES_PER_ROW = 60  # of the index when a stream is shuffled, twice what it takes
PACKED_TOKENS_PER_SECOND = 1e6  # measured on 2 cores: 1.4 to 3 million


def evaluation_need(config: Config, runs: Iterable[Run]) -> Need:
    """The largest over these students, so that members of an array ask for the same."""
    one_of_each = {run.student: run for run in runs}.values()
    needs = [astuple(ensemble_need(config, [run])) for run in one_of_each]
    return Need(*map(max, zip(*needs, strict=True)))


def ensemble_need(config: Config, members: list[Run]) -> Need:
    """Of evaluating students together: one device, which holds all of them at once."""
    compute = config.scales[config.scale].compute
    gpus, tokens = min(1, compute.gpus), EVALUATION_DOCUMENTS * compute.mean_document_tokens
    flops = tokens * sum(flops_per_token(*estimates.shape(config, run)) / 3 for run in members)
    rate = EVALUATION_SHARE * compute.peak_tflops * 1e12 * compute.training_utilisation
    hours = _start_hours(gpus) + flops / rate / estimates.devices(compute, gpus, compute.threads) / 3600
    memory = (GPU_PROCESS_GB if gpus else PROCESS_GB) + 2 * sum(exported_gb(config, run) for run in members)
    return Need(gpus, compute.threads, memory, hours, 0.1, compute.runtime_safety)


def generation_need(config: Config, kind: str | None = None) -> Need:
    """One of `generation.jobs`, of a kind or of the megadocs study; or the one server that answers them all."""
    scale = config.scales[config.scale]
    is_server = scale.generation.engine == "vllm-server"
    llm = config.llms[(config.kinds[kind].llm if kind else None) or scale.generation.llm]
    parallel = llm.tensor_parallel * (_data_parallel(scale) if is_server else 1)
    share = 1 if is_server else scale.generation.jobs
    if kind:
        hours, tokens = estimates.kind_device_hours(scale, kind), estimates.kind_tokens(scale, kind)
    else:
        hours = sum(estimates.generation_device_hours(scale).values())
        tokens = sum(estimates.generated_tokens(scale, method) for method in scale.generation.max_new_tokens)
    return _engine(scale, parallel, hours / share, tokens / share)


def sampling_need(config: Config, stream: str = "self_distilled") -> Need:
    """One of `generation.jobs` that sample a student's own text."""
    scale = config.scales[config.scale]
    jobs, tokens = scale.generation.jobs, estimates.stream_tokens(scale, stream, 0)
    return _engine(scale, 1, estimates.sampling_device_hours(scale, tokens) / jobs, tokens / jobs)


def _engine(scale: Scale, parallel: int, device_hours: float, tokens: float) -> Need:
    """An engine on `parallel` GPUs; without a GPU vLLM wants two cores."""
    gpus = parallel if scale.compute.gpus else 0
    cpus = max(2, scale.compute.threads * max(1, gpus))
    hours = _start_hours(gpus) + device_hours / estimates.devices(scale.compute, gpus, cpus)
    memory, disk = ENGINE_GB if gpus else CPU_ENGINE_GB, TEXT_BYTES_PER_TOKEN * tokens / GB
    return Need(gpus, cpus, memory, hours, disk, scale.compute.runtime_safety)


def _start_hours(gpus: int) -> float:
    return START_HOURS if gpus else CPU_START_HOURS


def _data_parallel(scale: Scale) -> int:
    """Copies of the model that the server holds."""
    options = [part for option in scale.generation.server_options for part in option.split("=")]
    known = dict(zip(options, options[1:], strict=False))
    return int(known.get("--data-parallel-size", known.get("-dp", 1)))


def corpus_need(config: Config) -> Need:
    """Splitting, sampling and tokenising all documents."""
    scale = config.scales[config.scale]
    more = scale.corpus.more.stop_after or 0 if scale.corpus.more else 0
    natural = scale.mixtures.natural if scale.mixtures else None
    more += natural.stop_after or 0 if natural else 0
    documents = more + max(scale.corpus.baseline_tokens) / scale.compute.mean_document_tokens
    tokens = documents * scale.compute.mean_document_tokens
    memory, disk = CORPUS_GB + CORPUS_BYTES_PER_DOCUMENT * documents / GB, TEXT_BYTES_PER_TOKEN * tokens / GB
    return Need(0, CORPUS_CPUS, memory, tokens / CORPUS_TOKENS_PER_SECOND / 3600, disk, scale.compute.runtime_safety)


def stream_need(config: Config, stream: Run | str, generations: int = 0) -> Need:
    """Packing a stream, or shuffling one."""
    if isinstance(stream, Run):
        stream, generations = stream.stream, stream.generations
    scale = config.scales[config.scale]
    tokens = estimates.stream_tokens(scale, stream, generations)
    rows = estimates.documents(scale) * (1 + generations)
    memory, disk = PACKING_GB + PACKING_BYTES_PER_ROW * rows / GB, estimates.stream_gb(scale, stream, generations)
    return Need(0, 2, memory, tokens / PACKED_TOKENS_PER_SECOND / 3600, disk, scale.compute.runtime_safety)


def small_need() -> Need:
    """Work of a minute."""
    return Need(0, 1, 2.0, 0.1, 0.1)
