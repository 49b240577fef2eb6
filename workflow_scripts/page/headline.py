"""The headline: how many real tokens each method's synthetic data is worth, from the fitted data efficiencies."""

import math
from dataclasses import dataclass

import pandas as pd

from workflow_scripts.audit.results import NAMES
from workflow_scripts.evaluation.results import Results
from workflow_scripts.evaluation.seed_noise import seed_noise
from workflow_scripts.figures.style import METHODS, look
from workflow_scripts.scaling.efficiency import IID

SIMPLE, MEGADOCS = ("simple",), ("stitched", "latent")
MEASURED = "measured"


@dataclass(frozen=True)
class Worth:
    """One method at one G: its data efficiency with a band, or the reason for none; and the tokens it generated."""

    stream: str
    generations: int
    real_tokens: int
    status: str
    efficiency: float | None
    low: float | None
    high: float | None
    generated_tokens: int

    @property
    def label(self) -> str:
        """The method's name."""
        return name_of(self.stream)

    @property
    def verdict(self) -> str:
        """Whether the band lies above 1, below, or holds it."""
        return "gain" if self.low > 1 else "loss" if self.high < 1 else "unclear"

    def worth_of_token(self, efficiency: float) -> float:
        """Further real tokens that one generated token replaced, at some data efficiency."""
        return (efficiency - 1) * self.real_tokens / self.generated_tokens


def name_of(stream: str) -> str:
    """A method's name as a text has it."""
    return NAMES.get(stream) or (look(stream).label if stream in METHODS else stream.replace("_", " "))


def worths(efficiencies: list[dict], students: pd.DataFrame, real_tokens: int) -> list[Worth]:
    """Every method at every G, by method in the figures' order, then by G.

    efficiencies: records of the fit. students: `Results.students`. A stream holds one copy of the real documents
    besides what was generated, so its generated tokens are about its tokens less D.
    """
    sizes = students.groupby(["stream", "generations"])["synthetic_stream_tokens"].max()
    rows = [row for row in efficiencies if row["stream"] != "real" and row["real_tokens"] == real_tokens]
    found = [_worth(row, sizes) for row in rows if (row["stream"], row["generations"]) in sizes.index]
    return sorted(found, key=lambda worth: (list(METHODS).index(worth.stream), worth.generations))


def leaders(found: list[Worth]) -> list[Worth]:
    """Simple rephrases and the best megadocs at the largest G, as far as they are measured there; the better first."""
    largest = max((worth.generations for worth in found), default=0)
    measured = [worth for worth in found if worth.generations == largest and worth.status == MEASURED]
    best = [max((w for w in measured if w.stream in own), key=_efficiency, default=None) for own in (SIMPLE, MEGADOCS)]
    return sorted(filter(None, best), key=_efficiency, reverse=True)


def overlap(one: Worth, other: Worth) -> bool:
    """Whether two bands share a value."""
    return max(one.low, other.low) <= min(one.high, other.high)


def axis_end(found: list[Worth]) -> float:
    """Right end of the axis of efficiencies: a quarter step that leaves room for every band."""
    highest = max((worth.high for worth in found if worth.status == MEASURED), default=1.75)
    return max(2.0, (int(highest * 4) + 1) / 4)


def axis_start(found: list[Worth]) -> float:
    """Left end of the axis: just below 1, or below the lowest band."""
    lowest = min((worth.low for worth in found if worth.status == MEASURED), default=1.0)
    return min(0.75, int(lowest * 4) / 4)


def noise(summary: pd.DataFrame, results: Results) -> dict[str, float]:
    """What the bands of the i.i.d. loss rest on: seeds, validation documents, and how far seeds scatter, in nats.

    The scatter is NaN where no setting has several seeds.
    """
    own = summary[summary["set"] == IID]
    table = results.seed_noise if len(results.seed_noise) else seed_noise(results.losses)
    scatter = table.loc[table["set"] == IID, "sd_nats"]
    return {
        "fewest": int(own["seeds"].min()),
        "most": int(own["seeds"].max()),
        "documents": int(own["documents"].max()),
        "scatter_nats": float(scatter.iloc[0]) if len(scatter) else math.nan,
    }


def _efficiency(worth: Worth) -> float:
    return worth.efficiency


def _worth(row: dict, sizes: pd.Series) -> Worth:
    generated = max(int(sizes[row["stream"], row["generations"]]) - row["real_tokens"], 1)
    kept = ("stream", "generations", "real_tokens", "status", "efficiency", "low", "high")
    return Worth(**{key: row[key] for key in kept}, generated_tokens=generated)
