"""transformers: batched generation where vLLM can't run; slower, and says how much it does."""

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, LogitsProcessor, LogitsProcessorList

from workflow_scripts.common.processor import products_in
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
    """Groups of similar length, longest prompts first, padded on the left."""

    def __init__(self, folder: str, llm: Llm) -> None:
        self.identity = f"transformers {transformers.__version__}"
        self.llm = llm
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        source = {"pretrained_model_name_or_path": folder, "revision": llm.revision}
        self.tokenizer = AutoTokenizer.from_pretrained(**source)
        dtype = products_in(getattr(torch, llm.dtype), self.device)
        self.model = AutoModelForCausalLM.from_pretrained(**source, dtype=dtype).to(self.device)
        self.pad = self.tokenizer.pad_token_id or self.tokenizer.eos_token_id
        self.queue: dict[int, Task] = {}

    def add(self, number: int, task: Task) -> None:
        """Queue a task."""
        self.queue[number] = task

    def step(self) -> list[tuple[int, Completion]]:
        """Answer one group."""
        order = sorted(self.queue, key=lambda number: (-len(self.queue[number].prompt_ids), number))
        group = order[: SEQUENCES[self.device]]
        return list(zip(group, self._batch([self.queue.pop(number) for number in group]), strict=True))

    def forget(self) -> None:
        """Nothing stays behind."""

    def close(self) -> None:
        """Nothing was started."""

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
