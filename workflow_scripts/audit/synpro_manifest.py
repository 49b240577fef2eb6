"""One manifest of SynPro at a scale: what every student, set and generator was made of, with digests (2605.17849).

Pretrainings name the code that trained them, as their attempts noted it; the rest names this moment's.
"""

import argparse
from pathlib import Path

from workflow_scripts.audit.inputs import shard_facts
from workflow_scripts.audit.run_manifest import file_facts, told
from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import read_json, write_json
from workflow_scripts.common.source import made_by
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.synpro import ORGANIC, UNIQUE, SynPro
from workflow_scripts.training.attempts import read_attempts

STUDENT_FILES = ("evaluations.csv", "parts.csv", "plateau.json", "plateau.safetensors", "metrics.json")
GENERATOR_FILES = ("rewards.csv", "metrics.json", "model/model.safetensors")


def stream_of(folder: Path, name: str) -> dict:
    """What a stream's metadata say of it."""
    return read_json(folder / f"streams/{name}.json")


def student_manifest(folder: Path, synpro: SynPro, name: str, seed: int) -> dict:
    """A pretraining of one seed: code, attempts, streams, the state that it continued, what it left."""
    own, home = synpro.pretrainings[name], folder / f"synpro/pretrainings/{name}-s{seed}"
    attempts = read_attempts(folder / f"attempts/synpro-{name}-s{seed}.jsonl")
    noted = [attempt["made_by"] for attempt in attempts if attempt.get("made_by")]
    start = home.parent / f"{own.start}-s{seed}/plateau.safetensors"
    streams = [UNIQUE if own.unique else ORGANIC, *own.sets, "reference_held_out", "validation/validation"]
    return {
        "settings": own.model_dump(),
        "made_by": noted[-1] if noted else None,
        "attempts": [told(attempt) for attempt in attempts],
        "inputs": {stream: stream_of(folder, stream)["tokens_sha256"] for stream in streams},
        "continues": {"pretraining": own.start, "seed": seed, **file_facts(start)} if own.start else None,
        "outputs": {file: file_facts(home / file) for file in STUDENT_FILES},
        "metrics": read_json(home / "metrics.json"),
    }


def generator_manifest(folder: Path, synpro: SynPro, name: str) -> dict:
    """A generator's training: its rewards, the students that judged, what it left."""
    own, home = synpro.sets[name], folder / f"synpro/generators/{name}"
    return {
        "settings": synpro.reinforcement_of(name).model_dump(),
        "slices": file_facts(folder / "synpro/slices.parquet"),
        "students": judges_of(folder, own.student, synpro.seeds[0]) if own.student else None,
        "outputs": {file: file_facts(home / file) for file in GENERATOR_FILES},
        "metrics": read_json(home / "metrics.json"),
    }


def judges_of(folder: Path, student: str, seed: int) -> dict:
    """The student that judged influence, before and after its probe."""
    places = {"before": f"pretrainings/{student}-s{seed}/plateau_model", "after": f"probes/{student}-s{seed}/model"}
    states = {what: file_facts(folder / f"synpro/{place}/model.safetensors") for what, place in places.items()}
    return {"pretraining": student, "seed": seed, **states}


def set_manifest(folder: Path, synpro: SynPro, name: str) -> dict:
    """A set: who wrote it, its shards without the ids of their documents, its stream."""
    own = synpro.sets[name]
    shards = {path.stem: shard_facts(path) for path in sorted((folder / "generations").glob(f"{name}-*.parquet"))}
    for facts in shards.values():
        facts.pop("ids")
    return {"settings": own.model_dump(), "shards": shards, "stream": stream_of(folder, name)}


def gather(folder: Path, synpro: SynPro) -> dict:
    """The whole manifest."""
    sets = synpro.used_sets()
    return {
        "made_by": made_by("workflow_scripts.evaluation.collect_synpro"),
        "settings": synpro.model_dump(exclude={"sets", "pretrainings"}),
        "streams": {name: stream_of(folder, name) for name in (ORGANIC, UNIQUE, "reference", "reference_held_out")},
        "pretrainings": {
            f"{name}-s{seed}": student_manifest(folder, synpro, name, seed)
            for name in synpro.pretrainings
            for seed in synpro.seeds
        },
        "generators": {name: generator_manifest(folder, synpro, name) for name, own in sets.items() if own.rewards},
        "sets": {name: set_manifest(folder, synpro, name) for name in sets},
    }


def main(arguments: argparse.Namespace) -> None:
    """Write the manifest."""
    found = gather(Path(arguments.folder), parse_settings(SynPro, arguments.synpro))
    write_json(arguments.output, found)
    print(f"{arguments.output}: {len(found['pretrainings'])} students, {len(found['sets'])} sets")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--synpro", required=True, help="JSON of a `synpro` section")
    parser.add_argument("--folder", required=True, help="folder of the scale's results")
    parser.add_argument("--output", required=True, help="the manifest (JSON)")
    run_command(main, parser)
