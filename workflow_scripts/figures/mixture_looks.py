"""How mixtures look in every figure: a colour per kind, shares by lightness and marker, natural text black."""

from collections.abc import Iterable

from matplotlib.colors import to_hex, to_rgb

from workflow_scripts.common.seeds import named_hash
from workflow_scripts.figures.style import Look
from workflow_scripts.scaling.mixture_settings import NATURAL, Mixture

# Okabe-Ito colours. What a name has behind its first _ is a variant, which has its family's colour.
FAMILIES = {
    "real": ("#000000", "natural"),
    "hq": ("#0072B2", "HQ rephrase"),
    "qa": ("#D55E00", "QA rephrase"),
    "txbk": ("#009E73", "textbook"),
    "replace": ("#CC79A7", "replace"),
    "accumulate": ("#E69F00", "accumulate"),
}
OTHERS = ("#56B4E9", "#CC79A7", "#E69F00")
FEW = 5  # sizes
WHITE = 0.4  # of the lightest colour
MARKERS = ((0.0, "o"), (0.4, "^"), (0.75, "s"), (1.0, "D"))  # up to these shares


def colour_of(kind: str) -> str:
    """The colour of a kind's family; an unknown one's depends on its name alone."""
    family = kind.partition("_")[0]
    known = FAMILIES.get(family)
    return known[0] if known else OTHERS[named_hash("colour", family) % len(OTHERS)]


def title_of(kind: str) -> str:
    """A kind in words; a variant is called after its family."""
    family, _, variant = kind.partition("_")
    words = FAMILIES[family][1] if family in FAMILIES else family
    return f"{words}, {variant.replace('_', ' ')}" if variant else words


def mixture_look(mixture: Mixture) -> Look:
    """Look of a mixture; its label is the synthetic share, as its panel says the kind."""
    kind, share = mixture
    marker = next(marker for most, marker in MARKERS if share <= most)
    label = f"{100 * share:.3g}%" if share else title_of("real")
    return Look(lighter(colour_of(kind), WHITE * (1 - share) if share else 0), marker, label)


def lighter(colour: str, white: float) -> str:
    """A colour with a share of white in it."""
    return to_hex([white + (1 - white) * part for part in to_rgb(colour)])


def shades(colour: str, count: int) -> list[str]:
    """So many of it from light to dark; the last is the colour itself."""
    return [lighter(colour, WHITE * place / max(count - 1, 1)) for place in reversed(range(count))]


def kinds_of(mixtures: Iterable[Mixture]) -> list[str]:
    """Kinds of synthetic text that occur, known ones first; `real` alone where there is none."""
    order = list(FAMILIES)
    found = {kind for kind, share in mixtures if share}
    return sorted(found, key=lambda kind: (order.index(kind) if kind in order else len(order), kind)) or [NATURAL[0]]


def ticks_of(sizes: Iterable[float]) -> list[float]:
    """Sizes that a narrow panel has ticks at: all, or every second one from the largest where there are many."""
    found = sorted(set(sizes))
    return found if len(found) <= FEW else found[::-2]
