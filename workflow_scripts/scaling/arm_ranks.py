"""Ranks of the comparison's arms by i.i.d. loss, for each seed and each corpus, and how far they agree.

Arrays of losses are [1 + draws, arms]: first what was measured, then bootstrap draws over validation documents, which
all students of a corpus share. Controls without synthetic text are not ranked: they are first and last everywhere.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.comparison_rows import COMPARISON
from workflow_scripts.scaling.arms import IID, Study
from workflow_scripts.scaling.bootstrap import mean_losses, student_draws


def common_arms(studies: Sequence[Study]) -> list[str]:
    """Arms with synthetic text that all packs have, as the first lists them. Raises UserError for fewer than two."""
    found = [arm for arm in studies[0].pack.synthetic.index if all(arm in own.pack.synthetic.index for own in studies)]
    if len(found) < 2:
        raise UserError(f"--results: the packs have {len(found)} arms in common, and ranks need two; give other packs")
    return found


def losses_of_seeds(study: Study, arms: Sequence[str]) -> dict[int, np.ndarray]:
    """Losses of students of every seed that all arms have; none where they share no seed."""
    results = study.pack.results.of_study(COMPARISON)
    measured = mean_losses(results.losses, "run_id", IID)
    drawn, _ = student_draws(results.losses, "run_id", IID, study.analysis.bootstrap_draws)
    rows = results.students[results.students["stream"].isin(study.pack.arms.loc[list(arms), "stream"])]
    runs = rows.pivot(index="seed", columns="stream", values="run_id")[study.pack.arms.loc[list(arms), "stream"]]
    whole = runs.dropna()
    return {
        int(seed): np.stack([np.append(measured[run], drawn[run]) for run in own], axis=1)
        for seed, own in whole.iterrows()
    }


def losses_of_corpus(study: Study, arms: Sequence[str]) -> np.ndarray:
    """Mean losses over seeds; their draws hold the noise of seeds, too."""
    return np.stack([np.append(study.tuned[arm].loss, study.tuned[arm].draws) for arm in arms], axis=1)


def ranks(losses: np.ndarray) -> np.ndarray:
    """[arms] 1 for the lowest measured loss."""
    return losses[0].argsort(kind="stable").argsort(kind="stable") + 1


def kendall(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """[1 + draws] Kendall's tau of two arrays of losses: pairs in the same order minus the others, over all pairs."""
    first, second = np.triu_indices(one.shape[1], 1)
    agreed = np.sign(one[:, first] - one[:, second]) * np.sign(other[:, first] - other[:, second])
    return agreed.mean(axis=1)


def mean_kendall(every: Sequence[np.ndarray]) -> np.ndarray:
    """[1 + draws] mean tau over all pairs; empty where there is but one array."""
    found = [kendall(one, other) for one, other in combinations(every, 2)]
    return np.mean(found, axis=0) if found else np.array([])
