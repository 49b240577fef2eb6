"""The processes that train one student together: one per GPU of a node, started by torchrun; or just this one.

Parameters and moments are whole in every process (16 bytes per parameter in fp32 with gradients: 24.6 GB for 1.5b), so
the largest student fits one GPU and nothing is sharded.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from workflow_scripts.common.errors import UserError


@dataclass(frozen=True)
class World:
    """This process and how many there are; the first one alone writes, prints and evaluates."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes what comes out."""
        return self.rank == 0

    def mean(self, value: Tensor) -> float:
        """Mean of a number over the processes; waits for the device."""
        if self.size > 1:
            value = value.clone()
            dist.all_reduce(value)
        return value.item() / self.size

    def any(self, *flags: bool) -> list[bool]:
        """Of each flag, whether any process has raised it. Processes wait for each other here, never for a GPU."""
        if self.size == 1:
            return list(flags)
        raised = torch.tensor(flags, dtype=torch.uint8)
        dist.all_reduce(raised, op=dist.ReduceOp.MAX)
        return raised.bool().tolist()

    def together(self, module: nn.Module, in_one_graph: bool = False) -> nn.Module:
        """The module with gradients averaged over the processes; itself where there is one.

        A compiler cuts the module so that averaging starts before the backward pass ends; with `in_one_graph` not,
        which FlexAttention needs.
        """
        if self.size == 1:
            return module
        if in_one_graph:
            torch._dynamo.config.optimize_ddp = False
        return DistributedDataParallel(module, broadcast_buffers=False, gradient_as_bucket_view=True)


@contextmanager
def joined_world() -> Iterator[World]:
    """The processes that torchrun started, connected until the block ends. Raises UserError without a GPU for each."""
    size = int(os.environ["WORLD_SIZE"]) if dist.is_torchelastic_launched() else 1
    if size == 1:
        yield World()
        return
    on_gpus = torch.cuda.is_available()
    if on_gpus:
        _take_gpu(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpus else "gloo")
    try:
        yield World(dist.get_rank(), size)
    finally:
        if not isinstance(sys.exception(), Exception):  # after an error others would wait for each other's farewell
            dist.destroy_process_group()


def is_first_process() -> bool:
    """Whether this process will be the first of those that torchrun started, before they are connected."""
    return not dist.is_torchelastic_launched() or os.environ["RANK"] == "0"


def _take_gpu(number: int) -> None:
    count = torch.cuda.device_count()
    if number >= count:
        raise UserError(f"process {number} has no GPU: there are {count}; start at most as many processes")
    torch.cuda.set_device(number)
