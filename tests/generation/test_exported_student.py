"""An exported student is the same model for us, for transformers and for vLLM."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM
from vllm import LLM, SamplingParams

from workflow_scripts.config.models import Student
from workflow_scripts.generation.engines.vllm_cpu import install
from workflow_scripts.generation.engines.vllm_engine import engine_options
from workflow_scripts.generation.sample_student import sampler_of
from workflow_scripts.training.export import export_student
from workflow_scripts.training.model import Llama


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    monkeypatch.setenv("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")


def vllm_logprobs(folder: Path, ids: list[int]) -> list[float]:
    """Log-probability of each token after the first."""
    install()
    options = engine_options(sampler_of(str(folder)), 2, on_cpu=True) | {"dtype": "float32"}
    llm = LLM(str(folder), **options)
    sampling = SamplingParams(max_tokens=1, prompt_logprobs=0, temperature=0)
    output = llm.generate([{"prompt_token_ids": ids}], sampling, use_tqdm=False)[0]
    llm.llm_engine.engine_core.shutdown()
    return [row[token].logprob for token, row in zip(ids[1:], output.prompt_logprobs[1:], strict=True)]


def test_vllm_serves_the_students_logits(corpus, tmp_path):
    student = Student(hidden=128, feed_forward=256, layers=2, heads=2, key_value_heads=2, max_context=64)
    model = Llama(student, 258, torch.float32).initialise(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= 4 if parameter.ndim == 2 else 1  # far from uniform, so that agreement means something
    export_student(model, 258, corpus[1], tmp_path / "student")
    ids = torch.randint(2, 258, (1, 40), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours = model(ids).log_softmax(-1)
        theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "student")(ids).logits.log_softmax(-1)
    assert (ours - theirs).abs().max() < 1e-4
    served = torch.tensor(vllm_logprobs(tmp_path / "student", ids[0].tolist()))
    expected = ours[0, :-1].gather(1, ids[0, 1:, None])[:, 0]
    assert (served - expected).abs().max() < 1e-3
    assert expected.std() > 0.5
