"""Losses of mixtures over tokens or parameters, the law of all but the largest point, and its prediction of that."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.figures.frame import Inputs
from workflow_scripts.figures.mixture_differences import difference
from workflow_scripts.figures.mixture_notes import COST, DIFFERENCES, STYLE, passes_of, reasons, repetition
from workflow_scripts.figures.sweeps import notes, paired
from workflow_scripts.scaling.bootstrap import Setting, band
from workflow_scripts.scaling.drawn_laws import losses_at
from workflow_scripts.scaling.law import BILLION
from workflow_scripts.scaling.mixture_laws import Axis, MixtureLaw, mixture_laws, rmabe
from workflow_scripts.scaling.mixture_settings import (
    NATURAL,
    TOLD_APART,
    identity,
    mixture_name,
    mixture_of,
    mixture_settings,
)

PREDICTED = "predicted"


@dataclass(frozen=True)
class Line:
    """A mixture's law, the rows of its points and of its prediction, and the setting that bands are differences to."""

    law: MixtureLaw
    reference: Setting
    rows: pd.DataFrame

    @property
    def points(self) -> pd.DataFrame:
        """Rows of the points, ascending."""
        return self.rows[self.rows["role"] != PREDICTED]

    def curve(self, sizes: np.ndarray) -> np.ndarray:
        """[1 + draws, sizes] losses of the law without the largest point, draws as differences."""
        law = self.law.held_out.law
        laws = np.vstack([[law.A, law.B, law.C], law.laws])
        shared = np.concatenate([[0], self.reference.draws - self.reference.loss])
        return np.stack([losses_at(laws, size / BILLION) - shared for size in sizes], axis=1)


def lines_of(inputs: Inputs, axis: Axis, domains: Sequence[str]) -> list[Line]:
    """A line per mixture, natural text first. Raises UserError as `mixture_laws` does."""
    own, share = inputs.study(axis.study), inputs.analysis.band
    settings = mixture_settings(own, inputs.analysis.bootstrap_draws, axis.study, domains=domains)
    laws = mixture_laws(settings, axis, share)
    passes, reference = passes_of(own.students), laws[0].settings[-1]
    natural = {s.key[axis.size]: s for s in settings if mixture_of(s) == NATURAL}
    return [Line(law, reference, rows_of(law, natural, reference, passes, share)) for law in laws]


def rows_of(
    law: MixtureLaw, natural: dict[int, Setting], reference: Setting, passes: pd.Series, share: float
) -> pd.DataFrame:
    """Points, the last held out; then what the law of the others predicts for it, or why nothing.

    low, high: of differences to the reference, put around the loss; difference_*: to natural text of the same size.
    """
    size, held = law.axis.size, law.held_out
    rows = [
        {size: s.key[size], "loss_nats": s.loss, **_ends(paired(s, reference).draws, share), "seeds": s.seeds,
         "documents": s.documents, "passes": passes[tuple(s.key[column] for column in TOLD_APART)],
         "role": "held out" if s is held.setting else "fitted", **_to_natural(s, natural.get(s.key[size]), share)}
        for s in law.settings
    ]  # fmt: skip
    prediction = {size: held.setting.key[size], "role": PREDICTED, "status": held.status}
    if held.status == PREDICTED:
        drawn = held.predicted[1:] - reference.draws + reference.loss
        prediction |= {"loss_nats": held.predicted[0], **_ends(drawn, share), "error_percent": held.errors[0]}
        prediction |= {f"error_{end}": value for end, value in _ends(held.errors[1:], share).items()}
        prediction |= {"A": held.law.A, "exponent": held.law.B, "E": held.law.C}
    return pd.DataFrame([identity(law.mixture) | row for row in [*rows, prediction]])


def words_of(lines: list[Line], axis: Axis, measure: str, students: pd.DataFrame, share: float) -> str:
    """What is drawn, how well the laws predict, and what bands cover; `measure`: what the losses are means over."""
    symbol, found = ("D" if axis.law == "data" else "N"), rmabe([line.law for line in lines], share)
    counted = "" if axis.law == "data" else "N: non-embedding parameters."
    held = (
        f"Left, open: the largest {symbol}, held out; dashed: what the law A / {symbol}^b + E of the others predicts."
    )
    if found["held_out_points"]:
        held += f" In brackets: predicted minus observed. RMABE, {measure}, {found['held_out_points']} mixtures: "
        held += f"{found['rmabe_percent']:.2f}% [{found['low']:.2f}, {found['high']:.2f}]."
    failed = [(mixture_name(line.law.mixture), status) for line in lines
              if (status := line.rows.iloc[-1]["status"]) != PREDICTED]  # fmt: skip
    bands = DIFFERENCES.replace("natural text", f"natural text (left at the largest {symbol}, right at the same)")
    repeated = repetition(students)
    often = "×: how often, where a difference is of such a student." if repeated else ""
    return notes(counted, held, reasons(failed), repeated, often, bands, STYLE, COST)


def _to_natural(setting: Setting, natural: Setting | None, share: float) -> dict[str, float]:
    if natural is None:
        return dict.fromkeys(("difference_nats", "difference_low", "difference_high"), np.nan)
    nats, low, high = difference(setting, natural, share).values()
    return {"difference_nats": nats, "difference_low": low, "difference_high": high}


def _ends(draws: np.ndarray, share: float) -> dict[str, float]:
    return dict(zip(("low", "high"), band(draws[np.isfinite(draws)], share), strict=True))
