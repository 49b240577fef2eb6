"""How much of a batch is computed at once; when memory is short, less, which costs little speed and no accuracy."""

from pathlib import Path

import torch

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import read_json, write_json
from workflow_scripts.training.outcome import write_outcome

NAME = "micro_batch.json"
SIGNS = ("DefaultCPUAllocator: can't allocate memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


class OutOfMemoryEnd(Exception):  # noqa: N818  a way to end
    """This process can't go on; the next one takes smaller micro-batches."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory could not be had, on a GPU or a CPU."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(sign in str(error) for sign in SIGNS)


def micro_batch(share: int, asked: int | None, folder: str | Path | None) -> int:
    """Sequences that a process computes at once: as asked, at most what an earlier attempt left, dividing its share."""
    size, path = asked or share, Path(folder or ".") / NAME
    limit = read_json(path)["sequences"] if folder and path.exists() else size
    return size if size <= limit else max(n for n in range(1, limit + 1) if share % n == 0)


def end_out_of_memory(name: str, tried: int, folder: str | Path | None, error: Exception) -> None:
    """Leave word that half of the tried micro-batch is next. Raises OutOfMemoryEnd, or UserError if that can't help."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    if tried == 1:
        raise UserError(
            f"{name}: not even one sequence fits into memory ({reason}): give the job more memory or a GPU that has "
            "more, or shorten `context`"
        ) from error
    message = f"{name}: {tried} sequences at once do not fit into memory ({reason})"
    if folder is None:
        raise UserError(f"{message}: start again with --micro-batch-sequences {tried // 2}") from error
    write_json(Path(folder) / NAME, {"sequences": tried // 2})
    write_outcome(folder, "out_of_memory", message, micro_batch_sequences=tried)
    raise OutOfMemoryEnd(f"{message}; the next attempt takes {tried // 2} of the same batch") from error
