"""Arithmetic of a student: parameters, FLOPs, steps and memory; without torch, so that the plan can use it too."""

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Student

BYTES_PER_PARAMETER = 16  # fp32: weight, gradient and two moments
CHECKPOINT_BYTES_PER_PARAMETER = 12  # fp32: weight and two moments
EXPORT_BYTES_PER_PARAMETER = 4
CHUNK_BYTES = 2**32  # of fp32 logits, as training/vocabulary_loss.py has them on a GPU
BYTES_PER_LOGIT_BYTE = 2.4  # logits in fp32 with their gradients in bf16, and what is between them
USABLE_MEMORY = 0.9  # the rest is for the library's own kernels and for gaps between blocks


def parameter_counts(s: Student, vocabulary_size: int) -> dict[str, int]:
    """Parameters in all and without embeddings (facts 3.1)."""
    kv_width = s.hidden // s.heads * s.key_value_heads
    layer = 2 * s.hidden**2 + 2 * s.hidden * kv_width + 3 * s.hidden * s.feed_forward + 2 * s.hidden
    body = s.layers * layer + s.hidden
    embeddings = (1 if s.tied_embeddings else 2) * vocabulary_size * s.hidden
    return {"total": body + embeddings, "non_embedding": body}


def flops_per_token(s: Student, vocabulary_size: int, context: int) -> float:
    """Training FLOPs per token: 6 per parameter outside the input embedding, and causal attention (facts 8)."""
    weights = parameter_counts(s, vocabulary_size)["non_embedding"] + vocabulary_size * s.hidden
    return 6 * weights + 6 * s.layers * s.hidden * context


def total_steps(real_tokens: int, batch_tokens: int, real_epochs: int, mixing_ratio: float) -> int:
    """Optimizer steps for `real_epochs` passes over the real stream (facts 3.3).

    Raises UserError when the real tokens don't fill one batch.
    """
    steps_per_epoch = real_tokens // batch_tokens
    if steps_per_epoch == 0:
        raise UserError(f"{real_tokens:,} real tokens are less than one batch of {batch_tokens:,} tokens")
    return int(steps_per_epoch * real_epochs / (1 - mixing_ratio) + 1e-9)


def activation_bytes_per_token(s: Student) -> int:
    """What a token keeps for the backward pass in bf16, at most: 8E + 3F numbers per layer (benchmarks/RESULTS.md)."""
    return 2 * s.layers * (8 * s.hidden + 3 * s.feed_forward)


def training_memory_bytes(s: Student, vocabulary_size: int, context: int, sequences: int) -> float:
    """Of a device that computes so many sequences at once, on the safe side."""
    tokens = sequences * context
    hidden = 4 * s.hidden  # the last hidden states and their gradient, bf16
    logits = min(4 * tokens * vocabulary_size, CHUNK_BYTES)
    state = BYTES_PER_PARAMETER * parameter_counts(s, vocabulary_size)["total"]
    return state + tokens * (activation_bytes_per_token(s) + hidden) + BYTES_PER_LOGIT_BYTE * logits


def micro_batch_sequences(s: Student, vocabulary_size: int, context: int, share: int, memory_gb: float) -> int:
    """Sequences that a device computes at once: its share of the batch, halved until its memory holds it; at least 1.

    A share is halved as long as it is even, so that micro-batches stay equal.
    """
    usable, sequences = USABLE_MEMORY * memory_gb * 1e9, share
    while sequences % 2 == 0 and training_memory_bytes(s, vocabulary_size, context, sequences) > usable:
        sequences //= 2
    return sequences
