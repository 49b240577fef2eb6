"""How one document and its generations become rows: stitched, latent, and their variants.

Facts: 1.3 of the paper's data section (real document last, thoughts between pieces of the document).
`simple` has the same rows as `stitched`, shuffled globally; see shuffle.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from workflow_scripts.generation.splitting import boundaries, studied_thoughts


@dataclass(frozen=True)
class Piece:
    """Text of one row before tokenising."""

    kind: str
    generation: int
    text: str


@dataclass(frozen=True)
class Tags:
    """Text around an inserted thought."""

    open: str
    close: str


def stitched(text: str, rephrases: dict[int, str], count: int, real: str = "last") -> list[Piece]:
    """All of the first `count` rephrases contiguous; the real document `last`, `first` or `none`."""
    rows = [Piece("rephrase", g, rephrases[g]) for g in range(count) if g in rephrases]
    own = [Piece("real", -1, text)]
    return {"last": rows + own, "first": own + rows, "none": rows}[real]


def latent(text: str, thoughts: dict[str, str], spans: Sequence, count: int, tags: Tags) -> list[Piece]:
    """One row: the document with one thought inserted at each of `count` inner boundaries."""
    merged, start = [], 0
    for name, end in boundaries(spans, count):
        merged.append(text[start:end])
        if name in thoughts:
            merged.append(f"{tags.open}{thoughts[name]}{tags.close}")
        start = end
    merged.append(text[start:])
    return [Piece("megadoc", -1, "".join(merged))]


def latent_no_real(thoughts: dict[str, str], spans: Sequence, count: int, _tags: Tags) -> list[Piece]:
    """The thoughts alone, each its own row."""
    names = [name for name, _ in boundaries(spans, count)]
    order = {name: i for i, name in enumerate(studied_thoughts([count]))}
    return [Piece("thought", order[name], thoughts[name]) for name in names if name in thoughts]
