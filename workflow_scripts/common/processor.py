"""What the processor can multiply: many CPUs have no matrix products in bf16, and imitate them several times slower."""

import functools
import sys

import torch


def products_in(asked: torch.dtype, device_type: str) -> torch.dtype:
    """The precision that products are made in: the one that was asked for, but fp32 for bf16 on a CPU without it.

    fp32 is more exact than bf16, not equal to it: losses and sampled texts differ in their last digits, as they do
    between any two processors.
    """
    if device_type != "cpu" or asked != torch.bfloat16 or _cpu_multiplies_bf16():
        return asked
    return torch.float32


@functools.cache
def _cpu_multiplies_bf16() -> bool:
    """Whether the CPU has instructions for it (AVX512-BF16, AMX, or ARM's)."""
    known = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    found = not known or any(value is True and "bf16" in name for name, value in known.items())
    if not found:
        print("this CPU has no products in bf16: they are made in fp32", file=sys.stderr)
    return found
