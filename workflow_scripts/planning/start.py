"""What is checked before the first job of a call runs or is submitted; each check ends the call with one sentence.

Called by the Snakefile's `onstart`, so neither by a dry run nor inside a job.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from workflow_scripts.audit.repair import require_repaired
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.lock import hold_workflow_lock
from workflow_scripts.config.models import Config
from workflow_scripts.config.repositories import repositories_of
from workflow_scripts.config.site import Site
from workflow_scripts.figures.catalogue import FIGURES
from workflow_scripts.planning.budget import check_budget
from workflow_scripts.planning.cluster import check_site
from workflow_scripts.planning.earlier import end_earlier_jobs
from workflow_scripts.planning.fits import check_fits

LOOKS = {"plan", "status", "claims", "trace", "verify"}  # targets that change nothing: they may run beside another call


def before_any_job(workflow, config: Config, site: Site | None, results: str, checkpoints: str) -> None:
    """Lock, cluster, hub and budget. Raises UserError; nothing is submitted then."""
    targets = set(workflow.dag_settings.targets)
    targets -= set(FIGURES) if "trace" in targets else set()  # `trace FIGURE` draws none
    if targets and targets <= LOOKS:
        return
    hold_workflow_lock(".snakemake/workflow.lock")
    require_repaired(results)
    jobs: dict[str, list[dict]] = {}
    for job in workflow.dag.needrun_jobs():
        jobs.setdefault(job.rule.name, []).append(job.wildcards_dict)
    work = {
        "train": [job["run"] for job in jobs.get("train_student", [])],
        "generate": len(jobs.get("generate_texts", [])),
        "sample": len(jobs.get("sample_student", [])),
        "kinds": [job["kind"] for job in jobs.get("generate_kind", [])],
        "rounds": [f"{job['chain']}_r{job['number']}" for job in jobs.get("sample_round", [])],
    }
    if workflow.executor_plugin.name == "slurm":
        _check_cluster(site, config.site)
        check_fits(config, site, **work)
    fetched = [job["repository"] for job in jobs.get("fetch_from_hub", [])]
    read = [f"source-{job['source']}" for job in jobs.get("read_documents", [])]
    places = repositories_of(config)
    _check_hub(sorted({places[name] for name in fetched + read if name in places}), site)
    check_budget(config, results, checkpoints, **work)
    if workflow.executor_plugin.name == "slurm":
        end_earlier_jobs(os.getcwd())


def _check_cluster(site: Site | None, path: str) -> None:
    if site is None:
        example = Path(path).with_name("site.example.yaml")
        raise UserError(f"{path}: no such file; copy {example} there and fill in the facts of your cluster")
    if not shutil.which("sbatch"):
        raise UserError("no `sbatch` on this machine: `--profile slurm` needs a login node of a SLURM cluster")
    check_site(site)


def _check_hub(repositories: list[str], site: Site | None) -> None:
    """Whether this user may read what has to be fetched: a gated model shows now and not after days in a queue."""
    if not repositories:
        return
    command = [sys.executable, "-m", "workflow_scripts.common.hub", "check", "--repos", *repositories]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])} | (site.environment() if site else {})
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    if result.returncode:
        raise UserError(result.stderr.strip().removeprefix("error: "))
