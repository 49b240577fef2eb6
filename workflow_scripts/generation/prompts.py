"""Prompts: versioned text files, filled and cut to the generator's context.

[assumed] A source too long for the prompt is cut for the prompt only, never for training: rephrase keeps its
beginning, latent thoughts keep what is nearest the boundary. Every cut is counted.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from workflow_scripts.common.errors import UserError

FOLDER = Path(__file__).parent / "prompts"


@dataclass(frozen=True)
class Template:
    """System and user text of one prompt version, and the words that the answer is begun with, if any."""

    version: str
    system: str
    user: str
    sha256: str
    answer: str = ""


def load_template(version: str) -> Template:
    """Read `prompts/<version>.txt`. Raises UserError when there is none."""
    path = FOLDER / f"{version}.txt"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.txt")))
        raise UserError(f"{path}: no such prompt version; there are {known}")
    text = path.read_text(encoding="utf-8")
    asked, _, answer = text.partition("\n[answer]\n")
    system, user = asked.removeprefix("[system]\n").split("\n[user]\n")
    return Template(version, system.strip(), user.strip(), hashlib.sha256(text.encode()).hexdigest(), answer.strip())


class PromptBuilder:
    """Turns texts into prompt token ids of one generator, leaving room for the answer."""

    def __init__(self, llm_tokenizer, template: Template, context: int, max_new_tokens: int) -> None:
        self.tokenizer, self.template = llm_tokenizer, template
        blank = self._chat({"document": "", "prefix": "", "suffix": ""})
        self.room = context - max_new_tokens - len(blank) - 8  # 8: joins may tokenise a little longer
        if self.room < 16:
            raise UserError(
                f"prompt {template.version} leaves {self.room} tokens for the document in a context of {context} with "
                f"{max_new_tokens} new tokens: raise the llm's context or lower max_new_tokens"
            )

    def rephrase(self, document: str) -> tuple[list[int], bool]:
        """Prompt ids and whether the document was cut."""
        return self.filled({"document": document})

    def filled(self, values: dict[str, str]) -> tuple[list[int], bool]:
        """Prompt ids with further values beside the document, and whether the document was cut to make room."""
        taken = sum(len(self._ids(value)) for name, value in values.items() if name != "document")
        kept, cut = self._head(values["document"], self.room - taken)
        return self._chat(values | {"document": kept}), cut

    def shown(self, document: str) -> tuple[str, str]:
        """The prompt as text, and what of the document it shows."""
        kept, _ = self._head(document, self.room)
        return self._text({"document": kept}), kept

    def latent_thoughts(self, prefix: str, suffix: str) -> tuple[list[int], bool]:
        """Prompt ids for one boundary and whether prefix or suffix was cut."""
        half = self.room // 2
        lengths = len(self._ids(prefix)), len(self._ids(suffix))
        prefix, cut_left = self._tail(prefix, max(half, self.room - lengths[1]))
        suffix, cut_right = self._head(suffix, max(half, self.room - lengths[0]))
        return self._chat({"prefix": prefix, "suffix": suffix}), cut_left or cut_right

    def _chat(self, values: dict[str, str]) -> list[int]:
        return self._ids(self._text(values))

    def _text(self, values: dict[str, str]) -> str:
        user = re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]).strip(), self.template.user)
        messages = [{"role": "system", "content": self.template.system}, {"role": "user", "content": user}]
        asked = self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        return asked + self.template.answer

    def _ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False)

    def _head(self, text: str, limit: int) -> tuple[str, bool]:
        ids = self._ids(text)
        return (text, False) if len(ids) <= limit else (self.tokenizer.decode(ids[:limit]), True)

    def _tail(self, text: str, limit: int) -> tuple[str, bool]:
        ids = self._ids(text)
        return (text, False) if len(ids) <= limit else (self.tokenizer.decode(ids[-limit:]), True)
