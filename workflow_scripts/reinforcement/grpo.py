"""GRPO with TRL: what our settings are called there, and the generator before and after.

The authors' TRL 0.18.2 had its defaults for what is not in our settings; where newer defaults differ, those are named
here: a token-level mean over the batch ("bnpo"), advantages over the group's deviation, no clipping from above.
"""

import warnings
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from workflow_scripts.common.files import atomic_directory
from workflow_scripts.common.processor import products_in
from workflow_scripts.config.models import Llm
from workflow_scripts.config.reinforcement import Lora, Reinforcement

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # about versions of vLLM, which is used on a GPU alone
    from trl import GRPOConfig


def load_generator(folder: str, llm: Llm) -> PreTrainedModel:
    """The generator that is trained: in fp32 where there is no GPU, as updates are small."""
    dtype = products_in(getattr(torch, llm.dtype), "cuda") if torch.cuda.is_available() else torch.float32
    return AutoModelForCausalLM.from_pretrained(folder, revision=llm.revision, dtype=dtype)


def grpo_config(settings: Reinforcement, weights: list[float], standardise: bool, limit: int, folder: str | Path):
    """TRL's arguments; `limit`: tokens of an answer, `folder`: of the states that an interrupted training leaves."""
    on_gpu, completions = torch.cuda.is_available(), settings.prompts_per_step * settings.completions
    return GRPOConfig(
        output_dir=str(folder), max_steps=settings.steps, seed=settings.seed, data_seed=settings.seed,
        per_device_train_batch_size=settings.micro_batch_completions,
        gradient_accumulation_steps=completions // settings.micro_batch_completions,
        num_generations=settings.completions, max_completion_length=limit, shuffle_dataset=False,
        temperature=settings.temperature, top_p=settings.top_p, top_k=0,
        learning_rate=settings.lr, lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": settings.lr_floor}, warmup_steps=settings.warmup_fraction,
        beta=settings.kl, loss_type="bnpo", scale_rewards="group", epsilon=0.2, num_iterations=1,
        reward_weights=weights,
        multi_objective_aggregation="normalize_then_sum" if standardise else "sum_then_normalize",
        bf16=on_gpu, use_cpu=not on_gpu, gradient_checkpointing=settings.gradient_checkpointing,
        use_vllm=on_gpu and have_vllm(), vllm_mode="colocate",
        save_strategy="steps", save_steps=settings.save_every, save_total_limit=2,
        logging_steps=1, report_to="none", remove_unused_columns=False,
    )  # fmt: skip


def have_vllm() -> bool:
    """Whether vLLM can write the answers."""
    from importlib.util import find_spec

    return find_spec("vllm") is not None


def lora_config(lora: Lora | None):
    """Adapters on all linear layers; none: full fine-tuning."""
    if lora is None:
        return None
    from peft import LoraConfig

    return LoraConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules="all-linear", task_type="CAUSAL_LM")


def save_generator(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, llm: Llm, folder: str | Path) -> None:
    """Write the generator as the engines load it, adapters merged; the folder appears whole."""
    merged = model.merge_and_unload() if hasattr(model, "merge_and_unload") else model
    with atomic_directory(folder) as output:
        merged.to(getattr(torch, llm.dtype)).save_pretrained(output)
        tokenizer.save_pretrained(output)


def trainer_of(model, tokenizer, config, rewards: list, prompts, adapters, held_out):
    """TRL's trainer of a generator."""
    from trl import GRPOTrainer

    return GRPOTrainer(
        model=model, reward_funcs=rewards, args=config, train_dataset=prompts, processing_class=tokenizer,
        peft_config=adapters, callbacks=[held_out],
    )  # fmt: skip
