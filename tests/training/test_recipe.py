"""Learning rate, weight decay, the AdamW step and clipping, against values worked out by hand."""

import numpy as np
import pytest
import torch

from workflow_scripts.config.models import Student, Training
from workflow_scripts.training.model import Llama
from workflow_scripts.training.prepare import prepare
from workflow_scripts.training.recipe import build_optimizer, decayed, learning_rate
from workflow_scripts.training.trainer import Trainer

SHAPE = Student(hidden=8, feed_forward=12, layers=1, heads=2, key_value_heads=1, max_context=16)
MATRICES = {
    *(f"layers.0.self_attn.{x}_proj.weight" for x in "qkvo"),
    *(f"layers.0.mlp.{x}_proj.weight" for x in ("gate", "up", "down")),
}


@pytest.mark.parametrize(
    ("step", "share"),
    [
        (0, 0.5),  # 200 steps: a warm-up of 2
        (1, 1.0),
        (67, 0.75),  # a third of the way from step 1 to step 199: (1 + cos 60 deg) / 2
        (100, 0.5),
        (133, 0.25),
        (199, 0.0),
    ],
)
def test_learning_rate(step, share):
    """Linear over 1% of the steps, then cosine to exactly 0 at the last one."""
    assert learning_rate(step, 200, 0.003, 0.01) == pytest.approx(0.003 * share, abs=1e-12)


def test_learning_rate_of_a_short_training():
    """Less than 100 steps still warm up for one; a single step has the peak."""
    assert [learning_rate(step, 3, 2.0, 0.01) for step in range(3)] == pytest.approx([2.0, 1.0, 0.0])
    assert learning_rate(0, 1, 2.0, 0.01) == 2.0


@pytest.mark.parametrize(("tied", "heads"), [(False, {"lm_head.weight"}), (True, set())])
def test_what_is_decayed(tied, heads):
    """All matrices and the LM head; not the embedding (with a tied head it is one parameter), not the norms."""
    model = Llama(SHAPE.model_copy(update={"tied_embeddings": tied}), 20)
    assert {n for n, p in model.named_parameters() if decayed(n, p)} == MATRICES | heads
    groups = build_optimizer(model, 0.1, 0.8, Training(student="test")).param_groups
    assert [group["weight_decay"] for group in groups] == [0.8, 0.0]
    names = {id(p): n for n, p in model.named_parameters()}
    assert {names[id(p)] for p in groups[0]["params"]} == MATRICES | heads
    assert sum(len(group["params"]) for group in groups) == len(names)


def test_adamw_step_by_hand():
    """Two steps with other gradients and rates; decay is multiplied by the current rate and leaves moments alone."""
    model = Llama(SHAPE, 20).initialise(0)
    optimizer = build_optimizer(model, 1.0, 0.8, Training(student="test"))
    random = np.random.default_rng(0)
    for name, decay in (("lm_head.weight", 0.8), ("embed_tokens.weight", 0.0), ("norm.weight", 0.0)):
        parameter = model.get_parameter(name)
        weight, m, v = parameter.detach().double().numpy().copy(), 0.0, 0.0
        optimizer.state.clear()
        for number, rate in ((1, 0.1), (2, 0.02)):
            gradient = random.normal(size=weight.shape)
            m, v = 0.9 * m + 0.1 * gradient, 0.95 * v + 0.05 * gradient**2
            update = (m / (1 - 0.9**number)) / (np.sqrt(v / (1 - 0.95**number)) + 1e-8)
            weight = weight * (1 - rate * decay) - rate * update
            parameter.grad = torch.tensor(gradient, dtype=torch.float32)
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
        optimizer.zero_grad()
        np.testing.assert_allclose(parameter.detach().numpy(), weight, atol=1e-6)


@pytest.mark.parametrize("clip", [0.5, 1e6])
def test_gradients_are_clipped_by_their_global_norm(parse, tmp_path, clip):
    """After the first step a moment is 0.1 x the gradient that AdamW got, so all of them tell its norm."""
    setup = prepare(parse(tmp_path, training={"gradient_clip": clip}))
    trainer = Trainer(setup)
    _, norm = trainer.step(0)
    moments = [state["exp_avg"].flatten() for state in trainer.optimizer.state.values()]
    assert norm > 0.5
    assert 10 * torch.cat(moments).norm() == pytest.approx(min(clip, float(norm)), rel=1e-4)
