"""vLLM, in the job's own process where its order of work must be certain or cores are few."""

import os

os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "2")  # GiB
os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")

import torch
import vllm
from vllm import LLM, SamplingParams

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.processor import products_in
from workflow_scripts.config.models import Generation, Llm
from workflow_scripts.generation.engines import Completion, Task


class VllmEngine:
    """Continuous batching; the generations of a document share its prefill through the prefix cache."""

    def __init__(self, folder: str, llm: Llm, settings: Generation) -> None:
        self.identity = f"vllm {vllm.__version__}"
        self.llm = llm
        on_cpu = not torch.cuda.is_available()
        prepare_environment(settings, on_cpu)
        self.engine = LLM(folder, **engine_options(llm, settings.sequences, on_cpu)).llm_engine

    def add(self, number: int, task: Task) -> None:
        """Queue a task."""
        self.engine.add_request(str(number), {"prompt_token_ids": task.prompt_ids}, sampling_of(task, self.llm))

    def step(self) -> list[tuple[int, Completion]]:
        """One forward pass of everything that is under way."""
        finished = (output for output in self.engine.step() if output.finished)
        return [(int(output.request_id.split("-")[0]), completion_of(output.outputs[0])) for output in finished]

    def forget(self) -> None:
        """Empty the prefix cache."""
        self.engine.reset_prefix_cache()

    def close(self) -> None:
        """End vLLM's process, where it has one."""
        self.engine.engine_core.shutdown()


def prepare_environment(settings: Generation, on_cpu: bool) -> None:
    """What vLLM reads from the environment when it starts. Raises UserError for batch invariance on a CPU."""
    if on_cpu or settings.batching == "fixed":
        # A process of its own takes requests as they come, so that batches would depend on timing; on a CPU it also
        # polls and keeps a core busy (half the speed of 2 cores). On a GPU it hides the time between forward passes.
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    if settings.batch_invariant:
        if on_cpu:
            raise UserError("batch_invariant needs a CUDA GPU: vLLM has no such kernels for a CPU; use batching: fixed")
        os.environ["VLLM_BATCH_INVARIANT"] = "1"
    if on_cpu:
        from workflow_scripts.generation.engines.vllm_cpu import install

        install()


def engine_options(llm: Llm, sequences: int, on_cpu: bool) -> dict:
    """Keyword arguments of vLLM's `LLM`."""
    options = {
        "revision": llm.revision,
        "dtype": products_in(getattr(torch, llm.dtype), "cpu" if on_cpu else "cuda"),
        "max_model_len": llm.context,
        "max_num_seqs": sequences,
        "tensor_parallel_size": llm.tensor_parallel,
        "enable_prefix_caching": True,
        "disable_log_stats": True,
    }
    if on_cpu:
        from workflow_scripts.generation.engines.vllm_cpu import OPTIONS

        options |= OPTIONS | {"max_num_batched_tokens": 2 * llm.context}
    return options


def sampling_of(task: Task, llm: Llm) -> SamplingParams:
    """vLLM's sampling parameters of a task."""
    return SamplingParams(temperature=llm.temperature, top_p=llm.top_p, max_tokens=task.max_new_tokens, seed=task.seed)


def completion_of(answer) -> Completion:
    """Our completion from vLLM's."""
    return Completion(answer.text, len(answer.token_ids), answer.finish_reason or "stop")
