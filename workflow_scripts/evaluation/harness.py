"""The lm-evaluation-harness on an exported student and our files: the harness's own tasks, model class and scoring.

[assumed] Every prompt starts with BOS, as every row in training did. A prompt longer than the student's training
context loses its first tokens. Importing this imports torch, transformers and datasets; see `downstream.offline`.
"""

from pathlib import Path

import lm_eval
import torch
import yaml
from lm_eval.evaluator import evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Training
from workflow_scripts.training.device import pick_device, pick_precision

DEFINITIONS = {"arc_easy": "arc/arc_easy.yaml", "piqa": "piqa/piqa.yaml", "sciq": "sciq/sciq.yaml"}
BATCH_REQUESTS = {"cpu": 8, "cuda": 64}


class Student(HFLM):
    """The harness's Hugging Face model, which also counts the requests that its context cuts."""

    cut_requests = 0

    def _loglikelihood_tokens(self, requests: list[tuple], *args, **options) -> list[tuple[float, bool]]:
        longest = max(len(answer) for _, _, answer in requests)
        if longest > self.max_length:
            raise UserError(
                f"an answer has {longest} tokens, more than the student's context of {self.max_length}: raise "
                "training.context or tokenizer.vocabulary_size, or leave the task out of evaluation.downstream.tasks"
            )
        self.cut_requests += sum(len(prompt) + len(answer) > self.max_length + 1 for _, prompt, answer in requests)
        return super()._loglikelihood_tokens(requests, *args, **options)


def open_student(folder: str | Path, training: Training) -> Student:
    """The exported student as the harness's model, with products in the precision of its training."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    bos = tokenizer.bos_token
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{bos} $A", special_tokens=[(bos, tokenizer.bos_token_id)]
    )
    device = pick_device()
    in_bf16 = pick_precision(device, training.precision) == torch.bfloat16
    return Student(
        pretrained=str(folder),
        tokenizer=tokenizer,
        add_bos_token=True,
        dtype="float32",
        mixed_precision_dtype="bfloat16" if in_bf16 else None,
        softmax_dtype="float32",
        max_length=training.context,
        batch_size=BATCH_REQUESTS[device.type],
        device=device.type,
    )


def task_of(name: str, path: str | Path, split: str) -> dict:
    """The harness's own definition of a task, 0-shot, on a Parquet file of questions."""
    definition = Path(lm_eval.__file__).parent / "tasks" / DEFINITIONS[name]
    splits = {"training_split": None, "validation_split": None, "test_split": None, f"{split}_split": split}
    data = {"dataset_path": "parquet", "dataset_name": None, "dataset_kwargs": {"data_files": {split: str(path)}}}
    return yaml.safe_load(definition.read_text(encoding="utf-8")) | splits | data | {"num_fewshot": 0}


def answer_tasks(student: Student, tasks: list[dict], limit: int | None) -> dict:
    """The harness's results: all questions of each task, or the first `limit` of them."""
    return evaluate(student, TaskManager(include_defaults=False).load(tasks), limit=limit)
