"""The run table: every student of a scale, expanded from the config before any job is planned.

Two studies come from the scale itself: `data_efficiency`, each stream at each G and real-only students at each D for
the baseline law, and `generation_scaling`, the part of them at the scale's own D. Others are listed in the config. A
student that several studies need is one row.
"""

from collections.abc import Iterable, Iterator
from itertools import product

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.comparison_rows import COMPARISON, comparison_studies
from workflow_scripts.config.comparison_rows import STUDIES as COMPARISON_STUDIES
from workflow_scripts.config.mixture_runs import mixture_students
from workflow_scripts.config.models import Config, Rows, Scale, Study, Training
from workflow_scripts.config.runs import Hyperparameters, Run, read_hyperparameters, run_of

MAIN = "data_efficiency"  # the study whose students the drawn figures are made of
# Packs of all students of the megadocs study, of mixtures, of the comparison of all methods.
EVERYTHING, MIXTURES, METHODS = "everything", "mixtures", "methods"
AXES = ("real_epochs", "mixing_ratio", "lr", "weight_decay")
Tuned = dict[tuple, Hyperparameters]


def expand_runs(config: Config) -> list[Run]:
    """Every student of the selected scale, each once, with the studies that need it."""
    tuned, found = read_hyperparameters(config.hyperparameters), {}
    for name, study in studies_of(config.scales[config.scale]).items():
        for run in (run for rows in study.rows for run in _students(config, tuned, rows)):
            _add(found, run, name)
    return [run.model_copy(update={"studies": " ".join(names)}) for run, names in found.values()]


def studies_of(scale: Scale) -> dict[str, Study]:
    """All studies of a scale by name: the two that it always has, those of the config, those of its comparison."""
    corpus, generation = scale.corpus, scale.generation
    real, law = Rows(stream=["real"]), Rows(stream=["real"], real_tokens=sorted(corpus.baseline_tokens))
    synthetic = Rows(stream=generation.streams, generations=sorted(generation.counts))
    always = {
        MAIN: Study(title="baseline law and data efficiency", rows=[law, synthetic]),
        "generation_scaling": Study(title="loss against generations per document", rows=[real, synthetic]),
    }
    return always | scale.studies | comparison_studies(scale)


def mixture_studies(scale: Scale) -> list[str]:
    """Studies of mixtures: those whose students have budgets of tokens (arXiv 2510.01631)."""
    return [name for name, study in scale.studies.items() if any(rows.budget_tokens for rows in study.rows)]


def needed_by(runs: Iterable[Run], study: str) -> list[Run]:
    """Students of a study."""
    return [run for run in runs if study in run.studies.split()]


def replicated_runs(runs: Iterable[Run], scale: Scale, study: str) -> list[Run]:
    """Students of several seeds that tell how far seeds scatter in a study: those of its own kind of studies."""
    own = [run for run in runs if seed_studies(scale, study) & set(run.studies.split())]
    groups = [run.group for run in own]
    return [run for run in own if groups.count(run.group) > 1]


def seed_studies(scale: Scale, study: str) -> set[str]:
    """Studies that say how far seeds scatter in a study: mixtures and the comparison have students of their own."""
    mixtures = {MIXTURES, *mixture_studies(scale)}
    crowds = (mixtures, {METHODS, *COMPARISON_STUDIES})
    return next((crowd for crowd in crowds if study in crowd), set(scale.analysis.seed_studies))


def downstream_runs(runs: Iterable[Run], scale: Scale) -> list[Run]:
    """Students of the first seed that answer the downstream questions: of the generation counts and the comparison."""
    runs, own = list(runs), scale.comparison
    found = [run for run in needed_by(runs, "generation_scaling") if run.seed == scale.training.seeds[0]]
    if own is None or not own.downstream:
        return found
    controls = (own.organic_tokens, own.oracle_tokens)
    arms = [run for run in needed_by(runs, COMPARISON) if run.seed == own.seeds[0] and run.real_tokens in controls]
    return found + arms


def ensembles_of(runs: Iterable[Run], scale: Scale) -> dict[str, list[Run]]:
    """Ensembles by name: students of a study with ensembles that differ in their seed alone, in seed order."""
    wanted = {name for name, study in studies_of(scale).items() if study.ensembles}
    groups: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.seed):
        if wanted & set(run.studies.split()):
            groups.setdefault(run.group, []).append(run)
    return {name: members for name, members in groups.items() if len(members) > 1}


def teacher_of(runs: Iterable[Run], scale: Scale) -> Run:
    """The real-only student whose own text the stream `self_distilled` is made of: tuned, at the scale's D."""
    tuned = (run for run in runs if run.stream == "real" and not run.budget_tokens)
    return next(run for run in tuned if run.real_tokens == scale.corpus.real_tokens)


def _students(config: Config, tuned: Tuned, rows: Rows) -> Iterator[Run]:
    scale = config.scales[config.scale]
    training = scale.training
    if rows.budget_tokens:
        yield from mixture_students(rows, training)
        return
    tokens = rows.real_tokens or [scale.corpus.real_tokens]
    attention, seeds = (
        rows.cross_document_attention or [training.cross_document_attention],
        rows.seeds or training.seeds,
    )
    frame = {"alone": rows.alone, "natural": rows.natural or "", **_own_shape(rows, training)}
    for setting in product(rows.student or [training.student], rows.stream, rows.generations, tokens):
        for values, crosses, seed in product(_values(config, tuned, rows, setting), attention, seeds):
            yield run_of(config, values, seed=seed, cross_document_attention=crosses, **frame)


def _own_shape(rows: Rows, training: Training) -> dict[str, int]:
    """Batch and context where they are not the scale's."""
    given = {name: getattr(rows, name) for name in ("batch_sequences", "context")}
    return {name: value for name, value in given.items() if value and value != getattr(training, name)}


def _values(config: Config, tuned: Tuned, rows: Rows, setting: tuple[str, str, int, int]) -> Iterator[Hyperparameters]:
    """Hyper-parameters of a (student, stream, G, D): those that the rows give, the others as tuned."""
    student, stream, generations, tokens = setting
    given = {axis: getattr(rows, axis) for axis in AXES if getattr(rows, axis) is not None}
    if stream == "real" or rows.alone:
        given["mixing_ratio"] = [0.0]
    origin = "given in the study"
    if set(given) < set(AXES):
        row = _tuned_row(config, tuned, (student, rows.tuned_as or stream, generations, tokens))
        given = {axis: [getattr(row, axis)] for axis in AXES} | given
        origin = f"tuned for {rows.tuned_as}: {row.origin}" if rows.tuned_as else row.origin
    where = {"scale": config.scale, "student": student, "stream": stream, "generations": generations}
    for chosen in product(*(given[axis] for axis in AXES)):
        values = dict(zip(AXES, chosen, strict=True))
        yield Hyperparameters(**where, **values, real_tokens=tokens, origin=origin)


def _tuned_row(config: Config, tuned: Tuned, setting: tuple[str, str, int, int]) -> Hyperparameters:
    student, stream, generations, tokens = setting
    if (config.scale, *setting) not in tuned:
        raise UserError(
            f"{config.hyperparameters}: no row for scale {config.scale}, student {student}, stream {stream}, "
            f"generations {generations}, real_tokens {tokens}: add one, a guess that `snakemake tuning` then tests"
        )
    return tuned[(config.scale, *setting)]


def _add(found: dict[str, tuple[Run, list[str]]], run: Run, study: str) -> None:
    """Put a student into the table, or note that one more study needs it."""
    known, names = found.setdefault(run.run_id, (run, []))
    if known.model_copy(update={"origin": run.origin}) != run:
        raise UserError(f"two students would share the name {run.run_id}: their values differ in the fifth digit only")
    if study not in names:
        names.append(study)
