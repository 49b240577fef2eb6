"""The students of the hyper-parameter search: each tuned row's own, the centre, and those one grid step from it.

As the authors' "convex tuning": a step changes one axis by one place of its grid, and ends at the grid's edge.
"""

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.comparison_rows import comparison_studies
from workflow_scripts.config.models import Config, Rows
from workflow_scripts.config.runs import Hyperparameters, Run, run_of
from workflow_scripts.config.studies import AXES, expand_runs

FRAME = ("batch_sequences", "context", "natural")  # what a centre's neighbours have in common with it, beside its row


def expand_tuning(config: Config) -> list[Run]:
    """All centres, then their neighbours, each student once. Raises UserError as `centres` and `neighbours` do."""
    own, found = centres(config), {}
    for run in [*own, *(run for centre in own for run in neighbours(config, centre))]:
        found.setdefault(run.run_id, run)
    return list(found.values())


def centres(config: Config) -> list[Run]:
    """The student of each tuned row that the run table takes values from, with the first seed.

    Raises UserError when the run table needs a row that the table of tuned values lacks.
    """
    scale = config.scales[config.scale]
    studies = {
        name: study.model_copy(update={"rows": [tuned for rows in study.rows for tuned in _as_tuned(rows)]})
        for name, study in (scale.studies | comparison_studies(scale)).items()
    }
    training = scale.training.model_copy(update={"seeds": scale.training.seeds[:1]})
    plain = scale.model_copy(update={"studies": studies, "training": training, "comparison": None})
    runs = expand_runs(config.model_copy(update={"scales": {config.scale: plain}}))
    return [run.model_copy(update={"studies": ""}) for run in runs]


def neighbours(config: Config, centre: Run) -> list[Run]:
    """Students one grid step down and up from the centre along each searched axis, one axis at a time.

    Raises UserError when a value of the centre is not on its axis.
    """
    found = []
    for axis, values in searched_axes(config, centre).items():
        place = values.index(getattr(centre, axis))
        for value in values[max(place - 1, 0) : place] + values[place + 1 : place + 2]:
            origin = f"neighbour of {centre.run_id}"
            row = row_of(config, centre).model_copy(update={axis: value, "origin": origin})
            found.append(run_of(config, row, **centre.model_dump(include=set(FRAME))))
    return found


def axes_of(config: Config, run: Run) -> dict[str, list[float]]:
    """Grid values of each axis that a student has, ascending; real-only students have no mixing ratio to search."""
    scale = config.scales[config.scale]
    grid = getattr(scale.comparison.tuning if run.natural else scale.tuning, _kind(run))
    return {axis: sorted(set(getattr(grid, axis))) for axis in AXES if (axis, run.stream) != ("mixing_ratio", "real")}


def searched_axes(config: Config, centre: Run) -> dict[str, list[float]]:
    """The axes that have several values. Raises UserError when the centre's value is not among them."""
    searched = {axis: values for axis, values in axes_of(config, centre).items() if len(values) > 1}
    for axis, values in searched.items():
        if getattr(centre, axis) not in values:
            row = f"{centre.student}, {centre.stream}, G {centre.generations}, {centre.real_tokens} real tokens"
            raise UserError(
                f"{config.hyperparameters}: {axis} {getattr(centre, axis):g} in the row for {config.scale}, {row} is "
                f"not on its grid {values}: change it, or add it to scales.{config.scale}.tuning.{_kind(centre)}.{axis}"
            )
    return searched


def row_of(config: Config, run: Run) -> Hyperparameters:
    """A student as a row of the table of tuned values."""
    values = run.model_dump(include=set(Hyperparameters.model_fields))
    return Hyperparameters(scale=config.scale, **values)


def _kind(run: Run) -> str:
    return "real" if run.stream == "real" else "synthetic"


def _as_tuned(rows: Rows) -> list[Rows]:
    """Rows of a study that look up the same tuned rows and give no value; none if nothing is looked up."""
    found = []
    for stream in [] if rows.budget_tokens else rows.stream:
        given = {axis for axis in AXES if getattr(rows, axis) is not None}
        given |= {"mixing_ratio"} if stream == "real" or rows.alone else set()
        if given < set(AXES):
            setting = rows.model_dump(include={"generations", "student", "real_tokens", *FRAME})
            found.append(Rows(stream=[rows.tuned_as or stream], **setting))
    return found
