"""What one training of a generator consists of: its prompts, its rewards, TRL's trainer, what is noted at the end."""

import argparse
import json
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.hub import located
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Llm
from workflow_scripts.config.reinforcement import Operation, Reinforcement
from workflow_scripts.corpus.documents import read_documents
from workflow_scripts.generation.prompts import PromptBuilder, load_template
from workflow_scripts.reinforcement.prompts import prompts_of, rows_of, split


def check(settings: Reinforcement, weights: dict[str, float]) -> None:
    """Raise UserError for settings that make no sense together."""
    completions = settings.prompts_per_step * settings.completions
    if completions % settings.micro_batch_completions:
        raise UserError(
            f"micro_batch_completions {settings.micro_batch_completions} doesn't divide the {completions} completions "
            "of a step (prompts_per_step x completions)"
        )
    if not weights:
        raise UserError("--weights: no reward is named, so there is nothing to train a generator by")


class Training:
    """One generator's training: everything is opened and checked before any work. Raises UserError."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        from transformers import AutoTokenizer

        self.arguments, self.weights = arguments, json.loads(arguments.weights)
        self.settings, self.llm = parse_settings(Reinforcement, arguments.settings), parse_settings(Llm, arguments.llm)
        self.operation = parse_settings(Operation, arguments.operation)
        check(self.settings, self.weights)
        self.model = located("model", arguments.model, self.llm.revision)
        self.tokenizer = AutoTokenizer.from_pretrained(self.model)
        self.tokenizer.pad_token = self.tokenizer.pad_token or self.tokenizer.eos_token
        template, limit = load_template(self.operation.prompt), self.operation.max_new_tokens
        builder = PromptBuilder(self.tokenizer, template, self.llm.context, limit)
        prompts = prompts_of(read_documents(arguments.slices), builder)
        self.chosen, self.held_out = split(prompts, self.settings.evaluation_slices, arguments.name)
        self.scorer = self._scorer(template.answer)

    def _scorer(self, begun: str):
        from workflow_scripts.reinforcement.scoring import Scorer
        from workflow_scripts.rewards.catalogue import RewardModels, rewards_of

        own, settings = self.arguments, self.settings
        models = RewardModels(own.rater, own.embedding, own.before, own.after, settings.dataman, settings.judge)
        return Scorer(own.operation_name, begun, rewards_of(self.weights, settings, models), self.weights)

    def trainer(self, states: Path):
        """TRL's trainer, which leaves its states in a folder."""
        from datasets import Dataset

        from workflow_scripts.reinforcement import grpo
        from workflow_scripts.reinforcement.held_out import HeldOut
        from workflow_scripts.reinforcement.scoring import reward_functions

        own, limit = self.settings, self.operation.max_new_tokens
        rows = rows_of(self.chosen, own.steps, own.prompts_per_step, own.seed)
        return grpo.trainer_of(
            grpo.load_generator(self.model, self.llm), self.tokenizer,
            grpo.grpo_config(own, list(self.weights.values()), self.arguments.standardise, limit, states),
            reward_functions(self.scorer, self.tokenizer.eos_token_id), Dataset.from_list(rows),
            grpo.lora_config(own.lora), HeldOut(self.scorer, self.held_out, own, limit),
        )  # fmt: skip

    def facts(self, trainer, rows: list[dict]) -> dict:
        """What metrics.json says of a finished training."""
        completions = self.settings.prompts_per_step * self.settings.completions
        written = [row["mean"] for row in rows if (row["measure"], row["split"]) == ("completion_tokens", "training")]
        return {
            "set": self.arguments.name,
            "steps": self.settings.steps,
            "completions": completions * self.settings.steps,
            "slices": len(self.chosen),
            "held_out_slices": len(self.held_out),
            "generated_tokens": round(completions * sum(written)),
            "prompt_tokens": prompt_tokens(self.tokenizer, self.chosen, self.settings),
            "parameters": sum(parameter.numel() for parameter in trainer.model.parameters()),
        }


def prompt_tokens(tokenizer, prompts: list, settings: Reinforcement) -> int:
    """Tokens of the prompts of all answers of a training, by their mean."""
    lengths = [len(tokenizer.encode(one.prompt, add_special_tokens=False)) for one in prompts]
    return round(sum(lengths) / len(lengths) * settings.steps * settings.prompts_per_step * settings.completions)
