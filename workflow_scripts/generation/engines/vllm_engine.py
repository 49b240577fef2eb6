"""vLLM, in the caller's process: with two cores a separate engine process would take one of them to poll."""

import os
from collections.abc import Callable

os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "2")  # GiB
os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")

import torch
import vllm
from vllm import LLM, SamplingParams

from workflow_scripts.config.models import Llm
from workflow_scripts.generation.engines import Completion, Task
from workflow_scripts.generation.engines.cpu_top_p import install as install_cpu_top_p


class VllmEngine:
    """Continuous batching; the generations of a document share its prefill through the prefix cache."""

    def __init__(self, folder: str, llm: Llm, sequences: int) -> None:
        self.identity = f"vllm {vllm.__version__}"
        self.llm = llm
        on_cpu = not torch.cuda.is_available()
        if on_cpu:
            install_cpu_top_p()
        # On a CPU, per-request seeds fail with chunked prefill, and compiling costs more than it saves.
        special = {"enforce_eager": True, "enable_chunked_prefill": False, "max_num_batched_tokens": 2 * llm.context}
        self.engine = LLM(
            folder,
            dtype=llm.dtype,
            max_model_len=llm.context,
            max_num_seqs=sequences,
            enable_prefix_caching=True,
            disable_log_stats=True,
            **(special if on_cpu else {}),
        ).llm_engine

    def generate(self, tasks: list[Task], on_tokens: Callable[[int], None]) -> list[Completion]:
        """Run one batch to its end. The prefix cache is emptied first: a batch must not depend on earlier ones."""
        self.engine.reset_prefix_cache()
        for number, task in enumerate(tasks):
            self.engine.add_request(str(number), {"prompt_token_ids": task.prompt_ids}, self._sampling(task))
        done: dict[int, Completion] = {}
        while self.engine.has_unfinished_requests():
            for output in self.engine.step():
                if output.finished:
                    answer = output.outputs[0]
                    completion = Completion(answer.text, len(answer.token_ids), answer.finish_reason or "stop")
                    done[int(output.request_id.split("-")[0])] = completion
                    on_tokens(completion.tokens)
        return [done[number] for number in range(len(tasks))]

    def _sampling(self, task: Task) -> SamplingParams:
        return SamplingParams(
            temperature=self.llm.temperature, top_p=self.llm.top_p, max_tokens=task.max_new_tokens, seed=task.seed
        )
