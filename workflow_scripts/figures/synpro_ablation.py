"""Best validation loss of every ablation minus the full method's, and the collapse of the sets behind it."""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.synpro import ORGANIC
from workflow_scripts.evaluation.synpro_tables import SynProPack
from workflow_scripts.figures.frame import Drawn, Inputs
from workflow_scripts.figures.mixture_notes import room_for
from workflow_scripts.figures.style import NOTE, TWO_PANELS_MM, Look, panels
from workflow_scripts.figures.synpro_collapse import NAMES, measured
from workflow_scripts.figures.synpro_looks import looks_of_arms, looks_of_sets
from workflow_scripts.figures.synpro_marks import dots, name_rows
from workflow_scripts.figures.synpro_pack import SEEDS_AND_PARTS, arms_of, parts_in, synpro_command
from workflow_scripts.scaling.effective_tokens import loss_differences

COMPARED = ("ablation", "static")
WORDS = (
    "Each round of the full method at 0, with what continues the same plateau below it. Bars: {share} "
    + SEEDS_AND_PARTS
    + ", of the difference. Right: a dot for each set that is an arm's own, which the full method lacks (or, where "
    "there is none, which its start lacks); dashed: natural text."
)
MOST, WIDE, LETTERS = 4, 2.2, 13  # panels of collapse; width of the left one over theirs; of a line above them
ROW_MM, HEAD_MM = 7.5, 24


def groups_of(inputs: Inputs) -> dict[str, list[str]]:
    """Pretrainings to compare with each round: those with its start, or, without such a round, with the last one.

    Raises UserError without a round, and without an ablation.
    """
    pack = inputs.results
    rounds, others = pack.of_role("round"), pack.of_role(*COMPARED)
    for role, found in (("round", rounds), ("ablation", pack.of_role("ablation"))):
        if not found:
            where = f"{', '.join(inputs.folders)}/pretrainings.csv"
            raise UserError(f"{where}: no pretraining has the role {role}, which this figure compares; train one")
    of_start = {pack.row(name)["start"]: name for name in reversed(rounds)}
    groups: dict[str, list[str]] = {name: [] for name in rounds}
    for name in others:
        groups[of_start.get(pack.row(name)["start"], rounds[-1])].append(name)
    return {name: found for name, found in groups.items() if found}


def own_sets(pack: SynProPack, name: str, full: str) -> list[str]:
    """Sets that only this arm has: not the full one; else not its start; else all of its own."""
    own, start = pack.sets_of(name), pack.row(name)["start"]
    for other in [full] * (name != full) + [start] * bool(start):
        if found := [each for each in own if each not in pack.sets_of(other)]:
            return found
    return own


def rows_of(inputs: Inputs) -> pd.DataFrame:
    """Rows by role: differences to the full one, itself at 0, and sets with their measures; `place`: from the top."""
    pack, rows, place = inputs.results, [], 0
    for full, others in groups_of(inputs).items():
        found = loss_differences(pack, inputs.analysis, full).set_index("pretraining")
        for name in [full, *others]:
            key = {"place": place, "pretraining": name, "title": pack.row(name)["title"], "against": full}
            values = (
                found.loc[name, ["difference_nats", "low", "high", "seeds"]].to_dict() if name in found.index else {}
            )
            zero = {"difference_nats": 0.0, "low": 0.0, "high": 0.0} if name == full else {}
            rows.append(key | {"role": "difference", "parts": parts_in(pack)} | values | zero)
            own = pack.sets[pack.sets["set"].isin(own_sets(pack, name, full))]
            rows += [
                key | {"role": "set", "set": row["set"]} | row[measured(own)].to_dict() for _, row in own.iterrows()
            ]
            place += 1
    return pd.DataFrame(rows)


def draw_differences(axes: Axes, rows: pd.DataFrame, looks: list[Look]) -> None:
    """Dots with bars around the full method's 0."""
    dots(axes, rows, looks, "difference_nats", rows["place"])
    axes.axvline(0, color="#777777", linewidth=0.9, linestyle=":")
    axes.set_title("validation loss minus the\nfull method's, nats per token", fontsize=NOTE)
    axes.xaxis.set_major_locator(MaxNLocator(4))


def draw_measure(axes: Axes, rows: pd.DataFrame, pack: SynProPack, name: str) -> None:
    """Dots of sets, and natural text's value."""
    looks = looks_of_sets(pack.sets)
    dots(axes, rows, [looks[each] for each in rows["set"]], name, rows["place"])
    for value in pack.sets.loc[pack.sets["set"] == ORGANIC, name].dropna():
        axes.axvline(value, color="black", linewidth=1, linestyle="--")
    axes.margins(x=0.12)
    axes.set_title(textwrap.fill(NAMES[name], LETTERS), fontsize=NOTE)
    axes.xaxis.set_major_locator(MaxNLocator(2))


def draw(inputs: Inputs) -> Drawn:
    """Differences at the left, measures of collapse beside them, a row per arm in all panels."""
    rows, pack = rows_of(inputs), inputs.results
    differences, sets = rows[rows["role"] == "difference"], rows[rows["role"] == "set"]
    arms = looks_of_arms(arms_of(pack))
    names, looks = measured(pack.sets)[:MOST], [arms[name] for name in differences["pretraining"]]
    figure, grid = panels(1 + len(names), 1 + len(names), HEAD_MM + ROW_MM * len(looks), TWO_PANELS_MM)
    grid[0].get_gridspec().set_width_ratios([WIDE, *[1] * len(names)])
    room_for(figure, WORDS)
    draw_differences(grid[0], differences, looks)
    for axes, name in zip(grid[1:], names, strict=True):
        draw_measure(axes, sets.dropna(subset=[name]), pack, name)
    begins = differences.loc[differences["pretraining"] == differences["against"], "place"]
    for axes in grid:
        name_rows(axes, looks, wide=22)
        for place in begins.iloc[1:]:
            axes.axhline(place - 0.5, color="#777777", linewidth=0.6)
        axes.tick_params(labelleft=axes is grid[0])
    return Drawn(figure, rows, WORDS)


if __name__ == "__main__":
    synpro_command("synpro_ablation", draw, __doc__)
