"""The machine under a training: device, how its operations are done, measured ceiling of matrix products."""

import ctypes
import time
from collections.abc import Callable

import torch

from workflow_scripts.common.processor import products_in
from workflow_scripts.training.cpu_kernels import load_kernels
from workflow_scripts.training.cpu_ops import CpuOps
from workflow_scripts.training.plain_ops import PlainOps

PRECISIONS = {"bf16": torch.bfloat16, "fp32": torch.float32}
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's mallopt


def pick_device() -> torch.device:
    """A CUDA GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def pick_precision(device: torch.device, name: str) -> torch.dtype:
    """The recipe's precision, as this machine multiplies."""
    return products_in(PRECISIONS[name], device.type)


def pick_ops(device: torch.device, precision: torch.dtype, fused: bool) -> PlainOps | CpuOps:
    """Kernels of our own on a CPU, where they can be built; else plain torch, which a GPU's compiler fuses."""
    kernels = load_kernels(precision) if fused and device.type == "cpu" else None
    return CpuOps(kernels) if kernels else PlainOps()


def compiled(function: Callable, wanted: bool, device: torch.device) -> Callable:
    """`function` compiled for a GPU; on a CPU, where our kernels do better, as it is."""
    return torch.compile(function, dynamic=False) if wanted and device.type == "cuda" else function


def keep_freed_memory() -> None:
    """Let the C library reuse large blocks: giving them back costs a page fault per 4 KiB in every step.

    Does nothing where the C library is not glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, 2**30)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def matmul_ceiling(device: torch.device, precision: torch.dtype) -> float:
    """FLOP/s of a square matrix product in this precision, best of a few: the ceiling that utilisation refers to."""
    size = 8192 if device.type == "cuda" else 768
    left, right = (torch.randn(size, size, device=device).to(precision) for _ in range(2))
    return max(_matmul_rate(left, right, device) for _ in range(4))


def _matmul_rate(left: torch.Tensor, right: torch.Tensor, device: torch.device) -> float:
    started = time.perf_counter()
    left @ right
    if device.type == "cuda":
        torch.cuda.synchronize()
    return 2 * left.shape[0] ** 3 / (time.perf_counter() - started)
