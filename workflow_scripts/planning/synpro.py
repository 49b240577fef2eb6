"""What SynPro's jobs need of their machine, and what all of it costs, by arithmetic from the config."""

from workflow_scripts.config.models import Compute, Config, Scale
from workflow_scripts.config.sizes import flops_per_token, micro_batch_sequences, parameter_counts
from workflow_scripts.config.synpro import SynPro
from workflow_scripts.planning import estimates
from workflow_scripts.planning.need import CHECKPOINTS, GB, GPU_PROCESS_GB, PROCESS_GB, Need
from workflow_scripts.planning.needs import CPU_ENGINE_GB, CPU_START_HOURS, ENGINE_GB, START_HOURS, TEXT_BYTES_PER_TOKEN

GENERATOR_GB = 8.0  # measured: 5 GB for GRPO of a generator of 135M parameters in fp32
REINFORCING = 5  # forward and backward pass of policy and reference, against a forward pass that reads a prompt
BYTES_PER_PARAMETER = 16  # weights, gradients, moments


def slices(synpro: SynPro) -> float:
    """Slices of the organic documents."""
    return synpro.organic_tokens / synpro.slice_tokens


def pretraining_device_hours(config: Config, name: str) -> float:
    """Of one student of one seed, on one device."""
    scale, own = config.scales[config.scale], config.scales[config.scale].synpro
    tokens = own.pretrainings[name].steps * own.batch_sequences * own.context
    flops = tokens * flops_per_token(*shape(config))
    return flops / (scale.compute.peak_tflops * 1e12 * scale.compute.training_utilisation) / 3600


def pretraining_need(config: Config, name: str) -> Need:
    """Of one student: GPUs as `compute.hours_per_training` asks for."""
    scale, own = config.scales[config.scale], config.scales[config.scale].synpro
    hours, compute = pretraining_device_hours(config, name), scale.compute
    numbers = [n for n in (1, 2, 4, 8) if n <= compute.gpus and own.batch_sequences % n == 0]
    gpus = next((n for n in numbers if hours / n <= compute.hours_per_training), numbers[-1]) if numbers else 0
    cpus, parameters = compute.threads * max(1, gpus), parameter_counts(*shape(config)[:2])["total"]
    share = own.batch_sequences // max(1, gpus)
    micro = compute.micro_batch_sequences or micro_batch_sequences(*shape(config), share, compute.memory_gb)
    memory = gpus * GPU_PROCESS_GB if gpus else PROCESS_GB
    disk = (CHECKPOINTS + own.plateau.patience) * 12 * parameters / GB
    return Need(gpus, cpus, memory, hours / estimates.devices(compute, gpus, cpus), disk, compute.runtime_safety,
                min(share, micro))  # fmt: skip


def generator_tokens(synpro: SynPro, name: str) -> tuple[float, float]:
    """Tokens of prompts and, at most, of answers in a generator's training, held-out slices included."""
    own = synpro.reinforcement_of(name)
    limit = synpro.operations[synpro.sets[name].operation].max_new_tokens
    answers = own.steps * own.prompts_per_step * own.completions
    answers += (own.steps // own.evaluate_every + 1) * own.evaluation_slices
    return answers * synpro.slice_tokens, answers * min(limit, synpro.slice_tokens)


def generator_device_hours(scale: Scale, name: str) -> float:
    """Of one generator's training: answers are written, then everything is passed forward and backward."""
    prompts, answers = generator_tokens(scale.synpro, name)
    return _hours(scale.compute, prompts + REINFORCING * (prompts + answers), answers)


def generator_need(config: Config, name: str) -> Need:
    """A GPU, or on a CPU one core: two trainings side by side are faster than one on two cores."""
    scale = config.scales[config.scale]
    gpus = min(1, scale.compute.gpus)
    hours = generator_device_hours(scale, name) + (START_HOURS if gpus else CPU_START_HOURS)
    return Need(gpus, scale.compute.threads, ENGINE_GB if gpus else GENERATOR_GB, hours, GENERATOR_GB,
                scale.compute.runtime_safety)  # fmt: skip


def set_device_hours(scale: Scale, name: str) -> float:
    """Of writing a set."""
    own = scale.synpro.sets[name]
    texts = slices(scale.synpro) * own.texts
    answers = texts * min(scale.synpro.operations[own.operation].max_new_tokens, scale.synpro.slice_tokens)
    return _hours(scale.compute, slices(scale.synpro) * scale.synpro.slice_tokens, answers)


def set_need(config: Config, name: str) -> Need:
    """One of `generation.jobs` that write a set."""
    scale = config.scales[config.scale]
    gpus, jobs = min(1, scale.compute.gpus), scale.generation.jobs
    hours = set_device_hours(scale, name) / jobs + (START_HOURS if gpus else CPU_START_HOURS)
    disk = TEXT_BYTES_PER_TOKEN * scale.synpro.organic_tokens / jobs / GB
    cpus = max(2, scale.compute.threads * max(1, gpus))
    return Need(gpus, cpus, ENGINE_GB if gpus else CPU_ENGINE_GB, hours, disk, scale.compute.runtime_safety)


def _hours(compute: Compute, read: float, written: float) -> float:
    return (read / compute.prompt_tokens_per_second + written / compute.generated_tokens_per_second) / 3600


def shape(config: Config) -> tuple:
    """Student, vocabulary size and context."""
    scale = config.scales[config.scale]
    return config.students[scale.synpro.student], scale.corpus.tokenizer.vocabulary_size, scale.synpro.context
