"""A known SynPro study (arXiv 2605.17849): what every pretraining is worth; all constants are [assumed].

An oracle's loss at D unique tokens is E + B / D^b. Any other student has the loss of as many *effective* tokens: those
of repetition decay in value with every pass (U + U r (1 - exp(-passes / r)) for U unique tokens), those of a continued
pretraining move from its start's to its own end with rate `pace`.
"""

from dataclasses import dataclass, field

import numpy as np

EVALUATION_STEPS, STEP_TOKENS = 64, 2**14
EVALUATION_TOKENS = EVALUATION_STEPS * STEP_TOKENS


@dataclass(frozen=True)
class Planted:
    """One pretraining. `ratio`: effective tokens that it tends to over those that repetition tends to."""

    title: str
    role: str
    evaluations: int
    sets: tuple[str, ...] = ()
    start: str = ""
    ratio: float = 1.0
    plateau: int = 0  # evaluations of this one alone until its plateau; 0: the last one


PRETRAININGS = {
    "repetition": Planted("Repetition", "repetition", 40, plateau=16),
    "oracle": Planted("Unique text", "oracle", 60),
    "static": Planted("Untrained generators", "static", 24, ("rephrase", "reformat"), "repetition", 1.5),
    "repro": Planted("Rewards of RePro", "static", 24, ("rephrase_repro",), "repetition", 1.25),
    "round1": Planted(
        "Round 1", "round", 24, ("rephrase_trained", "reformat_r1"), "repetition", 2.2, plateau=20
    ),  # fmt: skip
    "round2": Planted("Round 2", "round", 20, ("rephrase_trained", "reformat_r1", "reformat_r2"), "round1", 3.4),
    "newest_only": Planted("Newest set alone", "ablation", 20, ("reformat_r2",), "round1", 2.6),
    "unfaithful": Planted("Without faithfulness", "ablation", 24, ("reformat_unfaithful",), "repetition", 0.7),
}  # fmt: skip


@dataclass(frozen=True)
class SynProTruth:
    """The law, the pretrainings and the noise; losses in nats per token."""

    floor: float = 2.6  # E
    factor: float = 60.0  # B, D in tokens
    exponent: float = 0.26  # b
    organic_tokens: int = 2**21  # U
    repeats: float = 5.0  # r: passes after which another one is worth 1/e
    pace: float = 8.0  # evaluations
    pretrainings: dict[str, Planted] = field(default_factory=lambda: dict(PRETRAININGS))
    seeds: tuple[int, ...] = (0, 1, 2)
    parts: int = 32
    part_tokens: int = 8192
    hardness_sd: float = 0.08  # nats, of a part for all students
    slope_sd: float = 0.15  # relative, of a part's share of a student's distance from E
    part_sd: float = 0.008  # nats, of a pretraining on a part
    shared_seed_sd: float = 0.004  # nats, of a seed in all pretrainings
    own_seed_sd: float = 0.003  # nats, of a seed in one pretraining
    jitter_sd: float = 0.001  # nats, of an evaluation
    shares_drawn: bool = True  # whether shares of positive influence are those of drawn texts, not expected ones

    def loss(self, tokens: float | np.ndarray) -> float | np.ndarray:
        """Expected loss of an oracle at D unique tokens."""
        return self.floor + self.factor / np.asarray(tokens, dtype=float) ** self.exponent

    def start_tokens(self, name: str) -> int:
        """Cumulative tokens at which a pretraining starts."""
        start = self.pretrainings[name].start
        return self.plateau_tokens(start) if start else 0

    def plateau_tokens(self, name: str) -> int:
        """Cumulative tokens at its own plateau."""
        own = self.pretrainings[name]
        return self.start_tokens(name) + (own.plateau or own.evaluations) * EVALUATION_TOKENS

    def effective(self, name: str, tokens: float | np.ndarray) -> np.ndarray:
        """Unique tokens that a pretraining is worth after cumulative `tokens` since the beginning."""
        own, tokens = self.pretrainings[name], np.asarray(tokens, dtype=float)
        if own.role == "oracle":
            return tokens
        if not own.start:
            repeats = np.maximum(tokens / self.organic_tokens - 1, 0)
            more = self.organic_tokens * self.repeats * -np.expm1(-repeats / self.repeats)
            return np.minimum(tokens, self.organic_tokens) + more
        first = self.effective(own.start, self.start_tokens(name))
        last = own.ratio * self.organic_tokens * (1 + self.repeats)
        passed = (tokens - self.start_tokens(name)) / EVALUATION_TOKENS
        return first + (last - first) * -np.expm1(-passed / self.pace)

    def evaluated(self, name: str) -> np.ndarray:
        """[evaluations] cumulative tokens at which a pretraining is evaluated."""
        return self.start_tokens(name) + EVALUATION_TOKENS * np.arange(1, self.pretrainings[name].evaluations + 1)

    def best(self, name: str) -> float:
        """Most effective tokens of a pretraining at the middle of three evaluations, which is what is analysed."""
        return float(self.effective(name, self.evaluated(name)[1:-1]).max())

    def ratio(self, name: str) -> float:
        """The same over that of repetition."""
        return self.best(name) / self.best("repetition")
