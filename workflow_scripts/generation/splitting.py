"""Where thoughts go: a document in G+1 nearly equal token pieces, one thought at each inner boundary.

[assumed] Boundaries lie on tokens of the student's tokenizer. A boundary is named by its reduced fraction of
the document, so that 1/3 (G=2) and 3/9 (G=8) are the same place, the same prompt and the same thought.
"""

from collections.abc import Iterable
from fractions import Fraction

Spans = list[tuple[int, int]]  # character span of each token


def studied_thoughts(counts: Iterable[int]) -> list[str]:
    """Names of all boundaries that the given G need, smaller G first."""
    names = [str(Fraction(i, count + 1)) for count in sorted(counts) for i in range(1, count + 1)]
    return list(dict.fromkeys(names))


def boundaries(spans: Spans, count: int) -> list[tuple[str, int]]:
    """(name, character offset) of each inner boundary of `count` + 1 nearly equal token pieces, in order.

    A document with fewer than `count` + 1 tokens has one boundary between each two tokens at most.
    """
    offsets: dict[int, str] = {}
    for i in range(1, count + 1):
        place = Fraction(i, count + 1)
        offset = boundary_offset(spans, place)
        if offset is not None:
            offsets.setdefault(offset, str(place))
    return [(name, offset) for offset, name in offsets.items()]


def boundary_offset(spans: Spans, place: Fraction) -> int | None:
    """Character offset of the boundary at `place` of the document; none where there is no inner token boundary.

    A token may end inside a character; the offset is then that character's start.
    """
    token = round(place * len(spans))
    if not 0 < token < len(spans):
        return None
    offset = spans[token][0]
    return offset if 0 < offset < spans[-1][1] else None
