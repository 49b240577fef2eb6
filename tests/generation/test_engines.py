"""Engines: exact top-p on a CPU, and the transformers engine on the real LLM."""

import torch
from vllm.v1.sample.ops.topk_topp_sampler import apply_top_k_top_p_pytorch

from tests.generation.conftest import LLM
from workflow_scripts.generation.engines import Task, start_engine
from workflow_scripts.generation.engines.cpu_top_p import apply_top_p


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


def test_transformers_engine_seeds_and_limits(llm_folder):
    engine = start_engine("transformers", str(llm_folder), LLM, 8)
    prompt = engine.tokenizer.apply_chat_template(
        [{"role": "user", "content": "Name a colour."}], add_generation_prompt=True, tokenize=True, return_dict=False
    )
    tasks = [Task(prompt, 12, 1), Task(prompt, 12, 2), Task(prompt, 5, 1)]
    told = []
    first = engine.generate(tasks, told.append)
    assert first == engine.generate(tasks, told.append), "the same batch gives the same texts"
    assert first[0].text != first[1].text, "seeds make a difference"
    assert first[0].text.startswith(first[2].text) and first[2].tokens <= 5
    assert sum(told) == 2 * sum(completion.tokens for completion in first)
    assert all(completion.finish_reason == ("stop" if completion.tokens < limit else completion.finish_reason)
               for completion, limit in zip(first, (12, 12, 5), strict=True))  # fmt: skip
