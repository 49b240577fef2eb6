"""How much work there is, by arithmetic from the config: tokens, FLOPs and device-hours before anything has run.

A device is a GPU, or a core where there is none. Hours of several devices are assumed to add up: twice the devices
take half the time.
"""

from workflow_scripts.config.base import REAL, ROUND, STREAMS, Name
from workflow_scripts.config.models import Compute, Config, Scale, Student
from workflow_scripts.config.runs import Run
from workflow_scripts.config.sizes import flops_per_token, parameter_counts, total_steps
from workflow_scripts.generation.splitting import studied_thoughts


def shape(config: Config, run: Run) -> tuple[Student, int, int]:
    """A run's student, vocabulary size and context."""
    scale = config.scales[config.scale]
    return config.students[run.student], scale.corpus.tokenizer.vocabulary_size, context(scale, run)


def parameters(config: Config, run: Run) -> int:
    """Of a run's student, embeddings included."""
    return parameter_counts(*shape(config, run)[:2])["total"]


def steps(config: Config, run: Run) -> int:
    """Optimizer steps of a run. Epochs of a student that trains alone on a synthetic stream count passes over that."""
    scale = config.scales[config.scale]
    if run.budget_tokens:
        return total_steps(run.budget_tokens, batch_tokens(scale, run), 1, 0.0)
    tokens = int(stream_tokens(scale, run.stream, run.generations)) if run.alone else run.real_tokens
    return total_steps(tokens, batch_tokens(scale, run), run.real_epochs, run.mixing_ratio)


def batch_sequences(scale: Scale, run: Run) -> int:
    """Sequences of an optimizer step."""
    return run.batch_sequences or scale.training.batch_sequences


def context(scale: Scale, run: Run) -> int:
    """Tokens of a sequence."""
    return run.context or scale.training.context


def batch_tokens(scale: Scale, run: Run) -> int:
    """Tokens of an optimizer step."""
    return batch_sequences(scale, run) * context(scale, run)


def run_tokens(config: Config, run: Run) -> int:
    """Tokens that a student sees."""
    return steps(config, run) * batch_tokens(config.scales[config.scale], run)


def run_flops(config: Config, run: Run) -> float:
    """FLOPs of a training."""
    return run_tokens(config, run) * flops_per_token(*shape(config, run))


def training_device_hours(config: Config, run: Run, utilisation: float | None = None) -> float:
    """Hours of one device; `utilisation`: share of its peak that training reaches, none: the config's."""
    compute = config.scales[config.scale].compute
    reached = compute.peak_tflops * 1e12 * (utilisation or compute.training_utilisation)
    return run_flops(config, run) / reached / 3600


def devices(compute: Compute, gpus: int, cpus: int) -> int:
    """Devices that a job takes: what its hours are multiplied with."""
    return gpus if compute.gpus else cpus


def documents(scale: Scale) -> float:
    """Real documents that are rephrased."""
    return scale.corpus.real_tokens / scale.compute.mean_document_tokens


def texts_per_document(scale: Scale, method: Name) -> int:
    """Generations of a document: rephrases, or thoughts at each boundary that some G has."""
    return scale.generation.generated if method == "rephrase" else len(studied_thoughts(scale.generation.counts))


def generated_tokens(scale: Scale, method: Name) -> float:
    """New tokens of a method, all jobs together."""
    return documents(scale) * texts_per_document(scale, method) * scale.compute.mean_generated_tokens[method]


def prompt_tokens(scale: Scale, method: Name) -> float:
    """Tokens of prompts that the engine computes: once for all rephrases of a document, once per thought."""
    times = 1 if method == "rephrase" else texts_per_document(scale, method)
    return scale.corpus.real_tokens * times


def generation_device_hours(scale: Scale) -> dict[Name, float]:
    """Hours of one device to write all texts of each method."""
    rate, prompt_rate = scale.compute.generated_tokens_per_second, scale.compute.prompt_tokens_per_second
    return {
        method: (generated_tokens(scale, method) / rate + prompt_tokens(scale, method) / prompt_rate) / 3600
        for method in scale.generation.max_new_tokens
    }


def passages(scale: Scale) -> float:
    """Passages that texts of mixtures are written of."""
    return scale.mixtures.source_tokens / scale.mixtures.passage_tokens


def kind_tokens(scale: Scale, kind: str) -> float:
    """New tokens of a kind, all jobs together; [assumed] 200 a text where the config says nothing."""
    return passages(scale) * scale.mixtures.kinds[kind].texts * scale.compute.mean_generated_tokens.get(kind, 200)


def kind_device_hours(scale: Scale, kind: str) -> float:
    """Hours of one device to write a kind; [assumed] at the rate of the scale's generator, whatever the kind's is."""
    prompts = scale.mixtures.source_tokens / scale.compute.prompt_tokens_per_second
    return (kind_tokens(scale, kind) / scale.compute.generated_tokens_per_second + prompts) / 3600


def round_streams(scale: Scale) -> list[str]:
    """Streams of a student's own text, round by round, that some student is trained on."""
    rows = [rows for study in scale.studies.values() for rows in study.rows]
    return sorted({name for own in rows for name in own.stream if ROUND.fullmatch(name)})


def round_tokens(scale: Scale) -> int:
    """Tokens that a student writes for the next round: as many as the largest of them is trained on."""
    rows = [rows for study in scale.studies.values() for rows in study.rows if any(map(ROUND.fullmatch, rows.stream))]
    return max((max(own.budget_tokens) for own in rows if own.budget_tokens), default=0)


def sampling_device_hours(scale: Scale, tokens: float) -> float:
    """Hours of one device to sample a student's own text; [assumed] no faster than the generator is."""
    return tokens / scale.compute.generated_tokens_per_second / 3600


def stream_tokens(scale: Scale, stream: str, generations: int) -> float:
    """Tokens of a stream; the self-distilled one has as many as the largest simple one."""
    if stream == REAL:
        return max(scale.corpus.baseline_tokens)
    if ROUND.fullmatch(stream):
        return round_tokens(scale)
    if stream not in STREAMS:
        return kind_tokens(scale, stream)
    if stream == "self_distilled":
        return stream_tokens(scale, "simple", max(scale.generation.counts))
    method = "latent_thoughts" if stream.startswith("latent") else "rephrase"
    own = documents(scale) * generations * scale.compute.mean_generated_tokens[method]
    return own + (0 if stream.endswith("no_real") else scale.corpus.real_tokens)


def stream_gb(scale: Scale, stream: str, generations: int) -> float:
    """Disk of a stream's tokens: uint16 where every id fits, else uint32."""
    size = 2 if scale.corpus.tokenizer.vocabulary_size <= 2**16 else 4
    return size * stream_tokens(scale, stream, generations) / 1e9
