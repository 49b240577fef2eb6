"""What writing costs, counted while it is done: tokens that a model reads and writes, FLOPs, seconds.

FLOPs: 2 per parameter and token that is read or written, 6 per parameter and token that is trained on (as the
training's own count without attention; our choice, the same for all methods).
"""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

READ_OR_WRITTEN, TRAINED = 2, 6


@dataclass
class Costs:
    """Counts of one method; `flops` of all models together."""

    read_tokens: int = 0
    written_tokens: int = 0
    trained_tokens: int = 0
    flops: float = 0.0
    seconds: float = 0.0
    models: dict[str, int] = field(default_factory=dict)  # parameters by name

    def use(self, name: str, parameters: int, read: int = 0, written: int = 0, trained: int = 0) -> None:
        """Count tokens that a model of so many parameters reads, writes, is trained on."""
        self.models[name] = parameters
        self.read_tokens += read
        self.written_tokens += written
        self.trained_tokens += trained
        self.flops += parameters * (READ_OR_WRITTEN * (read + written) + TRAINED * trained)


def parameters_in(folder: str | Path) -> int:
    """Parameters of a model's folder: sizes of all tensors in its safetensors files (tied weights are stored once)."""
    return sum(map(_parameters, Path(folder).glob("*.safetensors")))


def _parameters(path: Path) -> int:
    """Of one file, which begins with the length of its header and the header, a JSON object."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")
