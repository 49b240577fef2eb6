"""The planted law: the loss of every student, of every ensemble, and what the analysis has to find again."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import log, sqrt

from workflow_scripts.common.seeds import named_fraction
from workflow_scripts.config.models import Config, Scale
from workflow_scripts.config.runs import Hyperparameters, Run, read_hyperparameters
from workflow_scripts.config.sizes import parameter_counts
from workflow_scripts.config.studies import AXES, ensembles_of
from workflow_scripts.planted.mixture_law import mixture_loss, mixture_record
from workflow_scripts.planted.truth import Bowl, Truth, Tuned
from workflow_scripts.scaling.law import BILLION, DataLaw

FAMILIES = ("stitched", "simple", "latent")  # a variant of a stream has the optimum of its family


@dataclass(frozen=True)
class Law:
    """The truth at a scale; `tuned` holds the optima, the rows of the table of tuned values."""

    config: Config
    truth: Truth
    tuned: dict[tuple, Hyperparameters]

    @classmethod
    def of(cls, config: Config, truth: Truth) -> "Law":
        """Raises UserError when the table of tuned values can't be read."""
        return cls(config, truth, read_hyperparameters(config.hyperparameters))

    @property
    def scale(self) -> Scale:
        """The selected scale."""
        return self.config.scales[self.config.scale]

    def loss(self, run: Run) -> float:
        """Expected i.i.d. loss of a student in nats per token."""
        if run.budget_tokens:
            return mixture_loss(self.config, self.truth.mixtures, run)
        truth, size = self.truth, self.size(run.student)
        data = run.real_tokens / self.scale.corpus.real_tokens * self.efficiency(run)
        tuned = truth.floor + (truth.reference_loss - truth.floor) / data**truth.exponent
        shape = truth.size_excess * (size**-truth.size_exponent - 1)
        masked = 0.0 if run.cross_document_attention else truth.masked
        return tuned + shape + masked + self.cost(run)

    def size(self, student: str) -> float:
        """Parameters over those of the scale's usual student."""
        vocabulary, usual = self.scale.corpus.tokenizer.vocabulary_size, self.scale.training.student
        own, reference = (parameter_counts(self.config.students[name], vocabulary) for name in (student, usual))
        return own["total"] / reference["total"]

    def efficiency(self, run: Run) -> float:
        """Real tokens, over a student's own, that real-only students of the usual size would need for its loss."""
        if run.stream == "real":
            return 1.0
        share = self.truth.alone_share if run.alone else 1.0
        gain = self.efficiency_at(run.stream, run.generations) - 1
        return 1 + share * gain * self.size(run.student) ** self.truth.growth

    def efficiency_at(self, stream: str, generations: int) -> float:
        """Data efficiency of tuned students of the usual size; a stream without generations has its full gain."""
        part, half = generations / max(self.scale.generation.counts), self.truth.half_share
        reached = part * (1 + half) / (part + half) if generations else 1.0
        return 1 + (self.full_efficiency(stream) - 1) * reached

    def full_efficiency(self, stream: str) -> float:
        """Of a stream at its largest G; an arm of the comparison that the truth does not name has its by its name."""
        low, high = self.truth.arm_efficiencies
        by_name = low + (high - low) * named_fraction("planted arm", stream)
        return self.truth.efficiencies.get(stream, by_name)

    def cost(self, run: Run) -> float:
        """Nats above the optimum's loss that a student's hyper-parameters cost."""
        optimum, bowls = self.optimum(run), self.truth.bowls
        mixed = [] if run.stream == "real" or run.alone else ["mixing_ratio"]
        axes = [axis for axis in AXES if axis != "mixing_ratio" or mixed]
        return sum(bowl_cost(bowls[axis], axis, getattr(run, axis), getattr(optimum, axis)) for axis in axes)

    def optimum(self, run: Run) -> Hyperparameters | Tuned | Run:
        """Best hyper-parameters for a student's stream, G, D and size; its own where nothing says."""
        family = next((name for name in FAMILIES if run.stream.startswith(name)), run.stream)
        rest = (family, run.generations, run.real_tokens)
        own = self.tuned.get((self.config.scale, run.student, *rest))
        named = [("alone" if run.alone else ""), run.stream, run.student]
        untuned = next((self.truth.untuned[name] for name in named if name in self.truth.untuned), None)
        if run.alone or not own:
            own = untuned or self.tuned.get((self.config.scale, self.scale.training.student, *rest))
        return own or run

    def ensemble(self, members: list[Run]) -> DataLaw:
        """A / K^B + C of an ensemble, in billions of members."""
        gain, exponent = self.truth.ensemble_gains.get(members[0].stream, 0.1), self.truth.ensemble_exponent
        return DataLaw(gain / BILLION**exponent, exponent, self.loss(members[0]) - gain)

    def record(self, runs: Iterable[Run]) -> dict:
        """What the analysis should find again."""
        scale, truth = self.scale, self.truth
        unit = (scale.corpus.real_tokens / BILLION) ** truth.exponent
        settings = [(stream, g) for stream in scale.generation.streams for g in scale.generation.counts]
        ensembles = {name: self.ensemble(members) for name, members in ensembles_of(runs, scale).items()}
        return {
            "law": {"A": (truth.reference_loss - truth.floor) * unit, "B": truth.exponent, "C": truth.floor},
            "efficiencies": [
                {"stream": stream, "generations": g, "efficiency": self.efficiency_at(stream, g)}
                for stream, g in settings
            ],
            "ensemble_asymptotes": {name: law.C for name, law in ensembles.items()},
            "size_asymptote": truth.reference_loss - truth.size_excess,
            "mixtures": mixture_record(self.config, truth.mixtures, runs),
            "constants": truth.model_dump(),
        }


def bowl_cost(bowl: Bowl, axis: str, value: float, best: float) -> float:
    """Nats per token that one axis costs."""
    if axis == "mixing_ratio":  # by the share of real sequences: 0.75 to 0.9 is more than 0.5 to 0.75
        value, best = 1 / (1 - value), 1 / (1 - best)
    steps = log((value + bowl.offset) / (best + bowl.offset)) / log(bowl.step)
    return (bowl.above if steps > 0 else bowl.below) * (sqrt(1 + steps**2) - 1)
