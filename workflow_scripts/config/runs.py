"""One row of the run table, the table of tuned values it comes from, and how the table is written."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from pydantic import NonNegativeInt, PositiveInt, ValidationError, ValidationInfo, field_validator

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import write_text
from workflow_scripts.config.base import STREAMS, Decay, Fraction, Name, Rate, Share, Strict
from workflow_scripts.config.models import Config


class Hyperparameters(Strict):
    """One row of the table of tuned values: which student it is for, the values, and where they come from."""

    scale: str
    student: str
    stream: Name
    generations: int
    real_tokens: PositiveInt
    real_epochs: PositiveInt
    mixing_ratio: Fraction
    lr: Rate
    weight_decay: Decay
    origin: str

    @field_validator("generations")
    @classmethod
    def _stream_has_generations(cls, generations: int, row: ValidationInfo) -> int:
        if generations and row.data.get("stream", STREAMS[0]) not in STREAMS:
            raise ValueError(f"stream '{row.data['stream']}' has none: it is none of {', '.join(STREAMS)}")
        return generations

    @field_validator("mixing_ratio")
    @classmethod
    def _real_only_is_not_mixed(cls, ratio: float, row: ValidationInfo) -> float:
        if ratio and row.data.get("stream") == "real":
            raise ValueError("must be 0 for stream real, which has no synthetic sequences to mix in")
        return ratio

    @property
    def applies_to(self) -> tuple:
        """What the row is looked up by."""
        return self.scale, self.student, self.stream, self.generations, self.real_tokens


class Run(Strict):
    """One student."""

    run_id: str
    stream: Name  # real, a stream of the megadocs study, a kind of text, or a round of own text
    generations: int
    real_tokens: NonNegativeInt  # unique ones that it may see
    real_epochs: PositiveInt
    mixing_ratio: Share  # synthetic share of its tokens
    lr: Rate
    weight_decay: Decay
    student: str
    seed: int
    cross_document_attention: bool
    recipe: int
    alone: bool = False  # the synthetic stream takes the real documents' place; epochs count passes over it
    budget_tokens: NonNegativeInt = 0  # all tokens of a mixture's student; 0: they follow from the epochs
    batch_sequences: NonNegativeInt = 0  # 0: the scale's
    context: NonNegativeInt = 0  # 0: the scale's
    natural: str = ""  # stream of its natural documents; "": the scale's
    studies: str = ""  # names, joined by blanks
    origin: str = ""

    @property
    def stream_name(self) -> str | None:
        """Name of the synthetic stream's files; None for a real-only student."""
        if self.stream == "real":
            return None
        return f"{self.stream}-G{self.generations}" if self.generations else self.stream

    @property
    def group(self) -> str:
        """What students that differ in their seed alone have in common: members of one ensemble."""
        return self.run_id.rpartition("-s")[0]


def read_hyperparameters(path: str | Path) -> dict[tuple, Hyperparameters]:
    """Table of tuned values by what each row applies to. Raises UserError naming file, line and value."""
    rows: dict[tuple, Hyperparameters] = {}
    try:
        with open(path, newline="", encoding="utf-8") as handle:
            for line, content in enumerate(csv.DictReader(handle), start=2):
                row = _checked_row(path, line, content)
                if row.applies_to in rows:
                    raise UserError(f"{path}:{line}: a second row for {row.applies_to}; keep one")
                rows[row.applies_to] = row
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; config key `hyperparameters` names the table of tuned values") from None
    return rows


def run_of(config: Config, row: Hyperparameters, **changes: object) -> Run:
    """The student of a row of hyper-parameters; `changes`: seed, attention, alone, a frame of its own."""
    scale = config.scales[config.scale].training
    content = row.model_dump(exclude={"scale"}) | {
        "seed": scale.seeds[0],
        "cross_document_attention": scale.cross_document_attention,
        "recipe": scale.recipe,
    }
    run = Run(run_id="unnamed", **(content | changes))
    return named(run, scale.student)


def named(run: Run, usual_student: str) -> Run:
    """The run with its name; `usual_student`: of the scale, which is not said."""
    return run.model_copy(update={"run_id": _run_id(run, usual_student)})


def write_runs(path: str | Path, runs: Iterable[Run]) -> None:
    """Write the table as CSV that a person can open."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(Run.model_fields)
    writer.writerows(run.model_dump().values() for run in runs)
    write_text(path, table.getvalue())


def _checked_row(path: str | Path, line: int, content: dict) -> Hyperparameters:
    if None in content:
        raise UserError(f"{path}:{line}: more values than columns ({content[None]}); quote a text that has a comma")
    try:
        return Hyperparameters.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        column = problem["loc"][0] if problem["loc"] else "row"
        message = problem["msg"].removeprefix("Value error, ")
        raise UserError(f"{path}:{line}: {column}: {message} (got {problem['input']!r})") from None


def _run_id(run: Run, usual_student: str) -> str:
    """Short readable name; it is unique, and never parsed. What is as usual at the scale is not said."""
    parts = [] if run.student == usual_student else [run.student]
    parts += [run.natural] if run.natural else []
    parts += [run.stream] + ([f"G{run.generations}"] if run.generations else [])
    parts += ["alone"] if run.alone else []
    own = {"b": run.batch_sequences, "c": run.context}
    parts += [f"T{_short(run.budget_tokens)}"] if run.budget_tokens else [f"D{_short(run.real_tokens)}"]
    parts += [f"{letter}{value}" for letter, value in own.items() if value]
    parts += [] if run.budget_tokens else [f"e{run.real_epochs}"]
    parts += [f"m{run.mixing_ratio:g}"] if run.mixing_ratio else []
    parts += [f"lr{run.lr:g}", f"wd{run.weight_decay:g}"]
    parts += [] if run.cross_document_attention else ["masked"]
    return "-".join([*parts, f"s{run.seed}"])


def _short(tokens: int) -> str:
    for unit, size in (("B", 10**9), ("M", 10**6), ("k", 10**3)):
        if tokens >= size:
            return f"{tokens / size:.4g}{unit}"
    return str(tokens)
