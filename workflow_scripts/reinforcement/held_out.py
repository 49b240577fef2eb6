"""How good a generator is on slices that it isn't trained on: one answer each, at intervals."""

from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback

from workflow_scripts.common.batches import batched
from workflow_scripts.common.seeds import named_seed
from workflow_scripts.config.reinforcement import Reinforcement
from workflow_scripts.reinforcement.history import HELD_OUT, summary
from workflow_scripts.reinforcement.prompts import Prompt
from workflow_scripts.reinforcement.scoring import Scorer, hacking


@dataclass(frozen=True)
class Answers:
    """Answers to prompts: texts, whether they ended by themselves, and their lengths in tokens."""

    texts: list[str]
    finished: list[bool]
    tokens: list[int]


@torch.inference_mode()
def answers(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: list[Prompt], settings: Reinforcement,
    max_new_tokens: int, seed: int,
) -> Answers:  # fmt: skip
    """One sampled answer per prompt; the same ones for the same weights, whatever was sampled before."""
    found = Answers([], [], [])
    with torch.random.fork_rng(devices=[model.device] if model.device.type == "cuda" else []):
        torch.manual_seed(seed % 2**63)
        for group in batched(prompts, settings.micro_batch_completions):
            inputs = tokenizer([one.prompt for one in group], return_tensors="pt", padding=True, padding_side="left",
                               add_special_tokens=False).to(model.device)  # fmt: skip
            sampling = {"do_sample": True, "temperature": settings.temperature, "top_p": settings.top_p, "top_k": 0}
            output = model.generate(**inputs, max_new_tokens=max_new_tokens, pad_token_id=tokenizer.pad_token_id,
                                    **sampling)  # fmt: skip
            for row in output[:, inputs["input_ids"].shape[1] :].tolist():
                kept = row[: row.index(tokenizer.eos_token_id)] if tokenizer.eos_token_id in row else row
                found.texts.append(tokenizer.decode(kept, skip_special_tokens=True))
                found.finished.append(len(kept) < len(row))
                found.tokens.append(len(kept))
    return found


class HeldOut(TrainerCallback):
    """Evaluates before the first step, at intervals and at the end; rows go into the trainer's history."""

    def __init__(self, scorer: Scorer, prompts: list[Prompt], settings: Reinforcement, max_new_tokens: int) -> None:
        self.scorer, self.prompts, self.settings, self.max_new_tokens = scorer, prompts, settings, max_new_tokens

    def on_train_begin(self, args, state, control, model=None, processing_class=None, **_) -> None:
        """The generator as it is before the training."""
        if state.global_step == 0:
            self.evaluate(state, model, processing_class)

    def on_step_end(self, args, state, control, model=None, processing_class=None, **_) -> None:
        """At intervals, and at the end."""
        if state.global_step % self.settings.evaluate_every == 0 or state.global_step == state.max_steps:
            self.evaluate(state, model, processing_class)

    def evaluate(self, state, model, tokenizer) -> None:
        """Note the means of all rewards and of what tells whether they are gamed; on the first process alone."""
        if not state.is_world_process_zero:
            return
        training = model.training
        model.eval()
        seed = named_seed("held-out answers", self.settings.seed)
        found = answers(model, tokenizer, self.prompts, self.settings, self.max_new_tokens, seed)
        model.train(training)
        written = self.scorer.written([one.source for one in self.prompts], found.texts, found.finished)
        scores = self.scorer.scores(written)
        measures = scores | {"total": self.scorer.total(scores)} | hacking(written)
        measures["completion_tokens"] = np.array(found.tokens, dtype=np.float64)
        state.log_history.append({"step": state.global_step, HELD_OUT: summary(state.global_step, measures)})
        total, kept = measures["total"].mean(), measures["ok_share"].mean()
        where = f"step {state.global_step}, {len(written)} held-out slices"
        print(f"{where}: total reward {total:.3f}, {kept:.0%} in the right form", flush=True)
