"""litgpt as a peer of `benchmarks.training`: its model, Fabric and the step of its own `litgpt pretrain`.

Runs in an environment of its own (`benchmarks/litgpt.txt`), because litgpt's pins don't go with ours. Beyond what
`litgpt pretrain` does, its optimizer is the fused one on a CPU as well, which is faster.
"""

import argparse
import json
import time

import torch
from lightning.fabric import Fabric
from litgpt import GPT, Config
from litgpt.utils import chunked_cross_entropy

from benchmarks.side_by_side import side_by_side


def build_model(shape: dict) -> GPT:
    """The student of this shape in litgpt's terms."""
    config = Config(
        block_size=shape["context"], padded_vocab_size=shape["vocabulary"], n_layer=shape["layers"],
        n_head=shape["heads"], n_query_groups=shape["key_value_heads"], n_embd=shape["hidden"],
        intermediate_size=shape["feed_forward"], norm_class_name="RMSNorm", mlp_class_name="LLaMAMLP",
        rotary_percentage=1.0, parallel_residual=False, bias=False,
    )  # fmt: skip
    model = GPT(config)
    if shape["tied_embeddings"]:
        model.lm_head.weight = model.transformer.wte.weight
    for parameter in model.parameters():
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=0.02)
    return model


def run(wait, shape: dict, steps: int, untimed: int, threads: int) -> dict:
    """Seconds of the timed steps."""
    torch.set_num_threads(threads)
    fabric = Fabric(accelerator="auto", devices=1, precision="bf16-mixed")
    model = fabric.setup(torch.compile(build_model(shape)))
    optimizer = fabric.setup_optimizers(torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95), fused=True))
    ids = torch.randint(0, shape["vocabulary"], (shape["batch"], shape["context"] + 1), device=fabric.device)
    for number in range(untimed + steps):
        if number == untimed:
            wait()
            started = time.perf_counter()
        loss = chunked_cross_entropy(model(ids[:, :-1].contiguous()), ids[:, 1:].contiguous())
        fabric.backward(loss)
        fabric.clip_gradients(model, optimizer, max_norm=1.0)
        optimizer.step()
        optimizer.zero_grad()
    last = loss.item()
    return {"seconds": time.perf_counter() - started, "loss": last}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arm", required=True)
    parser.add_argument("--shape", required=True, help="JSON of the student's shape, batch, context and vocabulary")
    for name in ("steps", "untimed", "threads", "processes"):
        parser.add_argument(f"--{name}", type=int, required=True)
    options, _ = parser.parse_known_args()
    shape = json.loads(options.shape)
    found = side_by_side(run, options.processes, shape, options.steps, options.untimed, options.threads)
    tokens = options.steps * shape["batch"] * shape["context"]
    rate = sum(tokens / each["seconds"] for each in found)
    print(json.dumps({"tokens_per_second": rate, "loss": found[0]["loss"]}))
