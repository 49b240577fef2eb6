"""Flags on generations: kept, counted, and left out of streams only where the config says so."""

import re

REFUSAL = re.compile(
    r"^\W*(i['’]?m sorry|i am sorry|sorry,|i can(no|['’])t (help|assist|provide|fulfil)|i cannot|as an ai\b"
    r"|i['’]?m unable|i am unable)",
    re.IGNORECASE,
)
COPY_SHARE = 0.9
COPY_WORDS = 8


def flags_of(text: str, finish_reason: str, source: str) -> list[str]:
    """Flags of one generation: empty, truncated, refusal, copy.

    [assumed] A copy has at least 90% of its 8-word sequences in the source document.
    """
    found = {
        "empty": not text.strip(),
        "truncated": finish_reason == "length",
        "refusal": bool(REFUSAL.match(text.strip())),
        "copy": copied_share(text, source) >= COPY_SHARE,
    }
    return [name for name, holds in found.items() if holds]


def copied_share(text: str, source: str) -> float:
    """Share of the text's 8-word sequences that occur in the source; 0 for shorter texts."""
    own, known = _sequences(text), set(_sequences(source))
    return sum(sequence in known for sequence in own) / len(own) if own else 0.0


def _sequences(text: str) -> list[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return [tuple(words[i : i + COPY_WORDS]) for i in range(len(words) - COPY_WORDS + 1)]
