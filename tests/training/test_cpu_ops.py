"""Our kernels against plain torch: values and gradients of each operation, and of a whole student."""

import pytest
import torch

from workflow_scripts.config.models import Student
from workflow_scripts.training import cpu_kernels
from workflow_scripts.training.cpu_ops import CpuOps
from workflow_scripts.training.model import Llama, rotary_tables
from workflow_scripts.training.plain_ops import PlainOps

SIZES = {"hidden": 64, "feed_forward": 112, "layers": 2, "heads": 4, "key_value_heads": 2}
STUDENT, VOCABULARY, T = Student(**SIZES), 300, 150  # T is no multiple of the kernels' blocks of queries
ROWS = torch.tensor([[0] * 20 + [1] * 130, [4] * 149 + [5]])  # documents of two windows
PLAIN = PlainOps()


@pytest.fixture(scope="module", params=[1, 2], ids=["one thread", "two threads"])
def ops(request):
    """The kernels; the test fails where they can't be built."""
    torch.set_num_threads(request.param)
    yield CpuOps(cpu_kernels.load_kernels(torch.bfloat16))
    torch.set_num_threads(1)


def random(*shape: int, scale: float = 1.0) -> torch.Tensor:
    """bf16 values of a named size, from a seed."""
    generator = torch.Generator().manual_seed(sum(shape))
    return (scale * torch.randn(*shape, generator=generator)).bfloat16()


def results(function, *inputs: torch.Tensor) -> list[torch.Tensor]:
    """Outputs, and gradients of all inputs for a fixed gradient of the outputs."""
    inputs = [x.clone().requires_grad_() for x in inputs]
    outputs = function(*inputs)
    outputs = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
    torch.autograd.backward(outputs, [random(1, *x.shape)[0].to(x.dtype) for x in outputs])
    return outputs + [x.grad for x in inputs]


def assert_as_exact(function_of_ops, ops, *inputs: torch.Tensor, factor: float = 1.5) -> None:
    """The kernels are as near to fp32 as plain bf16 is, within `factor`."""
    exact = results(lambda *x: function_of_ops(PLAIN, *x), *(x.float() for x in inputs))
    plain = results(lambda *x: function_of_ops(PLAIN, *x), *inputs)
    ours = results(lambda *x: function_of_ops(ops, *x), *inputs)
    for a, b, c in zip(ours, plain, exact, strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        assert (a - c).norm() <= factor * (b - c).norm() + 1e-6 * c.norm()


def gradients(precision: torch.dtype, ops, masked: bool) -> dict[str, torch.Tensor]:
    """Loss of a student, and its gradient for every parameter."""
    ids = torch.randint(0, VOCABULARY, (2, T), generator=torch.Generator().manual_seed(2))
    model = Llama(STUDENT, VOCABULARY, precision, ops).initialise(0)
    loss = model.mean_loss(ids, ops.mask(ROWS) if masked else None)
    loss.backward()
    return {"loss": loss.detach()} | {name: p.grad for name, p in model.named_parameters()}


@pytest.mark.parametrize("with_delta", [True, False])
def test_add_norm(ops, with_delta):
    """Sum, norm, and gradients of both summands and of the weight."""
    weight = 1 + random(64).float()
    inputs = [random(2, T, 64), *([random(2, T, 64, scale=0.1)] if with_delta else [])]
    assert_as_exact(lambda o, *x: o.add_norm(x[0], x[1] if with_delta else None, weight, 1e-5), ops, *inputs)
    gradients = []
    for o in (ops, PLAIN):
        own = weight.clone().requires_grad_()
        o.add_norm(inputs[0], inputs[-1] if with_delta else None, own, 1e-5)[1].backward(random(2, T, 64))
        gradients.append(own.grad)
    torch.testing.assert_close(*gradients, atol=0.05, rtol=0.02)


def test_rotate_heads(ops):
    """Queries and keys are rotated, values are not, with fewer key-value heads than queries."""
    tables = rotary_tables(T, STUDENT, torch.device("cpu"))
    assert_as_exact(lambda o, x: o.rotate_heads(x, tables, 4, 2), ops, random(2, T, 8 * 16))


@pytest.mark.parametrize("masked", [False, True])
def test_attention(ops, masked):
    """All of the past, and only a document's own. Scores are rounded to bf16, which the library's kernel avoids."""
    q, k, v = random(2, 4, T, 16), random(2, 2, T, 16), random(2, 2, T, 16)
    assert_as_exact(lambda o, *x: o.attention(*x, o.mask(ROWS) if masked else None), ops, q, k, v, factor=2.5)


def test_swiglu(ops):
    """Also where the gate is far on either side."""
    assert_as_exact(lambda o, x: o.swiglu(x), ops, random(2, T, 2 * 112, scale=30))


def test_mean_loss(ops):
    """Logits of any size; the last position of a window predicts nothing."""
    ids = torch.randint(0, VOCABULARY, (2, T), generator=torch.Generator().manual_seed(1))
    assert_as_exact(lambda o, h, w: o.mean_loss(h, w, ids), ops, random(2, T, 64, scale=3), random(VOCABULARY, 64))


@pytest.mark.parametrize("masked", [False, True])
def test_student(ops, masked):
    """Loss and every gradient of a student are as near to fp32 as with plain bf16."""
    exact, plain = gradients(torch.float32, PLAIN, masked), gradients(torch.bfloat16, PLAIN, masked)
    for name, ours in gradients(torch.bfloat16, ops, masked).items():
        error, usual = ((x - exact[name]).norm() for x in (ours, plain[name]))
        assert error <= 1.25 * usual + 1e-4 * exact[name].norm(), name


@pytest.mark.parametrize("masked", [False, True])
def test_student_in_fp32(masked):
    """On a CPU without products in bf16 the same kernels work on fp32, and give what plain torch gives."""
    exact = gradients(torch.float32, PLAIN, masked)
    for name, ours in gradients(torch.float32, CpuOps(cpu_kernels.load_kernels(torch.float32)), masked).items():
        assert (ours - exact[name]).norm() <= 1e-5 * exact[name].norm(), name


def test_a_loss_that_is_lost_stays_so(ops):
    """NaN is not swallowed: the trainer stops on it."""
    hidden = random(1, 40, 64)
    hidden[0, 3] = float("nan")
    ids = torch.zeros(1, 40, dtype=torch.long)
    assert ops.mean_loss(hidden, random(VOCABULARY, 64), ids).isnan()


def test_without_a_compiler(monkeypatch, capsys):
    """Training goes on in plain torch and says what is missing."""
    monkeypatch.setenv("PATH", "")
    assert cpu_kernels.load_kernels.__wrapped__(torch.bfloat16) is None
    assert "g++, clang++, c++" in capsys.readouterr().err


def test_a_compiler_that_fails(monkeypatch, tmp_path, capsys):
    """The same where the compiler is too old, with its first line; nothing is left in the cache."""
    (tmp_path / "g++").write_text("#!/bin/sh\n[ $1 = --version ] || { echo 'unknown -std=c++20' >&2; exit 1; }\n")
    (tmp_path / "g++").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("MEGADOCS_CACHE", str(tmp_path / "cache"))
    assert cpu_kernels.load_kernels.__wrapped__(torch.bfloat16) is None
    assert "unknown -std=c++20" in capsys.readouterr().err
    assert not list((tmp_path / "cache").iterdir())
