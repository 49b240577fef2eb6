# What all rules share: the checked config, the run table, and which interpreter a stage runs in.
import os
import sys
from pathlib import Path

sys.path.insert(0, workflow.basedir)

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.packages import PACKAGES
from workflow_scripts.common.seeds import named_hash
from workflow_scripts.config.comparison_rows import comparison_studies
from workflow_scripts.config.load import load_config, with_own_table, without_machines
from workflow_scripts.config.repositories import repositories_of, sources_of
from workflow_scripts.config.site import read_site
from workflow_scripts.config.studies import (
    MAIN,
    downstream_runs,
    ensembles_of,
    expand_runs,
    mixture_studies,
    needed_by,
    replicated_runs,
    studies_of,
    teacher_of,
)
from workflow_scripts.corpus.packaged import package_of
from workflow_scripts.evaluation.shipped import not_shipped, pack_of, shipped_runs, why_not
from workflow_scripts.evaluation.tables import FILES
from workflow_scripts.figures.catalogue import COMPARISON as COMPARISON_PAPER
from workflow_scripts.figures.catalogue import FIGURES, THEORY, drawable, lacking
from workflow_scripts.figures.catalogue import MIXTURES as MIXTURE_PAPER
from workflow_scripts.figures.catalogue import SYNPRO as SYNPRO_PAPER
from workflow_scripts.megadocs.published import require_released
from workflow_scripts.planning.start import before_any_job
from workflow_scripts.tuning.neighbourhood import centres, expand_tuning

HOME = os.path.relpath(workflow.basedir, os.getcwd()) + "/"  # environments stay with the code under --directory
HOME = "" if HOME == "./" else HOME
DATA_RECIPE = 2  # raise it when a change of code changes tokens or text: it re-runs corpus, generation and streams

try:
    settings = with_own_table(load_config(config), workflow.basedir)
    scale = settings.scales[settings.scale]
    SITE = read_site(settings.site) if os.path.exists(settings.site) else None
    RUNS = {run.run_id: run for run in expand_runs(settings)}
    require_released(settings, RUNS.values())
    drawable(settings.scale, scale)
    drawable(settings.scale, scale, [MIXTURE_PAPER, SYNPRO_PAPER, COMPARISON_PAPER])
    SOURCE = settings.runs.source  # rerun, shipped or planted
    PACK = pack_of(settings.scale, workflow.basedir)
    GIVEN = shipped_runs(PACK, RUNS.values()) if SOURCE == "shipped" else None  # names of shipped students
    ABSENT = not_shipped(PACK, RUNS.values()) if SOURCE == "shipped" else set()  # studies without all of theirs
except UserError as error:
    raise WorkflowError(str(error)) from None
try:
    CENTRES = {run.run_id: run for run in centres(settings)}
    TUNING_RUNS = {run.run_id: run for run in expand_tuning(settings)}
    OFF_GRID = None
except UserError as error:  # a tuned value of one's own that no grid has: it stops the search alone
    CENTRES, TUNING_RUNS, OFF_GRID = {}, {}, str(error)

RESULTS = settings.results  # pathvars are not filled in params
WHOLE_CONFIG = settings.model_copy(update={"scales": {settings.scale: scale}}).model_dump_json()
SCALE_CONFIG = without_machines(settings).model_dump_json()  # a param of rules: machines re-run nothing
ALL_RUNS = {name: run for name, run in (TUNING_RUNS | RUNS).items() if GIVEN is None or name in GIVEN}
OURS = scale.generation.source == "ours"  # else the authors' released streams, by name
RELEASED = {} if OURS else {run.stream_name: run for run in ALL_RUNS.values() if run.stream_name and not run.natural}
ENSEMBLES = ensembles_of(RUNS.values(), scale)
MIXTURES = scale.mixtures
KINDS = {name: settings.kinds[name] for name in MIXTURES.kinds} if MIXTURES else {}
MIXTURE_RUNS = {name: run for name, run in RUNS.items() if run.budget_tokens}  # students of arXiv 2510.01631
ARM_RUNS = {name: run for name, run in ALL_RUNS.items() if run.natural}  # students of the comparison of all methods
OWN_TARGETS = {*mixture_studies(scale), *comparison_studies(scale)}  # studies that are no part of the megadocs study
MIXTURE_STUDIES = [study for study in mixture_studies(scale) if study not in ABSENT]
STUDIES = [study for study in studies_of(scale) if study not in OWN_TARGETS | ABSENT]
NATURAL = "natural" if MIXTURES and MIXTURES.natural else "train"  # documents that mixtures and kinds are made of
NATURAL_STREAM = "natural" if NATURAL == "natural" else "real"
# Checkpoints and journals: beside the results, or on the site's scratch disk, in a folder of this working copy's own.
OWN_SCRATCH = f"{SITE.scratch}/megadocs-{named_hash(os.getcwd()):016x}" if SITE and SITE.scratch else "results"
SCRATCH = f"{OWN_SCRATCH}/{settings.scale}"
CHECKPOINTS = f"{SCRATCH}/checkpoints"
NOTHING = "(?!)"  # a regular expression that nothing matches
LLM = settings.llms[scale.generation.llm]
SOURCES = sources_of(scale)
HUB = {name: place for name, place in repositories_of(settings).items() if not place.startswith("stream:")}
# Validation sets with documents of their own; where short and long have none, they are halves of `validation`.
VALIDATION_SETS = ["validation", "tuning", *sorted(set(SOURCES) - {"train", "more", "validation", "natural"})]
DOMAINS = [name for name in VALIDATION_SETS if name not in ("tuning", "short", "long")]
DOWNSTREAM_RUNS = {run.run_id for run in downstream_runs(RUNS.values(), scale)}
STREAM_FILES = [".tokens.bin", ".rows.parquet", ".json"]


wildcard_constraints:
    chain="replace|accumulate",
    number=r"\d+",
    run=r"[\w.-]+",  # not the ids themselves: thousands of alternatives are slow to match
    source="|".join(SOURCES),
    package="|".join(PACKAGES),
    set="|".join(VALIDATION_SETS),
    kind="|".join(KINDS) or NOTHING,
    generations=r"\d+",
    job=r"\d+",


def start_work():
    """What is checked before the first job; looking at plan or status is no work."""
    try:
        before_any_job(workflow, settings, SITE, RESULTS, CHECKPOINTS)
    except UserError as error:
        raise WorkflowError(str(error)) from None
    if MAIN in ABSENT and set(workflow.dag_settings.targets) <= {"all", "figures"}:
        logger.info(f"{why_not(MAIN, PACK)}; what needs them is left out")


def require_shipped(study):
    """Raise WorkflowError for a study whose students are wanted and not shipped."""
    if study in ABSENT:
        raise WorkflowError(why_not(study, PACK))


def python(stage):
    """Interpreter of a stage: the activated one with --sdm conda, else that of its pinned environment."""
    if uses_conda():
        return "python"
    return os.path.abspath(f"{HOME}.venv-{stage}/bin/python")


def environment_of(stage):
    """Marker file of a stage's pinned environment, which a rule builds when it is first needed."""
    return [] if uses_conda() else ancient(f"{HOME}.venv-{stage}/ready-{settings.accelerator}")


def uses_conda():
    """Whether Snakemake deploys the environments itself (--sdm conda)."""
    return bool(workflow.deployment_settings.deployment_method)


def shell_settings():
    """Our modules and, unless conda activates one, the workflow's own environment; a failing pipe fails the job."""
    path = "" if uses_conda() else f"PATH={os.path.dirname(sys.executable)}:$PATH "
    cluster = SITE.shell_settings() if SITE else ""
    return f"set -euo pipefail; {cluster}export {path}PYTHONPATH={workflow.basedir} PYTHONUNBUFFERED=1; "


shell.prefix(shell_settings())


def code(*stages):
    """Source files of stages, as inputs of cheap rules: editing one re-runs them."""
    return sorted(str(p) for stage in stages for p in Path(workflow.basedir, "workflow_scripts", stage).glob("*.py"))


def stream(prefix):
    """The three files of a token stream."""
    return [prefix + suffix for suffix in STREAM_FILES]


def pack(folder):
    """The tables of what was measured, in one folder."""
    return [f"{folder}/{name}" for name in FILES.values()]
