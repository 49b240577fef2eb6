"""The machine under a training: device, compiler, measured ceiling of matrix products."""

import shutil
import sys
import time
from collections.abc import Callable

import torch

PRECISIONS = {"bf16": torch.bfloat16, "fp32": torch.float32}


def pick_device() -> torch.device:
    """A CUDA GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def compiled(function: Callable, wanted: bool, device: torch.device) -> Callable:
    """`function` compiled, or as it is, with a sentence why, where no C++ compiler is at hand."""
    if not wanted:
        return function
    if device.type == "cpu" and not any(map(shutil.which, ("g++", "clang++", "c++"))):
        print("no C++ compiler found: training runs uncompiled, about half as fast", file=sys.stderr)
        return function
    return torch.compile(function, dynamic=False)


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
