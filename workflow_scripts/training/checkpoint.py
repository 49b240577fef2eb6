"""Checkpoints of a training: one file each that is used whole and unharmed, or not at all.

A file appears under its name only when it is complete and on disk. The digest in its header, which covers everything
else in it, is the mark that it is complete: without it, or when it differs, the file is not used. The last two are
kept, so that one that is damaged later costs an interval and not the training. Weights and moments have the names of
the parameters, so any number of processes continues what another wrote.
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

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import atomic_path
from workflow_scripts.training.micro_batch import NAME as MICRO_BATCH
from workflow_scripts.training.outcome import NAME as OUTCOME

PATTERN = "checkpoint-*.safetensors"
PLATEAU = ("plateau.safetensors", "plateau.json")  # that a pretraining keeps here until it ends


def write_checkpoint(folder: str | Path, step: int, identity: str, record: dict, state: dict[str, Tensor]) -> Path:
    """Write the state after `step` steps with a JSON record; then remove all others but the last one before it.

    Raises OSError when it can't be written; then the folder holds what it held before.
    """
    path = Path(folder) / f"checkpoint-{step:09d}.safetensors"
    write_state(path, {"identity": identity, "record": record}, state)
    others = sorted(other for other in path.parent.glob(PATTERN) if other != path)
    for other in set(others) - {max((other for other in others if other < path), default=path)}:
        other.unlink(missing_ok=True)
    return path


def write_state(path: str | Path, about: dict, state: dict[str, Tensor]) -> None:
    """Write weights and moments with what is said about them, JSON. Raises OSError when it can't be written.

    The header has one entry: the library writes several in an order that differs from process to process.
    """
    content = json.dumps(about)
    header = json.dumps({"content": content, "sha256": _digest(content, state)})
    try:
        with atomic_path(path) as temporary:
            save_file(state, temporary, metadata={"header": header})
    except SafetensorError as error:
        raise OSError(f"{path}: {error}") from error


def read_state(path: str | Path) -> tuple[dict, dict[str, Tensor]]:
    """What `write_state` wrote. Raises UserError when there is no such file or a byte of it has changed."""
    try:
        return _read(Path(path))
    except _UnusableError as error:
        raise UserError(f"{path}: no usable state of a student: {error}") from None


def read_checkpoint(folder: str | Path, identity: str, tell: bool = True) -> tuple[dict, dict[str, Tensor]] | None:
    """Record and state of the newest checkpoint that is whole and of this training; says why others are not used."""
    for path in sorted(Path(folder).glob(PATTERN), reverse=True):
        try:
            about, state = _read(path)
            if about["identity"] != identity:
                raise _UnusableError("of another training: student, recipe, options or streams differ")
            return about["record"], state
        except _UnusableError as error:
            if tell:
                print(f"{path}: not used, since it is {error}; it will be replaced", file=sys.stderr)
    return None


def remove_leftovers(folder: str | Path) -> None:
    """Remove what killed processes left of checkpoints."""
    for path in Path(folder).glob(f".{PATTERN}.*.partial"):
        path.unlink(missing_ok=True)


def remove_checkpoints(folder: str | Path) -> None:
    """Remove everything that a training keeps in its folder but the file that says whose it is."""
    remove_leftovers(folder)
    for path in [*Path(folder).glob(PATTERN), *(Path(folder) / name for name in (OUTCOME, MICRO_BATCH, *PLATEAU))]:
        path.unlink(missing_ok=True)


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


def _read(path: Path) -> tuple[dict, dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads(file.metadata()["header"])
            about = json.loads(header["content"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise _UnusableError(f"damaged ({error})") from None
    if _digest(header["content"], state) != header["sha256"]:
        raise _UnusableError("damaged (its digest is not that of its content)")
    return about, state


def _digest(content: str, state: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(content.encode())
    for name in sorted(state):
        digest.update(f"{name} {state[name].dtype} {list(state[name].shape)}".encode())
        digest.update(state[name].reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
