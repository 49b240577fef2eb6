"""Checkpoints of a training: one file each that is used whole and unharmed, or not at all.

A file appears under its name only when it is complete and on disk; a digest in its header covers everything else in
it. Weights and moments have the names of the parameters, so any number of processes continues what another wrote.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from workflow_scripts.common.files import atomic_path

PATTERN = "checkpoint-*.safetensors"


def write_checkpoint(folder: str | Path, step: int, identity: str, record: dict, state: dict[str, Tensor]) -> Path:
    """Write the state after `step` steps with a JSON record; then remove all older checkpoints of the folder."""
    content = json.dumps({"identity": identity, "record": record})
    path = Path(folder) / f"checkpoint-{step:09d}.safetensors"
    with atomic_path(path) as temporary:
        save_file(state, temporary, metadata={"content": content, "sha256": _digest(content, state)})
    remove_checkpoints(folder, keep=path)
    return path


def read_checkpoint(folder: str | Path, identity: str, tell: bool = True) -> tuple[dict, dict[str, Tensor]] | None:
    """Record and state of the newest checkpoint that is whole and of this training; says why others are not used."""
    for path in sorted(Path(folder).glob(PATTERN), reverse=True):
        try:
            return _read(path, identity)
        except _UnusableError as error:
            if tell:
                print(f"{path}: not used, since it is {error}; it will be replaced", file=sys.stderr)
    return None


def remove_checkpoints(folder: str | Path, keep: Path | None = None) -> None:
    """Remove the folder's checkpoints and what killed processes left of some; the folder too if that empties it."""
    folder = Path(folder)
    for path in [*folder.glob(PATTERN), *folder.glob(f".{PATTERN}.*.partial")]:
        if path != keep:
            path.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def training_state(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Weights and moments by name, in memory of the CPU."""
    return {name: tensor.detach().cpu().contiguous() for name, tensor in _live_state(model, optimizer)}


@torch.no_grad()
def restore_state(model: nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, Tensor]) -> None:
    """Put weights and moments back."""
    for name, parameter in model.named_parameters():
        parameter.copy_(state[f"weight/{name}"])
        keys = [key for key in state if key.endswith(f"/{name}") and not key.startswith("weight/")]
        optimizer.state[parameter] = {key.removesuffix(f"/{name}"): state[key].to(parameter.device) for key in keys}


def _live_state(model: nn.Module, optimizer: torch.optim.Optimizer) -> Iterator[tuple[str, Tensor]]:
    for name, parameter in model.named_parameters():
        yield f"weight/{name}", parameter
        for key, tensor in optimizer.state[parameter].items():
            yield f"{key}/{name}", tensor


class _UnusableError(Exception):
    """Why a checkpoint is not used."""


def _read(path: Path, identity: str) -> tuple[dict, dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata()
            content = json.loads(header["content"])
            if content["identity"] != identity:
                raise _UnusableError("of another training: student, recipe, options or streams differ")
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise _UnusableError(f"damaged ({error})") from None
    if _digest(header["content"], state) != header["sha256"]:
        raise _UnusableError("damaged (its digest is not that of its content)")
    return content["record"], state


def _digest(content: str, state: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(content.encode())
    for name in sorted(state):
        digest.update(f"{name} {state[name].dtype} {list(state[name].shape)}".encode())
        digest.update(state[name].reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
