"""The kernels of cpu_kernels.cpp: built once per machine by its C++ compiler, then called through ctypes."""

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import torch
from torch import Tensor

from workflow_scripts.common.files import atomic_path
from workflow_scripts.common.packages import cache_folder

SOURCE = Path(__file__).with_name("cpu_kernels.cpp")
COMPILERS = ("g++", "clang++", "c++")
OPTIONS = ["-std=c++20", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC"]
VALUES = {torch.bfloat16: (), torch.float32: ("-DFP32",)}  # what is in memory
WAYS = [  # the first that works: wide vectors are an x86 option, and Apple's compiler lacks OpenMP's threads
    ["-fopenmp", "-mprefer-vector-width=512"],
    ["-fopenmp"],
    ["-fopenmp-simd"],
]


@functools.cache
def load_kernels(precision: torch.dtype) -> "Kernels | None":
    """The kernels for values in bf16 or fp32, built at first use (a second).

    None for another precision, and, with a sentence why, where they can't be built.
    """
    if precision not in VALUES:
        return None
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        print(f"none of {', '.join(COMPILERS)} found: training on this CPU is about half as fast", file=sys.stderr)
        return None
    try:
        return Kernels(ctypes.CDLL(str(built_library(compiler, VALUES[precision]))))
    except (subprocess.CalledProcessError, OSError) as error:
        reason = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[0]
        print(f"{compiler} can't build {SOURCE.name} ({reason}): training is about half as fast", file=sys.stderr)
        return None


def built_library(compiler: str, values: tuple[str, ...] = ()) -> Path:
    """Path of the compiled library; a name per source, options and processor, so that a shared cache is safe.

    `values`: options that say what is in memory, one of VALUES.
    """
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout
    identity = "\n".join([SOURCE.read_text(encoding="utf-8"), version, str((OPTIONS, WAYS, values)), _processor()])
    path = cache_folder() / f"kernels-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.so"
    if not path.exists():
        with atomic_path(path) as temporary:
            _compile(compiler, values, temporary)
    return path


def _compile(compiler: str, values: tuple[str, ...], output: Path) -> None:
    for more in WAYS:
        command = [compiler, *OPTIONS, *values, *more, str(SOURCE), "-o", str(output)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode == 0:
            return
    result.check_returncode()


def _processor() -> str:
    """What -march=native depends on."""
    flags = [line for line in _lines("/proc/cpuinfo") if line.startswith(("flags", "Features", "model name"))]
    return "\n".join([platform.machine(), platform.processor(), *sorted(set(flags))])


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if os.path.exists(path) else []


class Kernels:
    """Calls by name: tensors become pointers (None: null), ints i64, floats float; the last argument is `threads`."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.library = library

    def __call__(self, name: str, *arguments: Tensor | int | float | None) -> None:
        """Run a kernel. Raises ValueError for a tensor that is not contiguous: kernels see bare memory."""
        getattr(self.library, name)(*map(_as_c, arguments), ctypes.c_int(torch.get_num_threads()))


def _as_c(value: Tensor | int | float | None):
    if isinstance(value, Tensor):
        if not value.is_contiguous():
            raise ValueError(f"a kernel was given a tensor of shape {tuple(value.shape)} that is not contiguous")
        return ctypes.c_void_p(value.data_ptr())
    if value is None:
        return ctypes.c_void_p(None)
    return ctypes.c_float(value) if isinstance(value, float) else ctypes.c_int64(value)
