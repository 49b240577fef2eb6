"""Bootstrap of losses over validation documents and seeds.

A draw takes documents with replacement, the same ones for every student and ensemble (so differences between them
keep their small error), and adds noise of seeds: normal, with the standard deviation of the pack's `seed_noise`, pooled
over students that were trained with several seeds, over the root of the setting's own seeds. So a setting that was
trained once gets its share, too. The standard deviation is itself drawn, as uncertain as its few degrees of freedom
make it. Where nothing was trained with several seeds, bands cover documents alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.common.seeds import named_seed
from workflow_scripts.evaluation.results import Results
from workflow_scripts.evaluation.seed_noise import seed_noise

SETTING = ("stream", "generations", "real_tokens")


@dataclass(frozen=True)
class Setting:
    """Losses of students that differ in their seed alone, on one validation set."""

    key: dict[str, Any]  # values of the columns that the students were grouped by
    seeds: int
    documents: int
    loss: float  # nats per token, mean over seeds
    draws: np.ndarray  # [draws] nats per token

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["key"][name]
        except KeyError:
            raise AttributeError(name) from None


def document_counts(documents: int, draws: int, name: str) -> np.ndarray:
    """[draws, documents]: how often each document is taken in each draw."""
    generator = np.random.default_rng(named_seed("bootstrap documents", name))
    return generator.multinomial(documents, np.full(documents, 1 / documents), size=draws)


def settings_of(results: Results, name: str, draws: int, by: Sequence[str] = SETTING) -> list[Setting]:
    """All settings on the validation set `name` with their draws, in the order of the students.

    `by`: columns of `results.students` that tell settings apart; students that agree in all of them are its seeds.
    """
    by_run, documents = student_draws(results.losses, "run_id", name, draws)
    losses = mean_losses(results.losses, "run_id", name)
    groups = results.students.groupby(list(by), sort=False)
    spread = seed_spread(results, name, draws)
    return [_setting(by, key, losses[rows["run_id"]], by_run, documents, spread) for key, rows in groups]


def seed_spread(results: Results, name: str, draws: int) -> np.ndarray:
    """[draws] standard deviations over seeds of a student's loss on a set in nats; 0 where it is not known.

    A set that the pack's `seed_noise` lacks has that of its own students of several seeds.
    """
    found = results.seed_noise[results.seed_noise["set"] == name]
    if found.empty:
        found = seed_noise(results.losses[results.losses["set"] == name])
    if found.empty:
        return np.zeros(draws)
    generator = np.random.default_rng(named_seed("spread over seeds", name))
    freedom = found["freedom"].item()
    return found["sd_nats"].item() * np.sqrt(freedom / generator.chisquare(freedom, draws))


def mean_losses(losses: pd.DataFrame, column: str, name: str) -> pd.Series:
    """Loss in nats per token on a set, by student."""
    sums = losses[losses["set"] == name].groupby(column, observed=True)[["loss_sum_nats", "predicted_tokens"]].sum()
    return sums["loss_sum_nats"] / sums["predicted_tokens"]


def student_draws(losses: pd.DataFrame, column: str | list[str], name: str, draws: int) -> tuple[dict, int]:
    """[draws] losses in nats per token of every student (or other key) on a set, and the number of documents."""
    own = losses[losses["set"] == name]
    sums = own.pivot(index="doc_id", columns=column, values="loss_sum_nats")
    tokens = own.drop_duplicates("doc_id").set_index("doc_id")["predicted_tokens"].reindex(sums.index).to_numpy()
    counts = document_counts(len(sums), draws, name)
    drawn = (counts @ sums.to_numpy(dtype=float)) / (counts @ tokens)[:, None]
    return dict(zip(sums.columns, drawn.T, strict=True)), len(sums)


def _setting(
    by: Sequence[str], key: tuple, losses: pd.Series, by_run: dict, documents: int, spread: np.ndarray
) -> Setting:
    runs = np.stack([by_run[run] for run in losses.index])  # [seeds, draws]
    plain = [value.item() if hasattr(value, "item") else value for value in key]  # they go into JSON
    generator = np.random.default_rng(named_seed("bootstrap seeds", *plain))
    draws = runs.mean(axis=0) + spread * generator.normal(size=len(spread)) / np.sqrt(len(runs))
    return Setting(dict(zip(by, plain, strict=True)), len(runs), documents, float(losses.mean()), draws)


def band(draws: np.ndarray, share: float) -> tuple[float, float]:
    """Central interval that holds `share` of the draws."""
    low, high = np.quantile(draws, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def ensemble_settings(results: Results, name: str, draws: int) -> list[Setting]:
    """Losses of the first K members of every ensemble together on a set, in nats per token; key: ensemble, members.

    [assumed] The seeds' noise of K members together is the mean of theirs, so ensembles that share members share it.
    """
    own = results.ensembles
    by_key, documents = student_draws(own, ["ensemble", "members"], name, draws)
    found, spread = mean_losses(own, ["ensemble", "members"], name), seed_spread(results, name, draws)
    settings = []
    for (ensemble, members), drawn in by_key.items():
        key, loss = {"ensemble": ensemble, "members": int(members)}, float(found[ensemble, members])
        settings.append(Setting(key, 1, documents, loss, drawn + spread * _mean_noise(ensemble, int(members), draws)))
    return settings


def _mean_noise(ensemble: str, members: int, draws: int) -> np.ndarray:
    """[draws] mean of the first members' noise, in standard deviations of one."""
    seeds = [named_seed("bootstrap seeds", ensemble, member) for member in range(members)]
    return np.mean([np.random.default_rng(seed).normal(size=draws) for seed in seeds], axis=0)
