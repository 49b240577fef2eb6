"""What a repository of the Hugging Face hub is called, and which of its files are wanted."""

from dataclasses import dataclass

from huggingface_hub import constants
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from workflow_scripts.common.errors import UserError

FILES = {  # what is fetched of each kind; README.md says which files of a dataset are which split
    "model": ["*.safetensors", "*.json", "*.model", "*.txt", "*.jinja"],
    "tokenizer": ["tokenizer*", "special_tokens_map.json", "*.jinja", "config.json"],
    "dataset": ["README.md", "*.parquet", "*.json*", "*.arrow", "*.csv*", "*.tsv*", "*.txt*", "*.zst", "*.gz"],
}
SUFFIXES = {"model": (".safetensors",), "tokenizer": ("tokenizer.json",)}  # without such a file it is of no use
SUFFIXES["dataset"] = (".parquet", ".json", ".jsonl", ".arrow", ".csv", ".tsv", ".txt", ".zst", ".gz")
KINDS = [*FILES, "stream"]  # stream: a dataset too large for a snapshot, read over the network each time


@dataclass(frozen=True)
class Repo:
    """A repository at a revision. Raises UserError for what can't be one."""

    kind: str
    name: str
    revision: str = "main"

    def __post_init__(self) -> None:
        try:
            validate_repo_id(self.name)
        except HFValidationError:
            raise UserError(f"{self.name!r} is neither a folder nor a repository of the hub (owner/name)") from None
        if self.kind not in KINDS:
            raise UserError(f"{self.name}: unknown kind '{self.kind}'; expected one of {', '.join(KINDS)}")

    @classmethod
    def parse(cls, text: str) -> "Repo":
        """From kind:owner/name@revision."""
        kind, _, place = text.partition(":")
        name, _, revision = place.partition("@")
        return cls(kind, name, revision or "main")

    @property
    def type(self) -> str:
        """What the hub calls its kind."""
        return "dataset" if self.kind in ("dataset", "stream") else "model"

    @property
    def url(self) -> str:
        """Its page."""
        return f"{constants.ENDPOINT}/{'datasets/' if self.type == 'dataset' else ''}{self.name}"

    def __str__(self) -> str:
        return f"{self.kind} {self.name} (revision {self.revision})"
