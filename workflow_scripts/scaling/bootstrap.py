"""Bootstrap of losses over validation documents and seeds.

A draw takes documents with replacement, the same ones for every student (so differences between students keep
their small error), and for every setting its seeds with replacement.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.common.seeds import named_seed

SETTING = ["stream", "generations", "real_tokens"]


@dataclass(frozen=True)
class Setting:
    """Losses of one (stream, G, D) on one validation set."""

    stream: str
    generations: int
    real_tokens: int
    seeds: int
    documents: int
    loss: float
    draws: np.ndarray  # [draws] nats per token


def document_counts(documents: int, draws: int, name: str) -> np.ndarray:
    """[draws, documents]: how often each document is taken in each draw."""
    generator = np.random.default_rng(named_seed("bootstrap documents", name))
    return generator.multinomial(documents, np.full(documents, 1 / documents), size=draws)


def settings_of(losses: pd.DataFrame, documents: pd.DataFrame, name: str, draws: int) -> list[Setting]:
    """All settings of a validation set `name` with their bootstrap draws, in table order."""
    own = documents[documents["set"] == name]
    sums = own.pivot(index="doc_id", columns="run_id", values="loss_sum_nats")
    tokens = own.drop_duplicates("doc_id").set_index("doc_id")["predicted_tokens"].reindex(sums.index).to_numpy()
    counts = document_counts(len(sums), draws, name)
    drawn = (counts @ sums.to_numpy()) / (counts @ tokens)[:, None]
    by_run = dict(zip(sums.columns, drawn.T, strict=True))
    rows = losses[losses["set"] == name]
    return [_setting(key, group, by_run, len(sums)) for key, group in rows.groupby(SETTING, sort=False)]


def _setting(key: tuple, rows: pd.DataFrame, by_run: dict[str, np.ndarray], documents: int) -> Setting:
    runs = np.stack([by_run[run] for run in rows["run_id"]])  # [seeds, draws]
    generator = np.random.default_rng(named_seed("bootstrap seeds", *key))
    picks = generator.integers(len(runs), size=(len(runs), runs.shape[1]))
    draws = np.take_along_axis(runs, picks, axis=0).mean(axis=0)
    stream, generations, real_tokens = key[0], int(key[1]), int(key[2])  # plain integers: they go into JSON
    return Setting(stream, generations, real_tokens, len(runs), documents, float(rows["loss_nats"].mean()), draws)


def band(draws: np.ndarray, share: float) -> tuple[float, float]:
    """Central interval that holds `share` of the draws."""
    low, high = np.quantile(draws, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)
