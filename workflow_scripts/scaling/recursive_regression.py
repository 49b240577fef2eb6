"""Linear regression trained on its own labels for rounds: `replace`, `accumulate` and `edit` (arXiv 2412.14689).

Inputs X [T, d] are standard normal and the same in every round, labels are y = X w + noise of variance s^2. Round 1 is
least squares on natural labels y_1; each round's fit labels X anew with fresh noise of the same variance, y'. The next
round is fitted to y' (replace), to the labels of all rounds, natural ones included (accumulate), or to the labels of
the round before with a share m_i of rows, drawn anew each round, taken from y' (edit); m_i = m_1 eta^(i-1), as the
paper's bound has edits shrink by a factor [assumed]. Error: |w_n - w|^2, the test error above s^2 on such inputs.

Theory, with e = s^2 d / (T - d - 1): replace, e n; accumulate, e (1 + 1/4 + .. + 1/n^2) < 1.65 e. Edit [derived, its
rows being drawn independently of the noise]: at most e (1 + sum of m_i (2 - m_i)), which does not grow without end.
"""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.seeds import named_seed

CHAINS = ("replace", "accumulate", "edit")


@dataclass(frozen=True)
class Regression:
    """What is simulated; a repeat draws its own inputs, truth and noise."""

    rows: int = 200  # T
    features: int = 20  # d
    noise_sd: float = 1.0  # s
    rounds: int = 20
    repeats: int = 1000
    edited_share: float = 0.25  # m_1
    shrinking: float = 0.5  # eta

    @property
    def one_round(self) -> float:
        """Expected error of a fit to natural labels, e."""
        return self.noise_sd**2 * self.features / (self.rows - self.features - 1)

    @property
    def shares(self) -> np.ndarray:
        """[rounds] edited before each round; none before the first."""
        return np.concatenate([[0.0], self.edited_share * self.shrinking ** np.arange(self.rounds - 1)])

    def theory(self, chain: str) -> np.ndarray:
        """[rounds] expected errors; of edit what they are at most."""
        rounds = np.arange(1, self.rounds + 1)
        grown = {
            "replace": rounds,
            "accumulate": (1 / rounds**2).cumsum(),
            "edit": 1 + (self.shares * (2 - self.shares)).cumsum(),
        }
        return self.one_round * grown[chain]


def simulate(settings: Regression, chain: str) -> np.ndarray:
    """Errors [repeats, rounds]; all chains have the same inputs and natural labels."""
    return np.stack([_repeat(settings, chain, repeat) for repeat in range(settings.repeats)])


def _repeat(settings: Regression, chain: str, repeat: int) -> np.ndarray:
    chance = np.random.default_rng(named_seed("recursive regression", repeat))
    inputs, truth = chance.normal(size=(settings.rows, settings.features)), chance.normal(size=settings.features)
    solve = np.linalg.pinv(inputs)
    labels = inputs @ truth + settings.noise_sd * chance.normal(size=settings.rows)
    fits = [solve @ labels]
    for number, share in enumerate(settings.shares[1:], start=2):
        fresh = inputs @ fits[-1] + settings.noise_sd * chance.normal(size=settings.rows)
        labels = _next(chain, labels, fresh, number, chance.random(settings.rows) < share)
        fits.append(solve @ labels)
    return ((np.array(fits) - truth) ** 2).sum(axis=1)


def _next(chain: str, labels: np.ndarray, fresh: np.ndarray, number: int, edited: np.ndarray) -> np.ndarray:
    """Labels of the next round; to fit the mean label of every row is to fit the labels of all rounds."""
    if chain == "edit":
        return np.where(edited, fresh, labels)
    return fresh if chain == "replace" else labels + (fresh - labels) / number
