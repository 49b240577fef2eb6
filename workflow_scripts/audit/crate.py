"""Export a finished scale as a Workflow Run RO-Crate (Provenance Run Crate 0.5): a folder for archives and machines.

snakemake crate
rocrate-validator validate --profile-identifier provenance-run-crate results/laptop/crate   checks it; needs a network

It holds the workflow, its configuration and pins, tables, figures and manifests. Streams, texts and models are named
with their digests, and stay where they are.
"""

import argparse
import json
from importlib.metadata import version
from pathlib import Path

from rocrate.model import Entity
from rocrate.rocrate import ROCrate

from workflow_scripts.audit.crate_actions import add, add_actions, add_property
from workflow_scripts.audit.jobs import Job, jobs_of
from workflow_scripts.audit.manifest import read_manifests
from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_directory, write_text
from workflow_scripts.common.source import ROOT, commit

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
CODE = ("README.md", "LICENSE", "config.yaml", "rules/*.smk", "envs/*.txt", "results/shipped/hyperparameters.csv")
RESULTS = (
    "runs.csv",
    "tables/everything/*",
    "tables/studies/*/*",
    "tables/*.md",
    "tables/*.csv",
    "fits/**/*.json",
    "claims/*",
    "figures/*",
)
LICENCE = "https://spdx.org/licenses/Apache-2.0"


def build(folder: Path, config: dict, target: Path) -> ROCrate:
    """The crate of a folder of results. Raises UserError when no job has left a benchmark there."""
    jobs = jobs_of(folder / "benchmarks")
    if not jobs:
        raise UserError(f"{folder}/benchmarks: no job has run; `snakemake` fills {folder} first")
    crate = ROCrate(version="1.1")
    crate.name = f"megadocs, scale {config['scale']}"
    crate.description = "Data-efficient pre-training with synthetic megadocs (arXiv 2603.18534), run as a workflow"
    crate.datePublished = jobs[-1].ended.date().isoformat()
    crate.license = add(crate, LICENCE, "CreativeWork", name="Apache License 2.0")
    crate.root_dataset["conformsTo"] = [add(crate, uri, "CreativeWork", name=name) for uri, name in PROFILES.items()]
    workflow = add_workflow(crate)
    settings = target / "config.json"
    write_text(settings, json.dumps(config, indent=1))
    used = [crate.add_file(settings, "config.json", properties=about("config.json")), *parameters(crate, config)]
    results = [add_file(crate, path, folder.parent) for pattern in RESULTS for path in sorted(folder.glob(pattern))]
    workflow["input"] = [formal(crate, entity) for entity in used]
    workflow["output"] = [formal(crate, entity) for entity in results]
    run = action(crate, "run", workflow, jobs, used, results)
    add_actions(crate, workflow, run, jobs, read_manifests(folder))
    return crate


def add_workflow(crate: ROCrate) -> Entity:
    """The Snakefile as main entity, with the files that it consists of."""
    properties = about("Snakefile") | {"@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]}
    language = {"lang": "snakemake", "lang_version": version("snakemake")}
    workflow = crate.add_workflow(ROOT / "Snakefile", "Snakefile", main=True, properties=properties, **language)
    workflow["version"] = commit()["commit"] or "unknown"
    for path in (path for pattern in CODE for path in sorted(ROOT.glob(pattern))):
        add_file(crate, path, ROOT)
    return workflow


def action(crate: ROCrate, name: str, instrument: Entity, jobs: list[Job], used: list, made: list) -> Entity:
    """The whole run as one action."""
    began, ended = min(job.began for job in jobs), max(job.ended for job in jobs)
    times = {"startTime": began.isoformat(), "endTime": ended.isoformat()}
    run = add(crate, f"#{name}", "CreateAction", name="All jobs of the scale", **times)
    run["instrument"], run["object"], run["result"] = instrument, used, made
    crate.root_dataset.append_to("mentions", run)
    return run


def parameters(crate: ROCrate, config: dict) -> list[Entity]:
    """What a reader asks first, as values; the whole configuration is a file."""
    scale = config["scales"][config["scale"]]
    values = {
        "scale": config["scale"],
        "real_tokens": scale["corpus"]["real_tokens"],
        "generations": max(scale["generation"]["counts"]),
        "llm": config["llms"][scale["generation"]["llm"]]["model"],
        "student": scale["training"]["student"],
        "seeds": len(scale["training"]["seeds"]),
    }
    return [add_property(crate, f"#parameter-{name}", name, value) for name, value in values.items()]


def formal(crate: ROCrate, entity: Entity) -> Entity:
    """The slot of the workflow that a file or a value fills."""
    kind = "Text" if entity.type == "PropertyValue" else "File"
    name = entity.id.removeprefix("#parameter-")
    found = add(crate, f"#formal-{name}", "FormalParameter", name=name, additionalType=kind)
    found["workExample"] = entity
    entity["exampleOfWork"] = found
    return found


def add_file(crate: ROCrate, path: Path, below: Path) -> Entity:
    """A file that is copied into the crate, with its size."""
    place = path.relative_to(below).as_posix()
    return crate.add_file(path, place, properties=about(place), record_size=True)


def about(place: str) -> dict:
    """Name and media type of a file."""
    kinds = {
        ".csv": "text/csv",
        ".md": "text/markdown",
        ".svg": "image/svg+xml",
        ".json": "application/json",
        ".png": "image/png",
        ".pdf": "application/pdf",
    }
    kind = kinds.get(Path(place).suffix)
    return {"name": place} | ({"encodingFormat": kind} if kind else {})


def main(arguments: argparse.Namespace) -> None:
    """Write the crate's folder."""
    with atomic_directory(arguments.output) as temporary:
        crate = build(Path(arguments.folder), json.loads(arguments.config), temporary)
        crate.write(temporary)
    print(f"{arguments.output}: {len(list(crate.get_entities()))} entities")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", required=True, help="folder of the scale's results")
    parser.add_argument("--config", required=True, help="JSON of the config")
    parser.add_argument("--output", required=True, help="folder of the crate")
    run_command(main, parser)
