"""transformers: batched generation where vLLM can't run; slower, and says how much it does."""

from collections.abc import Callable

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, LogitsProcessor, LogitsProcessorList

from workflow_scripts.common.batches import batched
from workflow_scripts.config.models import Llm
from workflow_scripts.generation.engines import Completion, Task

SEQUENCES = {"cpu": 32, "cuda": 512}


class SeededSampling(LogitsProcessor):
    """Turns greedy search into sampling with one generator per row: argmax(logits + Gumbel noise)."""

    def __init__(self, tasks: list[Task], llm: Llm, device: str) -> None:
        self.llm = llm
        self.generators = [torch.Generator(device=device).manual_seed(task.seed) for task in tasks]

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Scores [rows, vocabulary] after temperature and top-p, with noise."""
        scores = self._nucleus(scores.float() / self.llm.temperature)
        noise = torch.empty_like(scores)
        for row, generator in enumerate(self.generators):
            noise[row].exponential_(generator=generator)
        return scores - noise.log()

    def _nucleus(self, scores: torch.FloatTensor) -> torch.FloatTensor:
        if self.llm.top_p >= 1:
            return scores
        return transformers.TopPLogitsWarper(self.llm.top_p)(None, scores)


class TransformersEngine:
    """Batches of similar length, longest prompts first, padded on the left."""

    def __init__(self, folder: str, llm: Llm) -> None:
        self.identity = f"transformers {transformers.__version__}"
        self.llm = llm
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, llm.dtype)).to(self.device)
        self.pad = self.tokenizer.pad_token_id or self.tokenizer.eos_token_id

    def generate(self, tasks: list[Task], on_tokens: Callable[[int], None]) -> list[Completion]:
        """Completions in the order of the tasks."""
        order = sorted(range(len(tasks)), key=lambda i: (-len(tasks[i].prompt_ids), i))
        done: dict[int, Completion] = {}
        for group in batched(order, SEQUENCES[self.device]):
            completions = self._batch([tasks[i] for i in group])
            done.update(zip(group, completions, strict=True))
            on_tokens(sum(completion.tokens for completion in completions))
        return [done[i] for i in range(len(tasks))]

    @torch.inference_mode()
    def _batch(self, tasks: list[Task]) -> list[Completion]:
        width = max(len(task.prompt_ids) for task in tasks)
        ids = torch.tensor([[self.pad] * (width - len(t.prompt_ids)) + t.prompt_ids for t in tasks])
        mask = torch.tensor([[0] * (width - len(t.prompt_ids)) + [1] * len(t.prompt_ids) for t in tasks])
        output = self.model.generate(
            ids.to(self.device),
            attention_mask=mask.to(self.device),
            max_new_tokens=max(task.max_new_tokens for task in tasks),
            do_sample=False,
            logits_processor=LogitsProcessorList([SeededSampling(tasks, self.llm, self.device)]),
            pad_token_id=self.pad,
        )
        return [self._completion(row[width:].tolist(), task) for row, task in zip(output, tasks, strict=True)]

    def _completion(self, ids: list[int], task: Task) -> Completion:
        ends = self.model.generation_config.eos_token_id
        ends = set(ends if isinstance(ends, list) else [ends])
        stop = next((i for i, token in enumerate(ids) if token in ends), None)
        kept = ids[: min(task.max_new_tokens, len(ids) if stop is None else stop)]
        reason = "stop" if stop is not None and stop <= task.max_new_tokens else "length"
        return Completion(self.tokenizer.decode(kept, skip_special_tokens=True), len(kept), reason)
