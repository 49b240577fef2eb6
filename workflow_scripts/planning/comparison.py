"""What writing the methods' texts and packing the arms' streams need and cost, by arithmetic from the config."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from workflow_scripts.config.comparison import Comparison
from workflow_scripts.config.comparison_rows import STUDIES
from workflow_scripts.config.models import Config
from workflow_scripts.planning.need import GB, Need
from workflow_scripts.planning.needs import (
    CPU_ENGINE_GB,
    CPU_START_HOURS,
    ENGINE_GB,
    PACKED_TOKENS_PER_SECOND,
    PACKING_GB,
    START_HOURS,
    TEXT_BYTES_PER_TOKEN,
)
from workflow_scripts.planning.work import Work, job_work


def written_tokens(own: Comparison) -> float:
    """New tokens of a method, at most: every text of every passage at its limit or its passage's length."""
    texts = own.texts * own.organic_tokens / own.passage_tokens
    return max(texts * min(own.max_new_tokens, own.passage_tokens), own.synthetic_tokens)


def method_need(config: Config, method: str) -> Need:
    """A GPU, or on a CPU two cores for the LLM and one for others; all methods as if the LLM wrote them."""
    scale = config.scales[config.scale]
    own, compute, gpus = scale.comparison, scale.compute, min(1, scale.compute.gpus)
    written, read = written_tokens(own), own.texts * own.organic_tokens
    hours = (written / compute.generated_tokens_per_second + read / compute.prompt_tokens_per_second) / 3600
    hours += START_HOURS if gpus else CPU_START_HOURS
    cpus = compute.threads * max(1, gpus)
    cpus = max(2, cpus) if config.methods[method].author == "llm" else cpus
    memory, disk = ENGINE_GB if gpus else CPU_ENGINE_GB, TEXT_BYTES_PER_TOKEN * written / GB
    return Need(gpus, cpus, memory, hours, disk, compute.runtime_safety)


def arm_tokens(own: Comparison, arm: str) -> int:
    """Tokens of an arm's stream, at most."""
    about = own.arms[arm]
    return (about.synthetic_tokens or own.synthetic_tokens) + about.stitched * own.organic_tokens


def arm_need(config: Config, arm: str) -> Need:
    """Packing an arm's stream."""
    scale = config.scales[config.scale]
    tokens = arm_tokens(scale.comparison, arm)
    hours = tokens / PACKED_TOKENS_PER_SECOND / 3600
    return Need(0, 1, PACKING_GB, hours, 4 * tokens / GB, scale.compute.runtime_safety)


def comparison_work(config: Config, results: Path) -> Iterator[Work]:
    """Texts of every method and streams of every arm, as work of the plan; students are in its run table."""
    own = config.scales[config.scale].comparison
    for method in own.methods if own else []:
        done = (results / f"methods/{method}.json").exists()
        work = job_work(config, "generation", f"method {method}", STUDIES, method_need(config, method), done=done)
        yield replace(work, tokens=int(written_tokens(own)))
    for arm in own.arms if own else []:
        done = (results / f"streams/arms/{arm}.json").exists()
        yield replace(job_work(config, "packing", f"arm {arm}", STUDIES, arm_need(config, arm), done=done),
                      tokens=arm_tokens(own, arm))  # fmt: skip
