"""What makes vLLM faster on a CPU: fused kernels of its own that it leaves unused there, and top-p without a sort."""

import torch

OPTIONS = {
    "enforce_eager": True,  # compiling costs more at start than it saves in the minutes that a CPU job takes
    "enable_chunked_prefill": False,  # fails with per-request seeds: it rewinds generators, which CPU ones can't
    "block_size": 32,  # tokens; whole blocks are shared, and 128, the default, leaves most of a prompt unshared
    "ir_op_priority": {"rms_norm": ["cpu_fused", "native"], "fused_add_rms_norm": ["cpu_fused", "native"]},
}
REACH = 1e-4  # tokens less likely than this share of the likeliest are looked at only when they are needed


def install() -> None:
    """Use them in vLLM, once per process."""
    from vllm import ir
    from vllm.v1.sample.ops import topk_topp_sampler as sampler

    if "cpu_fused" in ir.ops.rms_norm.impls:
        return
    _install_top_p(sampler)
    _install_fused_kernels(ir)


def apply_top_p(logits: torch.Tensor, top_p: torch.Tensor, reach: float = REACH) -> torch.Tensor:
    """Mask [batch, vocabulary] logits outside the nucleus with -inf, in place; `top_p` is [batch].

    Only tokens within `reach` of the likeliest are sorted, and all of them in rows where those hold too little. The
    kept set is that of vLLM's own function, up to ties and to rounding at the edge of the nucleus.
    """
    probabilities = logits.softmax(dim=-1)
    rows, columns = (probabilities >= probabilities.amax(dim=-1, keepdim=True) * reach).nonzero(as_tuple=True)
    likely = probabilities[rows, columns]
    thresholds = _thresholds(_padded(likely, rows, len(logits)), top_p)
    if not reach:
        thresholds.nan_to_num_(0.0)  # all tokens together miss a share of 1 by rounding
    short = thresholds.isnan().nonzero()[:, 0]
    wider = apply_top_p(logits[short], top_p[short], 0.0) if len(short) else logits[short]
    kept = likely >= thresholds[rows]
    nucleus = rows[kept], columns[kept]
    values = logits[nucleus]
    logits.fill_(-torch.inf)
    logits[nucleus] = values
    logits[short] = wider
    return logits


def _padded(values: torch.Tensor, rows: torch.Tensor, batch: int) -> torch.Tensor:
    """Values [n] of ascending `rows` [n] side by side: [batch, most values of a row], filled up with zeros."""
    counts = rows.bincount(minlength=batch)
    places = torch.arange(len(rows)) - (counts.cumsum(dim=0) - counts)[rows]
    padded = values.new_zeros(batch, int(counts.max()))
    padded[rows, places] = values
    return padded


def _thresholds(candidates: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """Smallest probability inside each nucleus [batch]; nan where all candidates together hold less than top_p."""
    ordered = candidates.sort(dim=-1, descending=True).values
    last = (ordered.cumsum(dim=-1) < top_p[:, None]).sum(dim=-1, keepdim=True)
    padded = torch.nn.functional.pad(ordered, (0, 1), value=torch.nan)
    return padded.gather(1, last)[:, 0]


def _install_top_p(sampler) -> None:
    original = sampler.apply_top_k_top_p

    def top_k_top_p(logits: torch.Tensor, k: torch.Tensor | None, p: torch.Tensor | None) -> torch.Tensor:
        return apply_top_p(logits, p) if k is None and p is not None else original(logits, k, p)

    sampler.apply_top_k_top_p = top_k_top_p


def _install_fused_kernels(ir) -> None:
    from vllm.model_executor.layers.activation import SiluAndMul
    from vllm.platforms import current_platform

    current_platform.import_kernels()
    ir.ops.rms_norm.register_impl("cpu_fused", supports_args=_fits)(rms_norm)
    ir.ops.fused_add_rms_norm.register_impl("cpu_fused", supports_args=_fits_sum, inplace=True)(fused_add_rms_norm)
    SiluAndMul.forward_cpu = SiluAndMul.forward_cuda
    SiluAndMul.op = staticmethod(torch.ops._C.silu_and_mul)


def _fits(x, weight, epsilon, variance_size=None) -> bool:
    return variance_size is None and weight is not None and weight.dtype == x.dtype


def _fits_sum(x, x_residual, weight, epsilon, variance_size=None) -> bool:
    return _fits(x, weight, epsilon, variance_size)


def rms_norm(
    x: torch.Tensor, weight: torch.Tensor | None, epsilon: float, variance_size: int | None = None
) -> torch.Tensor:
    """RMSNorm over the last dimension in one pass."""
    output = torch.empty(x.shape, device=x.device, dtype=x.dtype)
    torch.ops._C.rms_norm(output, x, weight, epsilon)
    return output


def fused_add_rms_norm(
    x: torch.Tensor,
    x_residual: torch.Tensor,
    weight: torch.Tensor | None,
    epsilon: float,
    variance_size: int | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """RMSNorm of the sum, and the sum; both in place."""
    torch.ops._C.fused_add_rms_norm(x, x_residual, weight, epsilon)
    return x, x_residual
