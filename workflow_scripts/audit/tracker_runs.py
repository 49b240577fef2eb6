"""A tracked run of the authors as a row of our run table: from its logged configuration, not from its name.

Names are read in one place alone: the authors' short names of data streams, which are keys of the configuration.
"""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, ValidationError

from workflow_scripts.config.models import Config, Student
from workflow_scripts.config.runs import Hyperparameters, Run, run_of

REAL = "dcr"
REAL_STEPS, USUAL_DATA_SEED = 777, 42
RESHUFFLED = "-reshuffled"  # students of several seeds, which differ in the order of data, too
COUNTS = {
    "simple": {"w2s": 2, "s4": 4, "s8": 8, "s16": 16, "s32": 32},
    "stitched": {"w2": 2, "b4": 4, "b8": 8, "b16": 16, "b32": 32},
    "latent": {"z2": 2, "z4": 4, "z8": 8, "z16": 16, "z32": 32},
    "stitched_real_first": {"w2f": 2, "f8": 8},
    "stitched_no_real": {"n8": 8},
    "simple_no_real": {"n8s": 8},
    "self_distilled": {"sdn": 0},
}
STREAMS = {code: (stream, count) for stream, codes in COUNTS.items() for code, count in codes.items()}
TUNED = ("real", "simple", "stitched", "latent")


class NotOurs(Exception):
    """A tracked run that is no row of ours; the message says why."""


class Part(BaseModel):
    """A section of a logged configuration; what we don't read is let through."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())


class Trainer(Part):
    """Length and seed."""

    seed: int
    train_batch_size: int
    num_train_steps: int


class Optimizer(Part):
    """Peak learning rate and decay."""

    learning_rate: float
    weight_decay: float


class Model(Part):
    """Shape."""

    hidden_dim: int
    intermediate_dim: int
    num_layers: int
    num_heads: int
    num_kv_heads: int


class Data(Part):
    """Weights of the mixed streams, how many batches each has at most, and attention."""

    train_weights: dict[str, float]
    max_train_batches: dict[str, int] | None = None
    block_cross_document_attention: bool = True  # the default of the authors' later code


class Tracked(Part):
    """What is read of a training's configuration."""

    trainer: Trainer
    optimizer: Optimizer
    model: Model
    data: Data
    train_seq_len: int | None = None
    data_seed: int | None = None


def tracked_of(content: dict) -> Tracked:
    """A logged configuration, checked. Raises NotOurs naming the first key that is missing or of another kind."""
    try:
        return Tracked.model_validate(content)
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"]))
        raise NotOurs(f"its configuration has no usable {key}") from None


def row_of(tracked: Tracked, config: Config) -> Run:
    """The row of our run table. Raises NotOurs for what has none: other data, shapes, batches or mixtures."""
    weights = {name: weight for name, weight in tracked.data.train_weights.items() if weight > 0}
    stream, generations, alone = _stream(weights)
    student = _student(tracked.model, config)
    training, trainer = config.scales["paper"].training, tracked.trainer
    if trainer.train_batch_size != training.batch_sequences or tracked.train_seq_len not in (None, training.context):
        raise NotOurs("its batches are of another size")
    main = next(iter(weights)) if alone else REAL
    batches = (tracked.data.max_train_batches or {}).get(main)
    if not batches or (not alone and batches != REAL_STEPS):
        raise NotOurs("its epochs are of another number of steps")
    row = Hyperparameters(
        scale="paper", student=student, stream=stream, generations=generations,
        real_tokens=REAL_STEPS * training.batch_sequences * training.context,
        real_epochs=round(trainer.num_train_steps * weights[main] / batches),
        mixing_ratio=0 if alone else round(1 - weights[REAL], 6), lr=tracked.optimizer.learning_rate,
        weight_decay=tracked.optimizer.weight_decay, origin="tracked by the authors",
    )  # fmt: skip
    attention = not tracked.data.block_cross_document_attention
    run = run_of(config, row, seed=trainer.seed, cross_document_attention=attention, alone=alone)
    return run if tracked.data_seed in (None, USUAL_DATA_SEED) else _reshuffled(run)


def with_studies(run: Run, own: dict[str, Run], several_seeds: set[str]) -> Run:
    """The run with the studies that need it; all tuned streams of the usual student are in the two main ones.

    `own`: our run table by name; `several_seeds`: studies whose students differ in the order of data, too.
    """
    reshuffled = run.group.endswith(RESHUFFLED)
    twin = own.get(f"{run.group.removesuffix(RESHUFFLED)}-s{run.seed}")
    names = set(twin.studies.split()) if twin else set()
    names = names & several_seeds if reshuffled else names - several_seeds
    if run.stream in TUNED and run.student == "300m" and not (run.alone or reshuffled) and run.cross_document_attention:
        names |= {"data_efficiency", "generation_scaling"}
    return run.model_copy(update={"studies": " ".join(sorted(names))})


def _stream(weights: dict[str, float]) -> tuple[str, int, bool]:
    """Stream, G, and whether it is alone."""
    synthetic = [name for name in weights if name != REAL]
    if len(synthetic) > 1:
        raise NotOurs("it mixes several synthetic streams")
    if not synthetic and REAL in weights:
        return "real", 0, False
    if not synthetic or synthetic[0] not in STREAMS:
        raise NotOurs(f"its stream {synthetic[0] if synthetic else 'is missing'} has no counterpart")
    return *STREAMS[synthetic[0]], REAL not in weights


def _student(model: Model, config: Config) -> str:
    """Our name of a shape."""
    shape = (model.hidden_dim, model.intermediate_dim, model.num_layers, model.num_heads, model.num_kv_heads)
    names = {_shape(student): name for name, student in config.students.items()}
    if shape not in names:
        raise NotOurs("its student has another shape")
    return names[shape]


def _shape(student: Student) -> Iterable[int]:
    return student.hidden, student.feed_forward, student.layers, student.heads, student.key_value_heads


def _reshuffled(run: Run) -> Run:
    """Under a name of its own: the order of data differs from that of an ordinary run with the same seed."""
    return run.model_copy(update={"run_id": f"{run.group}{RESHUFFLED}-s{run.seed}"})
