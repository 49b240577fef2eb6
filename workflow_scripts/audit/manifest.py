"""A manifest per student: its row, code, packages, machine, attempts, inputs with digests, outputs and final metrics.

`<folder>/manifests/<run>.json`, and `inputs.json` beside them, which its inputs are named in: streams -> shards ->
documents and prompts. Whatever a folder of results has is covered, a running one's too.
"""

import argparse
import csv
import gzip
import json
from collections.abc import Iterable
from pathlib import Path

from workflow_scripts.audit.inputs import inputs_of
from workflow_scripts.audit.run_manifest import run_manifest
from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_directory, read_json, write_json
from workflow_scripts.common.source import made_by
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Config
from workflow_scripts.config.runs import Run
from workflow_scripts.config.studies import EVERYTHING, METHODS, MIXTURES
from workflow_scripts.evaluation.collect import students_of

TRAINER = "workflow_scripts.training.train"
SHIPPED = "manifests.json.gz"  # all of a folder in one file


def gather(folder: Path, runs: Iterable[Run]) -> dict:
    """Inputs of a folder of results, and a manifest for each of the students that it has."""
    done = [run for run in runs if (folder / "runs" / run.run_id / "metrics.json").exists()]
    now = made_by(TRAINER)
    return {"inputs": inputs_of(folder), "runs": {run.run_id: run_manifest(folder, run, now) for run in done}}


def read_manifests(folder: Path) -> dict:
    """What `gather` gives: from one shipped file, from the rule's files, else gathered now.

    Raises UserError naming what is missing.
    """
    if (folder / SHIPPED).exists():
        return json.loads(gzip.decompress((folder / SHIPPED).read_bytes()))
    if (folder / "manifests/inputs.json").exists():
        paths = sorted((folder / "manifests").glob("*.json"))
        runs = {path.stem: read_json(path) for path in paths if path.stem != "inputs"}
        return {"inputs": read_json(folder / "manifests/inputs.json"), "runs": runs}
    if not (folder / "runs.csv").exists():
        raise UserError(f"{folder}: neither {SHIPPED} nor manifests/ nor runs.csv is there: it holds no students")
    return gather(folder, runs_in(folder))


def runs_in(folder: Path) -> list[Run]:
    """The run table, and students of the search that are in packs of whole papers."""
    found = {}
    for path in (*sorted((folder / "tables").glob("*/students.csv")), folder / "runs.csv"):
        with open(path, newline="", encoding="utf-8") as handle:
            rows = [{key: row[key] for key in Run.model_fields if key in row} for row in csv.DictReader(handle)]
        found |= {row["run_id"]: Run.model_validate(row) for row in rows}
    return list(found.values())


def main(arguments: argparse.Namespace) -> None:
    """Write all manifests of a folder."""
    config, folder = parse_settings(Config, arguments.config), Path(arguments.folder)
    found = gather(folder, [run for pack in (EVERYTHING, MIXTURES, METHODS) for run in students_of(config, pack)])
    scale = config.scales[config.scale]
    settings = {"training": scale.training.model_dump(mode="json"), "config": config.scale}
    with atomic_directory(arguments.output) as temporary:
        write_json(temporary / "inputs.json", found["inputs"])
        for name, manifest in found["runs"].items():
            shape = config.students[manifest["run"]["student"]].model_dump(mode="json")
            write_json(temporary / f"{name}.json", manifest | {"settings": settings | {"student": shape}})
    print(f"{arguments.output}: {len(found['runs'])} students")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="JSON of the whole config")
    parser.add_argument("--folder", required=True, help="folder of the scale's results")
    parser.add_argument("--output", required=True, help="folder of the manifests")
    run_command(main, parser)
