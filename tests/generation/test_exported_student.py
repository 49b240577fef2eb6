"""An exported student is the same model for us, for transformers and for vLLM."""

import json
import subprocess
import sys

import torch
from transformers import AutoModelForCausalLM

from tests.generation.conftest import ROOT
from workflow_scripts.config.models import Student
from workflow_scripts.training.export import export_student
from workflow_scripts.training.model import Llama


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
    script = [
        sys.executable,
        "tests/generation/vllm_logprobs.py",
        str(tmp_path / "student"),
        json.dumps(ids[0].tolist()),
    ]
    printed = subprocess.run(script, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    served = torch.tensor(json.loads(printed.split("LOGPROBS ")[1].splitlines()[0]))
    expected = ours[0, :-1].gather(1, ids[0, 1:, None])[:, 0]
    assert (served - expected).abs().max() < 1e-3
    assert expected.std() > 0.5
