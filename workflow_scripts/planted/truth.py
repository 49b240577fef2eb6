"""What is planted: every constant of the law that losses are drawn from, and where it comes from.

D, N and G count relative to the scale's own, so that the law suits every scale. Losses are in nats per token.
"""

from pydantic import Field

from workflow_scripts.config.base import Strict
from workflow_scripts.planted.mixtures import PlantedMixtures


class Bowl(Strict):
    """Cost of values away from the optimum: convex, square near it and straight far from it."""

    below: float = Field(gt=0, description="nats per step far below the optimum: underfitting")
    above: float = Field(gt=0, description="nats per step far above it: overfitting, or no progress")
    step: float = Field(gt=1, description="factor that is one step")
    offset: float = Field(0.0, description="added to a value before its logarithm, for grids that have 0")


class Task(Strict):
    """A downstream task: its accuracy falls in a straight line with the i.i.d. loss."""

    accuracy: float = Field(description="at the reference loss")
    slope: float = Field(description="[assumed] accuracy gained per nat")
    questions: int
    split: str


class Foreign(Strict):
    """A validation set of another kind of text."""

    offset: float = Field(description="[assumed] its loss minus the i.i.d. one at the reference")
    share: float = Field(description="[assumed] how much of an i.i.d. difference shows there")
    documents: int = 300


class Tuned(Strict):
    """An optimum of students that have no tuned row."""

    real_epochs: int
    mixing_ratio: float
    lr: float
    weight_decay: float


class Truth(Strict):
    """The planted law."""

    reference_loss: float = Field(3.5544, description="of tuned real-only students of usual size [authors' code]")
    floor: float = Field(1.92, description="C of their law over D [paper: 1.89 to 1.96]")
    exponent: float = Field(0.235, description="B of their law over D [paper: 0.23 to 0.24]")
    size_excess: float = Field(0.1054, description="what an infinite student saves [authors' code: 3.5544 - 3.4490]")
    size_exponent: float = Field(1.02, description="of the excess over N [paper: 0.05 / N^1.02 + 3.43]")
    efficiencies: dict[str, float] = Field(
        {
            "simple": 1.48,
            "stitched": 1.72,
            "latent": 1.80,
            "stitched_real_first": 1.58,
            "simple_no_real": 1.44,
            "stitched_no_real": 1.62,
            "latent_no_real": 1.68,
            "self_distilled": 1.15,
        },
        description="data efficiency of a stream at the largest G [paper: simple and the best; assumed: the others]",
    )
    arm_efficiencies: tuple[float, float] = Field(
        (1.05, 1.75), description="[assumed] between which a method without one of its own has its, by its name"
    )
    half_share: float = Field(
        0.1875, gt=0, description="[assumed] share h of the largest G in the gain r (1 + h) / (r + h) at its share r"
    )
    growth: float = Field(0.1, description="[assumed] power of N that the gain in efficiency grows with")
    alone_share: float = Field(
        0.43, description="gain of a stream without a separate real stream: gives the 3.521 of the authors' code"
    )
    masked: float = Field(0.015, description="cost without attention across documents [paper: 3.57 against 3.5544]")
    bowls: dict[str, Bowl] = Field(
        {
            "real_epochs": Bowl(below=0.055, above=0.06, step=2),
            "mixing_ratio": Bowl(below=0.055, above=0.06, step=2),
            "lr": Bowl(below=0.06, above=0.08, step=10**0.5),
            "weight_decay": Bowl(below=0.06, above=0.06, step=2, offset=0.05),
        },
        description="[assumed] a neighbour of the grid costs about 0.02; mixing counts by the share of real sequences",
    )
    untuned: dict[str, Tuned] = Field(
        {
            "alone": Tuned(real_epochs=8, mixing_ratio=0, lr=0.003, weight_decay=0.8),
            "self_distilled": Tuned(real_epochs=16, mixing_ratio=0.75, lr=0.003, weight_decay=0.4),
            "1.5b": Tuned(real_epochs=8, mixing_ratio=0.75, lr=0.001, weight_decay=0.8),
        },
        description="[assumed] optima by stream or student without a tuned row; others have the usual student's",
    )
    seed_sd: float = Field(0.003, description="standard deviation over seeds of a student's loss [assumed]")
    ensemble_gains: dict[str, float] = Field(
        {"real": 0.22, "self_distilled": 0.16, "simple": 0.12, "stitched": 0.11, "latent": 0.10},
        description="what infinitely many members save [paper: 0.25 for real only; assumed: the others]",
    )
    ensemble_exponent: float = Field(1.02, description="of what remains over K [paper: 0.25 / K^1.02 + 3.34]")
    documents: int = Field(1000, description="in the validation set, as the authors'; and in the tuning set")
    mean_tokens: float = Field(1243, description="of a document [paper]")
    length_sd: float = Field(0.9, description="[assumed] standard deviation of the logarithm of a document's tokens")
    hardness_sd: float = Field(0.5, description="[assumed] of a document's loss, the same for all students")
    tilt: float = Field(0.2, description="[assumed] how much more a document one deviation longer gains")
    document_sd: float = Field(0.02, description="[assumed] of a student's loss on one document")
    train_gap: float = Field(0.2, description="[assumed] validation minus training loss")
    written_share: dict[str, float] = Field(
        {"latent": 0.32}, description="tokens written per document and generation over its own [facts of the streams]"
    )
    usual_share: float = Field(0.54, description="the same of rephrases, and of a student's own text")
    out_of_distribution: dict[str, Foreign] = Field(
        {
            "arxiv_computer_science": Foreign(offset=-0.05, share=1.1),
            "wikipedia_english": Foreign(offset=0.1, share=0.9),
            "github_python": Foreign(offset=-1.2, share=0.7),
        },
        description="sets of the paper [authors' code]",
    )
    tasks: dict[str, Task] = Field(
        {
            "arc_easy": Task(accuracy=0.4428, slope=0.5, questions=2376, split="test"),
            "piqa": Task(accuracy=0.6181, slope=0.3, questions=1838, split="validation"),
            "sciq": Task(accuracy=0.691, slope=0.49, questions=1000, split="test"),
        },
        description="accuracies of regularised real-only students [authors' code]",
    )
    mixtures: PlantedMixtures = Field(PlantedMixtures(), description="law of students with a budget of tokens")
