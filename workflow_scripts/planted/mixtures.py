"""The planted law of mixtures (arXiv 2510.01631), of which no constant is published: all of them are [assumed].

L(N, D, r) = E + A / n^a + B / d^b + depth (u^2 - 2 u u*), with u = r^p and u* the root of the best share: n and d are
N and D over the scale's usual student and largest budget. The last term is 0 without synthetic text. As u* is
u0 + m / n^a + k / d^b, every mixture has exact laws A / N^a + E and B / D^b + E, although best shares move with scale.
Whether synthetic tokens repeat makes no difference.
"""

from pydantic import Field

from workflow_scripts.config.base import REAL, ROUND, Strict


class PlantedKind(Strict):
    """What a kind of synthetic text is worth; u counts in powers of shares."""

    depth: float = Field(gt=0, description="nats at u = 1 above the best u, if that were 0")
    best: float = Field(description="u* of infinite students and budgets")
    by_size: float = Field(0.0, description="more u* at the usual student")
    by_budget: float = Field(0.0, description="more u* at the largest budget")


class PlantedMixtures(Strict):
    """Constants of the law, in nats per token but for the exponents."""

    floor: float = Field(2.8, gt=0, description="E of natural text")
    size: float = Field(0.25, gt=0, description="A, at the usual student")
    size_exponent: float = Field(0.34, gt=0, description="a, as Hoffmann et al. (2022)")
    budget: float = Field(0.5, gt=0, description="B, at the largest budget")
    budget_exponent: float = Field(0.28, gt=0, description="b, as Hoffmann et al. (2022)")
    power: float = Field(0.6, gt=0, description="p: the first synthetic text matters most")
    kinds: dict[str, PlantedKind] = Field(
        {
            "hq": PlantedKind(depth=0.7, best=0.4856),  # a share of 0.3 everywhere
            "qa": PlantedKind(depth=0.4, best=0.2656, by_size=0.06, by_budget=0.16),  # 0.5 at small scale, then 0.3
            "txbk": PlantedKind(depth=0.6, best=0.25, by_size=-0.02, by_budget=-0.05),  # 0.03, then 0.06
            "hq_3bit": PlantedKind(depth=0.5, best=0.4),  # a worse generator
        },
        description="by kind of text; others are as hq",
    )
    replaced: float = Field(0.05, description="lost per round of training on the text of the student before alone")
    accumulated: float = Field(0.05, description="lost in the first round that keeps all text before; then over k^2")

    def kind(self, stream: str) -> PlantedKind:
        """Of a stream of synthetic text."""
        return self.kinds.get(stream, self.kinds["hq"])

    def loss(self, stream: str, share: float, size: float, budget: float) -> float:
        """Expected loss; size n and budget d relative to the scale's own."""
        natural = self.floor + self.size / size**self.size_exponent + self.budget / budget**self.budget_exponent
        if rounds := ROUND.fullmatch(stream):
            return natural + self.collapse(rounds[1], int(rounds[2]))
        if stream == REAL:
            return natural
        u = share**self.power
        return natural + self.kind(stream).depth * (u**2 - 2 * u * self.root(stream, size, budget))

    def root(self, stream: str, size: float, budget: float) -> float:
        """u* of a kind at a size and budget; below 0 where no synthetic text is best."""
        kind = self.kind(stream)
        return kind.best + kind.by_size / size**self.size_exponent + kind.by_budget / budget**self.budget_exponent

    def best_share(self, stream: str, size: float, budget: float) -> float:
        """Synthetic share with the lowest loss."""
        return min(max(self.root(stream, size, budget), 0), 1) ** (1 / self.power)

    def limit(self, stream: str, share: float) -> float:
        """E of a mixture, of infinite students and budgets."""
        u, kind = share**self.power, self.kind(stream)
        return self.floor + (kind.depth * (u**2 - 2 * u * kind.best) if stream != REAL else 0.0)

    def collapse(self, how: str, rounds: int) -> float:
        """Nats lost after some rounds of own text: without end where it replaces, bounded where it accumulates."""
        if how == "replace":
            return self.replaced * rounds
        return self.accumulated * sum(k**-2 for k in range(1, rounds + 1))
