"""A language model that is asked one question at a time and answers with its most likely tokens."""

from pathlib import Path

import torch

from workflow_scripts.common.errors import UserError
from workflow_scripts.training.device import pick_device


class Chat:
    """A model of the hub, or of a folder, with its chat template."""

    def __init__(self, model: str | Path, max_new_tokens: int) -> None:
        """Load it, in bf16 on a GPU. Raises UserError where it can't be loaded."""
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.device, self.max_new_tokens = pick_device(), max_new_tokens
        precision = torch.bfloat16 if self.device.type == "cuda" else torch.float32
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(str(model))
            self.model = AutoModelForCausalLM.from_pretrained(str(model), dtype=precision).to(self.device).eval()
        except (OSError, ValueError) as error:
            raise UserError(f"{model}: the model can't be loaded ({error}); fetch it first, or name a folder") from None

    @torch.inference_mode()
    def ask(self, question: str) -> str:
        """The answer to one question; alone in its batch, so that no neighbour changes it."""
        turns = [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": question}]
        extra = {"enable_thinking": False}  # templates that know no such switch pass over it
        ids = self.tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, return_tensors="pt", return_dict=True, **extra
        ).to(self.device)
        answer = self.model.generate(**ids, max_new_tokens=self.max_new_tokens, do_sample=False)
        return self.tokenizer.decode(answer[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)
