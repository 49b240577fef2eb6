"""At how many passes r over real text the loss starts to rise again, and whether that depends on r alone.

arXiv 2605.12715 says that curves of all U (unique real tokens) and h (share of real tokens) collapse on r. [assumed]
Near its lowest point every curve is a parabola in ln r with its own height: L = c + b ln r + k (ln r)^2, onset
exp(-b / (2 k)). Nested linear fits, all with one k: b shared by all curves (they collapse), b of each curve (they do
not), and b linear in ln U and ln h, whose slopes say how the onset moves with them (0: with r alone; -1 by U: with the
tokens r U). Noise of a loss: its seeds' or, where that is more, what parabolas of separate onsets leave.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.common.seeds import named_seed
from workflow_scripts.scaling.law import NotIdentified
from workflow_scripts.scaling.repetition_runs import RepetitionRuns

FEWEST = 3  # values of r of a curve
MOVED_BY = ("real_tokens", "share")


@dataclass(frozen=True)
class Onsets:
    """Nested fits of curves; draws hold noise of losses, the first row is the estimate."""

    table: pd.DataFrame  # the runs that entered
    curves: pd.DataFrame  # a row per curve, as the columns of `separate`
    shared: np.ndarray  # [1 + draws] passes
    separate: np.ndarray  # [1 + draws, curves] passes
    moved: dict[str, np.ndarray]  # [1 + draws] slope of ln onset by ln U and ln h, those of them that vary
    curvature: float  # k of the fit with one onset, nats
    rms: dict[str, float]  # nats, over degrees of freedom: one onset, separate onsets
    freedom: dict[str, int]

    @property
    def ratio(self) -> float:
        """Residuals with one onset over those with separate ones; 1 where curves collapse."""
        return self.rms["one"] / self.rms["separate"] if self.rms["separate"] else np.inf

    @property
    def p_value(self) -> float:
        """Of the F test that one onset is enough."""
        from scipy.stats import f

        more = self.freedom["one"] - self.freedom["separate"]
        squares = {name: rms**2 * self.freedom[name] for name, rms in self.rms.items()}
        if not squares["separate"]:
            return 0.0
        excess = max(squares["one"] - squares["separate"], 0.0) / more
        return float(f.sf(excess / self.rms["separate"] ** 2, more, self.freedom["separate"]))


def onsets(runs: RepetitionRuns, draws: int, only: str = "") -> Onsets:
    """Nested fits of all curves with enough values of r, or of those of one stream.

    Raises NotIdentified with fewer than two such curves, or where losses do not rise again.
    """
    table = _long_enough(runs.table[runs.table["stream"] == only] if only else runs.table)
    curves = table.groupby("curve", sort=False).first().reset_index()
    if len(curves) < 2:
        what = f" of the stream {only}" if only else ""
        raise NotIdentified(f"{len(curves)} curves{what} have {FEWEST} values of r; a common onset needs 2")
    x, losses = np.log(table["real_epochs"].to_numpy(float)), table["loss_nats"].to_numpy()
    heights = (table["curve"].to_numpy()[:, None] == curves["curve"].to_numpy()).astype(float)
    logs = {name: np.log(table[name].to_numpy(float)) for name in MOVED_BY if curves[name].nunique() > 1}
    models = {"one": x[:, None], "separate": heights * x[:, None],
              "moved": np.column_stack([x, *((log - log.mean()) * x for log in logs.values())])}  # fmt: skip
    designs = {name: np.column_stack([heights, (x**2)[:, None], slopes]) for name, slopes in models.items()}
    rms, freedom = zip(*(_left(designs[name], losses) for name in ("one", "separate")), strict=True)
    drawn = losses + _noise(runs, table, rms[1], draws)
    found = {name: _bends(design, drawn, len(curves)) for name, design in designs.items()}
    curvature = found["one"][0][0]
    if not (curvature > 0 and found["separate"][0][0] > 0):
        raise NotIdentified("losses do not rise again with more passes")
    by = {name: value / -2 for name, value in zip(("one", *logs), found["moved"][1].T, strict=True) if name != "one"}
    return Onsets(
        table, curves, np.exp(found["one"][1][:, 0] / -2), np.exp(found["separate"][1] / -2), by, float(curvature),
        dict(zip(("one", "separate"), rms, strict=True)), dict(zip(("one", "separate"), freedom, strict=True)),
    )  # fmt: skip


def _long_enough(table: pd.DataFrame) -> pd.DataFrame:
    counts = table.groupby("curve")["real_epochs"].transform("nunique")
    return table[counts >= FEWEST].reset_index(drop=True)


def _noise(runs: RepetitionRuns, table: pd.DataFrame, left: float, draws: int) -> np.ndarray:
    """[1 + draws, runs] nats, none in the first row."""
    deviation = np.maximum(runs.seed_sd / np.sqrt(table["seeds"].to_numpy(float)), left)
    normal = np.random.default_rng(named_seed("onset draws", len(table))).normal(size=(draws, len(table)))
    return np.vstack([np.zeros(len(table)), deviation * normal])


def _left(design: np.ndarray, losses: np.ndarray) -> tuple[float, int]:
    """Root of the mean square that a fit leaves, over its degrees of freedom."""
    found, _, rank, _ = np.linalg.lstsq(design, losses, rcond=None)
    freedom = len(losses) - int(rank)
    return float(np.sqrt(((losses - design @ found) ** 2).sum() / freedom)), freedom


def _bends(design: np.ndarray, drawn: np.ndarray, curves: int) -> tuple[np.ndarray, np.ndarray]:
    """k [1 + draws] and slopes over k [1 + draws, slopes]; NaN where k is not positive."""
    found = drawn @ np.linalg.pinv(design).T
    k = found[:, curves]
    with np.errstate(divide="ignore", invalid="ignore"):
        return k, np.where(k[:, None] > 0, found[:, curves + 1 :] / k[:, None], np.nan)
