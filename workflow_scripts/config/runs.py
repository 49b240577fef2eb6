"""The run table: one row per student, expanded from the config before any job is planned."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Literal

from pydantic import PositiveInt, ValidationError, ValidationInfo, field_validator

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import write_text
from workflow_scripts.config.models import Config, Decay, Fraction, Rate, Scale, Stream, Strict


class Hyperparameters(Strict):
    """One row of the table of tuned values: which student it is for, the values, and where they come from."""

    scale: str
    student: str
    stream: Stream | Literal["real"]
    generations: int
    real_tokens: PositiveInt
    real_epochs: PositiveInt
    mixing_ratio: Fraction
    lr: Rate
    weight_decay: Decay
    origin: str

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
    stream: Stream | Literal["real"]
    generations: int
    real_tokens: PositiveInt
    real_epochs: PositiveInt
    mixing_ratio: Fraction
    lr: Rate
    weight_decay: Decay
    student: str
    seed: int
    cross_document_attention: bool
    recipe: int
    origin: str = ""


Setting = tuple[str, int, int]  # stream, generations, real tokens


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


def studied_settings(scale: Scale) -> list[Setting]:
    """Every (stream, G, D) that the figures show: real-only at each D, each stream at each G."""
    corpus, generation = scale.corpus, scale.generation
    real = [("real", 0, tokens) for tokens in sorted(corpus.baseline_tokens)]
    return real + [(s, g, corpus.real_tokens) for s, g in product(generation.streams, sorted(generation.counts))]


def expand_runs(config: Config) -> list[Run]:
    """Rows of the selected scale at the tuned values, for every seed."""
    scale, tuned = config.scales[config.scale], read_hyperparameters(config.hyperparameters)
    rows = [_tuned_row(config, tuned, setting) for setting in studied_settings(scale)]
    runs = [_run(scale, row, seed) for row, seed in product(rows, scale.training.seeds)]
    twice = [name for name, count in Counter(run.run_id for run in runs).items() if count > 1]
    if twice:
        raise UserError(
            f"two students would share the name {twice[0]}: counts, streams, seeds or baseline_tokens of scale "
            f"{config.scale} hold a value twice, or two values that differ in the fifth digit"
        )
    return runs


def expand_tuning(config: Config) -> list[Run]:
    """Rows of the hyper-parameter search: every candidate of every studied setting, first seed."""
    scale = config.scales[config.scale]
    rows = (row for setting in studied_settings(scale) for row in _candidates(config, setting))
    runs = {run.run_id: run for run in (_run(scale, row, scale.training.seeds[0]) for row in rows)}
    return list(runs.values())


def _candidates(config: Config, setting: Setting) -> Iterator[Hyperparameters]:
    scale, (stream, generations, tokens) = config.scales[config.scale], setting
    for grid in scale.tuning.real if stream == "real" else scale.tuning.synthetic:
        mixing = [0.0] if stream == "real" else grid.mixing_ratio
        for epochs, ratio, lr, decay in product(grid.real_epochs, mixing, grid.lr, grid.weight_decay):
            yield Hyperparameters(
                scale=config.scale,
                student=scale.training.student,
                stream=stream,
                generations=generations,
                real_tokens=tokens,
                real_epochs=epochs,
                mixing_ratio=ratio,
                lr=lr,
                weight_decay=decay,
                origin="candidate of the search",
            )


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


def _tuned_row(config: Config, tuned: dict, setting: Setting) -> Hyperparameters:
    student = config.scales[config.scale].training.student
    key = (config.scale, student, *setting)
    if key not in tuned:
        stream, generations, tokens = setting
        raise UserError(
            f"{config.hyperparameters}: no row for scale {config.scale}, student {student}, stream {stream}, "
            f"generations {generations}, real_tokens {tokens}: add one, or search with `snakemake tuning`"
        )
    return tuned[key]


def _run(scale: Scale, row: Hyperparameters, seed: int) -> Run:
    training = scale.training
    values = row.model_dump(exclude={"scale"})
    return Run(
        run_id=_run_id(row, seed),
        seed=seed,
        cross_document_attention=training.cross_document_attention,
        recipe=training.recipe,
        **values,
    )


def _run_id(row: Hyperparameters, seed: int) -> str:
    """Short readable name; it is unique, and never parsed."""
    parts = [row.stream, f"D{_short(row.real_tokens)}", f"e{row.real_epochs}"]
    if row.stream != "real":
        parts[1:1] = [f"G{row.generations}"]
        parts.append(f"m{row.mixing_ratio:g}")
    return "-".join([*parts, f"lr{row.lr:g}", f"wd{row.weight_decay:g}", f"s{seed}"])


def _short(tokens: int) -> str:
    for unit, size in (("B", 10**9), ("M", 10**6), ("k", 10**3)):
        if tokens >= size:
            return f"{tokens / size:.4g}{unit}"
    return str(tokens)
