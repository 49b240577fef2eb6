"""Footnotes of figures of mixtures: bands, confounds, repetition, what is not drawn and why, and room for all that."""

import textwrap
from collections.abc import Iterable

import pandas as pd
from matplotlib.figure import Figure

from workflow_scripts.figures.frame import DEJAVU_WIDTH
from workflow_scripts.figures.mixture_looks import title_of
from workflow_scripts.figures.style import NOTE
from workflow_scripts.scaling.mixture_settings import TOLD_APART

STYLE = "Validation sets in an encyclopaedia's style favour HQ text, which imitates it."
COST = "Tokens and FLOPs of the generator are not counted."
DIFFERENCES = (
    "Bands: {share} bootstrap of the difference to natural text, over documents, the same ones for both, and over "
    "seeds where some students have several."
)
ONCE = 1.005  # of fewer passes nothing is said
SEEN = ["real_epochs_seen", "synthetic_epochs_seen"]


def passes_of(students: pd.DataFrame) -> pd.Series:
    """Passes over the text that a setting saw most often, by TOLD_APART; of its seeds the most."""
    return students.assign(passes=students[SEEN].max(axis=1)).groupby(list(TOLD_APART))["passes"].max()


def repetition(students: pd.DataFrame) -> str:
    """A sentence on texts that some student passed over more than once; nothing where there are none."""
    mixed = students[students["mixing_ratio"] > 0].groupby("stream")["synthetic_epochs_seen"].max()
    most = {"real": students["real_epochs_seen"].max(), **mixed}
    found = [f"{title_of(kind)} up to {count:.3g} times" for kind, count in most.items() if count > ONCE]
    return f"Text that some students passed over more than once: {', '.join(found)}." if found else ""


def reasons(pairs: Iterable[tuple[str, str]]) -> str:
    """Sentences of names and why something of them is not drawn, those with the same reason together."""
    names: dict[str, list[str]] = {}
    for name, reason in pairs:
        names.setdefault(reason, []).append(name)
    return " ".join(f"{', '.join(dict.fromkeys(found))}: {reason}." for reason, found in names.items())


def room_for(figure: Figure, words: str) -> None:
    """Make room for a footnote with these words; to be called before labels are placed."""
    wide = int(figure.get_figwidth() * 72 / (NOTE * DEJAVU_WIDTH))
    lines = 2 + len(textwrap.wrap(words, wide))  # the frame adds one above and one below
    figure.supxlabel("\n" * (lines - 1), fontsize=NOTE, linespacing=1.25)
    figure.set_figheight(figure.get_figheight() + max(lines - 5, 0) * 1.25 * NOTE / 72)
