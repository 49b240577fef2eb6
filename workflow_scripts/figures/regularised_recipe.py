"""The regularised recipe: A / N^B + C over parameters at each D, and how its limit and both recipes fall with D."""

import numpy as np
import pandas as pd

from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.law_lines import LawLine, draw_laws, line_of, line_of_limits
from workflow_scripts.figures.marks import IID_LOSS, label_ends
from workflow_scripts.figures.points import PAIRED, points, settings
from workflow_scripts.figures.sizes import amount, looks_of, size_axis
from workflow_scripts.figures.style import TWO_PANELS_MM, Look, panels
from workflow_scripts.figures.sweeps import best_of, choice, notes, paired, setting_of
from workflow_scripts.scaling.bootstrap import Setting
from workflow_scripts.scaling.limits import limit_of_limits, limit_of_settings, refusals

STUDY, STANDARD = "regularised_recipe", "standard_recipe"
BILLION = 1e9
RECIPES = {
    STANDARD: Look("#E69F00", "s", "standard, best size"),
    STUDY: Look("#000000", "o", "regularised, best size"),
    "limit": Look("#0072B2", "D", "regularised, N → ∞"),
}
NOTE = "N: parameters in billions, embeddings included; D: real tokens in billions. Dotted: C."


def real_points(inputs: Inputs, study: str) -> pd.DataFrame:
    """Real-only points of a study with their parameters."""
    rows = points(inputs, study)
    sizes = inputs.results.students.groupby("student")["parameters"].first()
    return rows[rows["stream"] == "real"].assign(parameters=rows["student"].map(sizes))


def reference_of(inputs: Inputs, study: str) -> Setting:
    """The best real-only student of a study at the scale's D, which bands are differences to."""
    rows = real_points(inputs, study)
    best = best_of(rows[rows["real_tokens"] == inputs.real_tokens], ["stream"])
    return setting_of(settings(inputs, study), best.iloc[0])


def chosen(inputs: Inputs, study: str, by: list[str], reference: Setting) -> tuple[pd.DataFrame, list[Setting]]:
    """The best real-only students of a study for each value of `by`, and their paired settings."""
    rows, found = best_of(real_points(inputs, study), by), settings(inputs, study)
    return rows, [paired(setting_of(found, row), reference) for _, row in rows.iterrows()]


def size_line(style: Look, rows: pd.DataFrame, own: list[Setting], count: int, share: float) -> LawLine:
    """At one D, loss against parameters with its law."""
    kept = [(n, s) for n, s in zip(rows["parameters"], own, strict=True) if s.real_tokens == count]
    sizes, used = [n for n, _ in kept], [s for _, s in kept]
    limit = limit_of_settings(np.array(sizes) / BILLION, used, share, "sizes of student")
    return line_of(style, sizes, used, limit, share)


def size_lines(rows: pd.DataFrame, own: list[Setting], share: float) -> dict[int, LawLine]:
    """The same by D, ascending."""
    counts = sorted(rows["real_tokens"].unique())
    looks = looks_of([f"D = {amount(count)}" for count in counts])
    return {count: size_line(style, rows, own, count, share) for count, style in zip(counts, looks, strict=True)}


def recipe_line(inputs: Inputs, study: str, reference: Setting) -> tuple[LawLine, pd.DataFrame]:
    """Loss of the best size of a recipe against D with its law, and the rows that were chosen."""
    rows, own = chosen(inputs, study, ["real_tokens"], reference)
    tokens, share = [s.real_tokens for s in own], inputs.analysis.band
    limit = limit_of_settings(np.array(tokens) / BILLION, own, share, "sizes of D")
    return line_of(RECIPES[study], tokens, own, limit, share), rows


def limit_line(inputs: Inputs, lines: dict[int, LawLine]) -> LawLine:
    """The limits of infinite parameters against D with their law."""
    limits = [line.limit for line in lines.values()]
    law = limit_of_limits(np.array(list(lines)) / BILLION, limits, inputs.analysis.band, "identified limits")
    return line_of_limits(RECIPES["limit"], list(lines), limits, law)


def laws_in_words(lines: list[LawLine]) -> str:
    """Laws in D that are fitted, as the paper writes them."""
    laws = [(line.style.label, line.limit) for line in lines if line.limit.identified]
    texts = [f"{name}: {law.A:.2f} / D^{law.B:.2f} + {law.C:.2f} [{law.low:.2f}, {law.high:.2f}]" for name, law in laws]
    return "Laws in D: " + "; ".join(texts) + "." if texts else ""


def draw(inputs: Inputs) -> Drawn:
    """Against parameters above, against D below."""
    reference = reference_of(inputs, STUDY)
    rows, own = chosen(inputs, STUDY, ["real_tokens", "parameters"], reference)
    by_size = size_lines(rows, own, inputs.analysis.band)
    found = [recipe_line(inputs, study, reference) for study in (STANDARD, STUDY)]
    by_data = [line for line, _ in found] + [limit_line(inputs, by_size)]
    figure, (top, bottom) = panels(2, columns=1, height_mm=66, width_mm=TWO_PANELS_MM)
    ends = draw_laws(top, list(by_size.values()), BILLION, reach=2)
    size_axis(top, rows["parameters"], "parameters, N")
    ends_below = draw_laws(bottom, by_data, BILLION, bare=True)
    size_axis(bottom, rows["real_tokens"], "unique real tokens, D")
    for axes, labels in ((top, ends), (bottom, ends_below)):
        axes.set_ylabel(IID_LOSS)
        label_ends(axes, labels)
    drawn = [line.rows.assign(panel="N") for line in by_size.values()] + [
        line.rows.assign(panel="D") for line in by_data
    ]
    refused = refusals((line.style.label, line.limit) for line in [*by_size.values(), *by_data])
    bands = PAIRED.replace("real documents alone", "the best regularised student at the scale's D")
    how = choice(pd.concat([rows, *(chosen_rows for _, chosen_rows in found)]))
    words = notes(NOTE, laws_in_words(by_data), refused, bands, how)
    return Drawn(figure, pd.concat(drawn, ignore_index=True), words)


if __name__ == "__main__":
    figure_command("regularised_recipe", draw, __doc__)
