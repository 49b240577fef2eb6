"""Reads config.yaml into the typed models; every error is one readable sentence per value."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Compute, Config

Model = TypeVar("Model", bound=BaseModel)


def load_config(content: dict, where: str = "config.yaml") -> Config:
    """Check a whole config. Raises UserError that names each wrong key, its value and what is accepted."""
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{where} is not valid:\n" + "\n".join(sentences(error))) from None


def with_own_table(config: Config, folder: str) -> Config:
    """The config with its table of tuned values looked for in `folder` where the working directory has none."""
    shipped = Path(folder) / config.hyperparameters
    use_shipped = shipped.exists() and not Path(config.hyperparameters).exists()
    return config.model_copy(update={"hyperparameters": str(shipped)}) if use_shipped else config


def without_machines(config: Config) -> Config:
    """The selected scale alone, with nothing that says where and how it runs: what its results depend on."""
    scale = config.scales[config.scale].model_copy(update={"compute": Compute()})
    usual = Config.model_fields["site"].default
    return config.model_copy(update={"scales": {config.scale: scale}, "site": usual, "budget_gpu_hours": None})


def read_config(path: str | Path) -> Config:
    """Read and check a config file."""
    return load_config(yaml.safe_load(Path(path).read_text(encoding="utf-8")), str(path))


def parse_settings(model: type[Model], text: str) -> Model:
    """One section of the config from the JSON that a rule passes on the command line."""
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise UserError(
            f"the options are not a valid {model.__name__} section:\n" + "\n".join(sentences(error))
        ) from None


def sentences(error: ValidationError) -> list[str]:
    """One readable sentence per wrong key."""
    return [_sentence(problem) for problem in error.errors()]


def _sentence(problem: dict) -> str:
    key = ".".join(map(str, problem["loc"])) or "(top level)"
    if problem["type"] == "extra_forbidden":
        return f"  {key}: unknown key; remove it or mend its spelling"
    message = problem["msg"].removeprefix("Value error, ")
    value = "" if isinstance(problem["input"], dict) else f" (got {problem['input']!r})"
    return f"  {key}: {message}{value}"
