"""Engines: exact top-p and fused kernels on a CPU, and the transformers engine on the real LLM."""

import torch
from vllm import EngineArgs, ir
from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.model_executor.layers.activation import SiluAndMul
from vllm.utils.argparse_utils import FlexibleArgumentParser
from vllm.v1.sample.ops.topk_topp_sampler import apply_top_k_top_p_pytorch

from tests.generation.conftest import LLM, generation_settings
from workflow_scripts.common.processor import products_in
from workflow_scripts.generation.engines import Task, start_engine
from workflow_scripts.generation.engines.vllm_cpu import apply_top_p, fused_add_rms_norm, install
from workflow_scripts.generation.engines.vllm_engine import engine_options
from workflow_scripts.generation.serve import server_command


def test_top_p_keeps_what_vllm_keeps():
    generator = torch.Generator().manual_seed(0)
    for spread in (0.0, 0.5, 3.0, 10.0):  # from uniform to a single likely token
        logits = torch.randn(16, 4096, generator=generator) * spread
        p = torch.linspace(0.05, 0.999, 16)
        theirs = apply_top_k_top_p_pytorch(logits.clone(), None, p).isfinite().sum(1)
        kept = apply_top_p(logits.clone(), p).isfinite()
        mine = kept.sum(1)
        if spread:  # a uniform row is one big tie
            assert ((mine - theirs).abs() <= 1).all(), (spread, mine, theirs)
        mass = (logits.softmax(-1) * kept).sum(1)
        assert (mass >= p - 1e-4).all()


def answers(engine, tasks: list[Task]) -> list:
    """All answers, in the order of the tasks."""
    for number, task in enumerate(tasks):
        engine.add(number, task)
    found = {}
    while len(found) < len(tasks):
        found |= dict(engine.step())
    return [found[number] for number in range(len(tasks))]


def test_transformers_engine_seeds_and_limits(llm_folder):
    engine = start_engine(generation_settings(engine="transformers"), str(llm_folder), LLM)
    prompt = engine.tokenizer.apply_chat_template(
        [{"role": "user", "content": "Name a colour."}], add_generation_prompt=True, tokenize=True, return_dict=False
    )
    tasks = [Task(prompt, 12, 1), Task(prompt, 12, 2), Task(prompt, 5, 1)]
    first = answers(engine, tasks)
    assert first == answers(engine, tasks), "the same batch gives the same texts"
    assert first[0].text != first[1].text, "seeds make a difference"
    assert first[0].text.startswith(first[2].text) and first[2].tokens <= 5
    assert all(completion.finish_reason == ("stop" if completion.tokens < limit else completion.finish_reason)
               for completion, limit in zip(first, (12, 12, 5), strict=True))  # fmt: skip


def test_fused_kernels_are_used_and_agree_with_vllms_native_ones():
    """In the precision that texts are written in on this CPU."""
    install()
    precision = products_in(torch.bfloat16, "cpu")
    generator = torch.Generator().manual_seed(0)
    x, residual = (torch.randn(7, 576, generator=generator).to(precision) for _ in range(2))
    weight = torch.rand(576, generator=generator).to(precision)
    native = ir.ops.rms_norm.impls["native"].impl_fn
    ours = ir.ops.rms_norm.impls["cpu_fused"]
    assert ours.supported and ours.supports_args(x, weight, 1e-5)
    assert not ours.supports_args(x, weight.double(), 1e-5), "the kernel reads weights in the type of its input"
    assert torch.allclose(ours.impl_fn(x, weight, 1e-5), native(x, weight, 1e-5), atol=0.02)
    normed, total = fused_add_rms_norm(x.clone(), residual.clone(), weight, 1e-5)
    assert torch.equal(total, x + residual)
    assert torch.allclose(normed, native(x + residual, weight, 1e-5), atol=0.05)
    gated = SiluAndMul.forward_cpu(SiluAndMul, x)
    assert torch.allclose(gated, SiluAndMul.forward_native(x), atol=0.01, rtol=0.02)


def test_gpus_that_share_a_model_reach_vllm():
    """As far as its own arguments: two GPUs are needed to go further."""
    llm = LLM.model_copy(update={"tensor_parallel": 2})
    assert EngineArgs(model="x", **engine_options(llm, 8, on_cpu=False)).tensor_parallel_size == 2
    command = server_command("x", llm, generation_settings(), ("127.0.0.1", 8000), on_cpu=False)
    parsed = make_arg_parser(FlexibleArgumentParser()).parse_args(command[3:])
    assert (parsed.model, parsed.tensor_parallel_size) == ("x", 2)
