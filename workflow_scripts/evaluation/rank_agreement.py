"""Whether a measure of unigrams ranks training sets as their losses do, by Kendall's tau, per domain.

tau is 1 where a larger measure always goes with a larger loss: for a divergence that is what similarity predicts, for
coverage it is -1. Two bands of 95% stand beside it: that of tau over the draws of the losses, and that of chance, which
tau falls into where the measure has nothing to do with the loss.
"""

import numpy as np
import pandas as pd

from workflow_scripts.common.seeds import named_seed

SHARE = 0.95
PERMUTATIONS = 5000
FEWEST = 5  # of 4 sets even perfect agreement happens by chance in 1 of 12 cases, either way
KEYS = ["stream", "mixing_ratio", "domain"]
NUMBERS = ["tau", "low", "high", "chance_low", "chance_high", "p_value"]


def rank_agreement(unigrams: pd.DataFrame, losses: pd.DataFrame, measure: str = "kl_domain_train_nats") -> pd.DataFrame:
    """Agreement of a measure with the loss over the training sets, a row per domain.

    unigrams: rows of `unigrams.csv`. losses: columns stream, mixing_ratio, domain, loss_nats and, where known, draws
    ([draws] nats per row, the same draws in all rows of a domain). Sets that are not in both are left out.
    Returns domain, measure, sets, tau, low, high (over draws, NaN without), chance_low, chance_high, p_value (of a tau
    as far from 0 by chance), status: `ok`, or why nothing is said.
    """
    pairs = unigrams.merge(losses, on=KEYS, validate="one_to_one")
    rows = [
        {"domain": domain, "measure": measure, **_agreement(own, measure)} for domain, own in pairs.groupby("domain")
    ]
    return pd.DataFrame(rows, columns=["domain", "measure", "sets", *NUMBERS, "status"])


def _agreement(pairs: pd.DataFrame, measure: str) -> dict:
    found = dict.fromkeys(NUMBERS, np.nan) | {"sets": len(pairs)}
    values, losses = pairs[measure].to_numpy(float), pairs["loss_nats"].to_numpy(float)
    if len(pairs) < FEWEST:
        return found | {"status": f"{len(pairs)} training sets, of at least {FEWEST}"}
    if np.ptp(values) == 0 or np.ptp(losses) == 0:
        return found | {"status": "all training sets are equal"}
    (tau,) = kendall(values, losses[None])
    chance = np.random.default_rng(named_seed("rank agreement", len(pairs)))
    by_chance = kendall(values, chance.permuted(np.tile(losses, (PERMUTATIONS, 1)), axis=1))
    found |= {"tau": tau, "p_value": (1 + (np.abs(by_chance) >= abs(tau) - 1e-9).sum()) / (1 + PERMUTATIONS)}
    found["chance_low"], found["chance_high"] = _band(by_chance)
    if "draws" in pairs:
        found["low"], found["high"] = _band(kendall(values, np.stack(pairs["draws"].to_list(), axis=1)))
    return found | {"status": "ok"}


def kendall(values: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """Kendall's tau-b [draws] of values [sets] with each row of losses [draws, sets]."""
    left, right = np.triu_indices(len(values), 1)
    signs, others = np.sign(values[left] - values[right]), np.sign(losses[:, left] - losses[:, right])
    with np.errstate(invalid="ignore"):
        return others @ signs / np.sqrt(np.abs(signs).sum() * np.abs(others).sum(axis=1))


def _band(draws: np.ndarray) -> np.ndarray:
    return np.quantile(draws, [(1 - SHARE) / 2, (1 + SHARE) / 2])
