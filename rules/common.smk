# What all rules share: the checked config, the run table, and which interpreter a stage runs in.
import os
import sys
from pathlib import Path

sys.path.insert(0, workflow.basedir)

from snakemake.exceptions import WorkflowError

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.lock import hold_workflow_lock
from workflow_scripts.common.packages import PACKAGES
from workflow_scripts.config.load import load_config, with_own_table
from workflow_scripts.config.runs import expand_runs, expand_tuning
from workflow_scripts.corpus.packaged import package_of

HOME = os.path.relpath(workflow.basedir, os.getcwd()) + "/"  # environments stay with the code under --directory
HOME = "" if HOME == "./" else HOME
DATA_RECIPE = 2  # raise it when a change of code changes tokens or text: it re-runs corpus, generation and streams

try:
    settings = with_own_table(load_config(config), workflow.basedir)
    scale = settings.scales[settings.scale]
    RUNS = {run.run_id: run for run in expand_runs(settings)}
    TUNING_RUNS = {run.run_id: run for run in expand_tuning(settings)}
except UserError as error:
    raise WorkflowError(str(error)) from None

RESULTS = f"results/{settings.scale}"  # pathvars are not filled in params
SCALE_CONFIG = settings.model_copy(update={"scales": {settings.scale: scale}}).model_dump_json()
ALL_RUNS = TUNING_RUNS | RUNS
STUDENT = settings.students[scale.training.student]
LLM = settings.llms[scale.generation.llm]
SOURCES = {
    "train": scale.corpus.train,
    "more": scale.corpus.more,
    "validation": scale.corpus.validation,
    "short": scale.corpus.validation_short,
    "long": scale.corpus.validation_long,
    **scale.corpus.out_of_distribution,
}
SOURCES = {name: source for name, source in SOURCES.items() if source}
# Validation sets with documents of their own; where short and long have none, they are halves of `validation`.
VALIDATION_SETS = ["validation", "tuning", *sorted(set(SOURCES) - {"train", "more", "validation"})]
STREAM_FILES = [".tokens.bin", ".rows.parquet", ".json"]


wildcard_constraints:
    run=r"[\w.-]+",  # not the ids themselves: thousands of alternatives are slow to match
    source="|".join(SOURCES),
    package="|".join(PACKAGES),
    set="|".join(VALIDATION_SETS),
    generations=r"\d+",
    job=r"\d+",


def take_workflow_lock():
    """Refuse to run beside another run in this folder (a dry run may)."""
    try:
        hold_workflow_lock(".snakemake/workflow.lock")
    except UserError as error:
        raise WorkflowError(str(error)) from None


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
    return f"set -euo pipefail; export {path}PYTHONPATH={workflow.basedir} PYTHONUNBUFFERED=1; "


shell.prefix(shell_settings())


def code(*stages):
    """Source files of stages, as inputs of cheap rules: editing one re-runs them."""
    return sorted(str(p) for stage in stages for p in Path(workflow.basedir, "workflow_scripts", stage).glob("*.py"))


def stream(prefix):
    """The three files of a token stream."""
    return [prefix + suffix for suffix in STREAM_FILES]
