"""Gradients of the whole student against a Llama written from its formulas, which shares no code with ours."""

import math

import pytest
import torch
from torch import Tensor

from workflow_scripts.config.models import Student
from workflow_scripts.training import vocabulary_loss
from workflow_scripts.training.prepare import prepare
from workflow_scripts.training.trainer import Trainer


def rms_norm(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """x / rms(x) * weight."""
    return x / (x.pow(2).mean(-1, keepdim=True) + epsilon).sqrt() * weight


def rotated(x: Tensor, theta: float) -> Tensor:
    """Of one head [T, D]: pairs (i, i + D/2) turned by position / theta^(2i/D)."""
    T, D = x.shape
    turn = torch.outer(torch.arange(T), theta ** (-torch.arange(0, D, 2) / D)).to(x.dtype)
    pairs = torch.complex(x[:, : D // 2], x[:, D // 2 :]) * torch.polar(torch.ones_like(turn), turn)
    return torch.cat((pairs.real, pairs.imag), dim=1)


def attention(x: Tensor, w: dict[str, Tensor], s: Student, rows: Tensor) -> Tensor:
    """Of one sequence [T, E], one head after the other; a position sees its own row up to itself."""
    T, D = len(x), s.hidden // s.heads
    hidden = (rows[:, None] != rows[None]) | (torch.arange(T)[:, None] < torch.arange(T)[None])
    heads = []
    for h in range(s.heads):
        g = h // (s.heads // s.key_value_heads)
        q = rotated(x @ w["q_proj"][h * D : (h + 1) * D].T, s.rope_theta)
        k = rotated(x @ w["k_proj"][g * D : (g + 1) * D].T, s.rope_theta)
        scores = (q @ k.T / math.sqrt(D)).masked_fill(hidden, -math.inf)
        heads.append(scores.exp() / scores.exp().sum(-1, keepdim=True) @ (x @ w["v_proj"][g * D : (g + 1) * D].T))
    return torch.cat(heads, dim=1) @ w["o_proj"].T


def feed_forward(x: Tensor, w: dict[str, Tensor]) -> Tensor:
    """SwiGLU."""
    gate = x @ w["gate_proj"].T
    return (gate * gate.sigmoid() * (x @ w["up_proj"].T)) @ w["down_proj"].T


def loss_of_sequence(ids: Tensor, rows: Tensor, p: dict[str, Tensor], s: Student) -> Tensor:
    """Summed loss in nats of every token but the first."""
    x = p["embed_tokens.weight"][ids]
    for i in range(s.layers):
        w = {name.split(".")[-2]: p[name] for name in p if name.startswith(f"layers.{i}.")}
        x = x + attention(rms_norm(x, w["input_layernorm"], s.norm_epsilon), w, s, rows)
        x = x + feed_forward(rms_norm(x, w["post_attention_layernorm"], s.norm_epsilon), w)
    head = p["embed_tokens.weight"] if s.tied_embeddings else p["lm_head.weight"]
    chances = (rms_norm(x, p["norm.weight"], s.norm_epsilon) @ head.T).exp()
    return -(chances[range(len(ids) - 1), ids[1:]] / chances[:-1].sum(-1)).log().sum()


CASES = {
    "as configured": {},
    "tied": {"student": {"tied_embeddings": True}},
    "masked": {"training": {"cross_document_attention": False}},
    "micro-batches": {"micro_batch_sequences": 1},
    "loss in chunks": {},
}


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_all_parameters(parse, tmp_path, monkeypatch, name):
    """In fp64 from the formulas, in fp32 from the trainer; weights large enough that every part matters."""
    if name == "loss in chunks":
        monkeypatch.setitem(vocabulary_loss.CHUNK_BYTES, "cpu", 4 * 260 * 50)
    case = CASES[name]
    shape = {"initializer_std": 0.2, "rope_theta": 100.0, "norm_epsilon": 0.01} | case.get("student", {})
    trainer = Trainer(prepare(parse(tmp_path, **case | {"student": shape})))
    ids, rows, _ = (torch.from_numpy(x) if x is not None else None for x in trainer.setup.windows.batch(0))
    found = trainer.accumulate(trainer.batches.take(0))
    weights = {n: p.detach().double().requires_grad_() for n, p in trainer.model.named_parameters()}
    rows = torch.zeros_like(ids) if rows is None else rows
    sequences = zip(ids, rows, strict=True)
    loss = sum(loss_of_sequence(i, r, weights, trainer.setup.student) for i, r in sequences) / (4 * 31)
    assert found.item() == pytest.approx(loss.item(), abs=1e-5)
    loss.backward()
    for n, parameter in trainer.model.named_parameters():
        expected = weights[n].grad
        assert expected.norm() > 1e-4, n
        assert (parameter.grad - expected).norm() < 1e-4 * expected.norm(), n
