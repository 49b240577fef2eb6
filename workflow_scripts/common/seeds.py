"""Named seeds: every random choice is derived from what it is for, never from order."""

import hashlib


def named_hash(*parts: object) -> int:
    """64-bit integer that depends on `parts` alone, the same on every machine."""
    name = "/".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")


def named_seed(*parts: object) -> int:
    """Seed in [0, 2**31), the range that torch, numpy and vLLM all take."""
    return named_hash(*parts) >> 33


def named_fraction(*parts: object) -> float:
    """Number in [0, 1): the place of a document in a split."""
    return named_hash(*parts) / 2**64
