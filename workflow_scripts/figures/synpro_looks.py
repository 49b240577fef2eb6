"""How SynPro's figures look: a colour per role of a pretraining and per kind of a set, shades and markers inside it."""

from collections.abc import Iterable, Sequence

import pandas as pd

from workflow_scripts.config.synpro import ORGANIC
from workflow_scripts.figures.mixture_looks import lighter
from workflow_scripts.figures.sizes import MARKERS
from workflow_scripts.figures.style import Look

# Okabe-Ito colours; the first marker of a role is its own, further ones of the same role take the next.
ROLES = {
    "repetition": ("#000000", "o"),
    "oracle": ("#009E73", "D"),
    "static": ("#0072B2", "s"),
    "round": ("#D55E00", "^"),
    "ablation": ("#CC79A7", "v"),
}
KINDS = {  # of sets
    "organic": ("#000000", "o"),
    "untrained": ("#56B4E9", "P"),
    "stitched": ("#E69F00", "D"),
    "static": ("#0072B2", "s"),
    "refreshed": ("#D55E00", "^"),
}
NO_REWARDS = "{}"
WHITE = 0.3  # of the lightest of a group


def kind_of(row: pd.Series) -> str:
    """What a set of the table `sets` is: joined from another one, or how its generator was trained."""
    if row["set"] == ORGANIC:
        return "organic"
    if not row["operation"]:
        return "stitched"
    if row["student"]:
        return "refreshed"
    return "untrained" if row["rewards"] == NO_REWARDS else "static"


def looks_of_arms(arms: pd.DataFrame) -> dict[str, Look]:
    """A look per pretraining, by name; arms: pretraining, title, role, a row each."""
    return _looks(arms["pretraining"], arms["title"], arms["role"], ROLES)


def looks_of_sets(sets: pd.DataFrame) -> dict[str, Look]:
    """A look per set, by name; sets: rows of the pack's table."""
    kinds = [kind_of(row) for _, row in sets.iterrows()]
    return _looks(sets["set"], sets["title"], kinds, KINDS)


def _looks(names: Iterable[str], titles: Iterable[str], groups: Sequence[str], table: dict) -> dict[str, Look]:
    groups, counts = list(groups), {}
    found = {}
    for name, title, group in zip(names, titles, groups, strict=True):
        colour, marker = table[group]
        place = counts[group] = counts.get(group, -1) + 1
        own = MARKERS.index(marker) + place
        white = WHITE * (1 - (place + 1) / groups.count(group))  # none of the last of a group
        found[name] = Look(lighter(colour, white), MARKERS[own % len(MARKERS)], title)
    return found


def in_order_of(table: dict, groups: pd.Series) -> list[int]:
    """Places of rows sorted by their group's place in ROLES or KINDS, otherwise in the order they have."""
    order = list(table)
    return sorted(range(len(groups)), key=lambda place: order.index(groups.iloc[place]))
