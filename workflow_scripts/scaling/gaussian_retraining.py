"""A Gaussian fitted for rounds to n real samples and lambda n samples of its own fit before (arXiv 2310.00429).

Maximum likelihood of mean and variance in one dimension. The real samples are the same in every round, the synthetic
ones are fresh, exact samples of the last fit alone; lambda is their ratio to the real ones, inf: no real sample after
round 0, n of the fit's own. Distance: squared Wasserstein-2 to the truth, (mean - 0)^2 + (sd - 1)^2.

Condition of a stable fixed point: lambda (1 + L eps / alpha) < 1/2 [assumed: the inequality is second-hand]; eps, how
far the best model is from the truth, is 0 here, as the family has the truth, so lambda < 1/2. It is sufficient and not
necessary: by moments, a round multiplies what is left of the last fit by a = lambda / (1 + lambda) < 1, so that a
Gaussian is stable at every finite lambda, and its distance grows without real samples alone [derived]. To first order
in 1/n and t/n the squared distance after t rounds is 3 / (2 n) (1 + lambda / (1 + 2 lambda) (1 - a^(2 t))), and
3 / (2 n) (1 + t) without real samples [derived].
"""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.seeds import named_seed

STABLE_BELOW = 0.5  # lambda, where eps is 0


@dataclass(frozen=True)
class Gaussian:
    """What is simulated."""

    samples: int = 10_000  # n
    rounds: int = 100
    repeats: int = 2000
    ratios: tuple[float, ...] = (0.1, 0.25, 0.75, 2.0, np.inf)  # lambda, on both sides of the condition

    def theory(self, ratio: float) -> np.ndarray:
        """[1 + rounds] expected squared distance, to first order in 1/n and rounds/n."""
        rounds = np.arange(self.rounds + 1)
        if np.isinf(ratio):
            return 1.5 / self.samples * (1 + rounds)
        kept = ratio / (1 + ratio)
        return 1.5 / self.samples * (1 + ratio / (1 + 2 * ratio) * (1 - kept ** (2 * rounds)))


def simulate(settings: Gaussian, ratio: float) -> np.ndarray:
    """Squared distances [repeats, 1 + rounds]; sample means and variances are drawn from their exact distributions."""
    chance = np.random.default_rng(named_seed("gaussian retraining", ratio))
    n, repeats = settings.samples, settings.repeats
    own = n if np.isinf(ratio) else round(ratio * n)
    real = _fit(np.zeros(repeats), np.ones(repeats), n, chance)
    mean, variance = real
    found = [_distance(mean, variance)]
    for _ in range(settings.rounds):
        synthetic = _fit(mean, variance, own, chance)
        mean, variance = synthetic if np.isinf(ratio) else _pooled(real, synthetic, own / (n + own))
        found.append(_distance(mean, variance))
    return np.stack(found, axis=1)


def _fit(mean: np.ndarray, variance: np.ndarray, count: int, chance: np.random.Generator) -> tuple:
    """Sample mean and variance (over count) of `count` normal samples."""
    return (
        mean + np.sqrt(variance / count) * chance.normal(size=len(mean)),
        variance * chance.chisquare(count - 1, len(mean)) / count,
    )


def _pooled(real: tuple, synthetic: tuple, share: float) -> tuple:
    """Mean and variance of both samples together; share: of the synthetic ones."""
    (mean, variance), (other, spread) = real, synthetic
    within = (1 - share) * variance + share * spread
    return (1 - share) * mean + share * other, within + share * (1 - share) * (mean - other) ** 2


def _distance(mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    return mean**2 + (np.sqrt(variance) - 1) ** 2
