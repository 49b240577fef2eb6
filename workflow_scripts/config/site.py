"""Facts of a cluster, as its user writes them into the site file."""

import os
import re
import shlex
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, PositiveInt, ValidationError, field_validator

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.base import Strict
from workflow_scripts.config.load import sentences

EXAMPLE = "slurm/site.example.yaml"
Name = Annotated[str, Field(min_length=1)]
Hours = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Partitions(Strict):
    """Where jobs with and without a GPU go; both may be the same."""

    gpu: Name
    cpu: Name


class RuntimeHours(Strict):
    """Longest job of each partition."""

    gpu: Hours
    cpu: Hours


class Limits(Strict):
    """The largest job that the site runs on one node."""

    gpus_per_node: int = Field(ge=0)
    cpus_per_node: PositiveInt
    memory_gb: float = Field(gt=0, description="10^9 bytes")
    runtime_hours: RuntimeHours


class Site(Strict):
    """slurm/site.yaml."""

    partitions: Partitions
    limits: Limits
    account: Name | None = None
    qos: Name | None = None
    gpu_request: Literal["gpu", "gres"] = "gpu"
    gpu_model: str | None = None
    constraint: Name | None = Field(None, description="of GPU jobs")
    modules: list[Name] = []
    cache: str | None = Field(None, description="shared folder: hub, packages, compiled kernels")
    scratch: str | None = Field(None, description="shared folder: checkpoints and journals; none: beside the results")
    hub_offline: bool = False
    email: str | None = Field(None, description="hears of jobs that fail")

    @field_validator("cache", "scratch")
    @classmethod
    def _is_absolute(cls, path: str | None) -> str | None:
        """`~` and `$VARIABLES` are filled in here, once, so that every node sees the same folder."""
        expanded = path and os.path.expanduser(os.path.expandvars(path))
        if expanded and not re.fullmatch(r"/[^\s${}]*", expanded):
            raise ValueError("must be an absolute path, without blanks or braces, whose $VARIABLES are set")
        return expanded

    @field_validator("gpu_model")
    @classmethod
    def _executor_takes_model(cls, model: str | None) -> str | None:
        if model and not re.fullmatch(r"[A-Za-z0-9_.]+", model):
            raise ValueError("the SLURM executor takes letters, digits, _ and . only: name the GPU by `constraint`")
        return model

    @field_validator("email")
    @classmethod
    def _executor_takes_email(cls, email: str | None) -> str | None:
        if email and ("-J" in email or not re.fullmatch(r"[\w.+-]+@[\w.-]+\w", email)):
            raise ValueError("must be one plain address, without `-J`, which the SLURM executor takes for an option")
        return email

    def shell_settings(self) -> str:
        """Shell commands that every job starts with: modules, and where caches are."""
        modules = "".join(f"module load {shlex.quote(name)}; " for name in self.modules)
        exports = "".join(f"export {name}={shlex.quote(value)}; " for name, value in self.environment().items())
        return (f"set +u; {modules}set -u; " if modules else "") + exports  # modules read variables that are not set

    def environment(self) -> dict[str, str]:
        """Environment variables of every job. The hub's token stays where `hf auth login` puts it."""
        folders = {
            "MEGADOCS_CACHE": "packages",
            "HF_HUB_CACHE": "hub",
            "VLLM_CACHE_ROOT": "vllm",
            "TRITON_CACHE_DIR": "triton",
            "TORCHINDUCTOR_CACHE_DIR": "inductor",
        }
        shared = {name: f"{self.cache}/{folder}" for name, folder in folders.items()} if self.cache else {}
        return shared | ({"HF_HUB_OFFLINE": "1"} if self.hub_offline else {})


def read_site(path: str | Path) -> Site:
    """Read and check a site file. Raises UserError with a sentence per wrong key."""
    try:
        return Site.model_validate(yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {})
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; copy {EXAMPLE} there and fill in the facts of your cluster") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML: {error}") from None
    except ValidationError as error:
        raise UserError(f"{path} is not valid; {EXAMPLE} explains each key:\n" + "\n".join(sentences(error))) from None
