"""Copy what git ships of a scale's results into results/shipped/<scale>, small and always as the same bytes.

python -m workflow_scripts.audit.ship --from results/replication   that scale, and the list of everything shipped
python -m workflow_scripts.audit.ship --from results/laptop --add  what was made of it, beside what is shipped of it
python -m workflow_scripts.audit.ship                              the list alone, after a change by hand

Losses per document are rounded to single precision: 7 digits, and half the bytes. Texts are not shipped.
"""

import argparse
import csv
import gzip
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

from workflow_scripts.audit.manifest import SHIPPED, read_manifests
from workflow_scripts.audit.shipped import FOLDER, write_list
from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_directory, read_json, write_json, write_text
from workflow_scripts.evaluation.results import Results, read_results, write_results
from workflow_scripts.evaluation.tables import FILES

COPIED = ("runs.csv", "tuning/candidates.csv", "claims/*", "fits/**/*.json", "tables/*.csv")
COPIED += ("tables/results.md", "tables/hyperparameters.md")  # not examples.md, which is text
COPIED += ("mixtures/*", "mixtures/claims/*", "corpus/split/counts.json", "figures/*.csv", "figures/*.png")
COPIED += ("synpro/claims/*", "synpro/effective_tokens.*", "laws/*")
COPIED += ("comparison/*.csv", "comparison/*.json", "comparison/claims/*")  # not its documents, which are text
METHODS_FOLDER = "tables/methods"
LARGEST_BYTES = 12_000_000
STREAM_COLUMNS = ("stream", "tokens", "rows", "documents", "vocabulary_size", "tokens_sha256", "made_from")


def ship(source: Path, target: Path, add: bool = False) -> None:
    """Write the whole folder anew, or add to it what the results have.

    Raises UserError when results are missing, are too large for git, or are of other streams than those to add to.
    """
    results, manifests = shipped_results(source), read_manifests(source)
    with atomic_directory(target) as temporary:
        if add and target.exists():
            shutil.copytree(target, temporary, dirs_exist_ok=True)
            manifests = joined(read_manifests(target), manifests, target)
        if len(results.students) or not (temporary / FILES["students"]).exists():
            write_results(temporary, rounded(results))
        for path in sorted(path for pattern in COPIED for path in source.glob(pattern) if path.is_file()):
            (temporary / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, temporary / path.relative_to(source))
        for path in sorted(source.glob("tables/synpro/*.csv")):
            (temporary / "synpro").mkdir(exist_ok=True)
            shutil.copyfile(path, temporary / "synpro" / path.name)
        if (methods := source / METHODS_FOLDER).exists():
            write_results(temporary / "methods", rounded(read_results(methods)))
            shutil.copyfile(methods / "arms.csv", temporary / "methods/arms.csv")
        if (manifest := source / "synpro/manifest.json").exists():
            shutil.copyfile(manifest, temporary / "synpro_manifest.json")
        write_tables(source, temporary, manifests["inputs"])
        content = json.dumps(manifests, sort_keys=True, separators=(",", ":")).encode()
        (temporary / SHIPPED).write_bytes(gzip.compress(content, mtime=0))
        require_small(temporary)


def shipped_results(source: Path) -> Results:
    """Students of all papers; of the studies that there are, where not all are; none beside the comparison alone."""
    everything = source / "tables/everything"
    whole = [folder for folder in (everything, source / "tables/mixtures") if folder.exists()]
    if found := whole or sorted((source / "tables/studies").glob("*/")):
        return read_results(*found)
    if (methods := source / METHODS_FOLDER).exists():
        return read_results(methods).of_students([])
    raise UserError(f"{everything}: no such folder; `snakemake {everything}/students.csv` makes it")


def joined(shipped: dict, added: dict, target: Path) -> dict:
    """Manifests of both. Raises UserError for a stream of both whose tokens differ: its students don't compare."""
    streams, more = shipped["inputs"]["streams"], added["inputs"]["streams"]
    for name in streams.keys() & more.keys():
        if streams[name]["tokens_sha256"] != more[name]["tokens_sha256"]:
            raise UserError(f"{target}: its stream {name} has other tokens than the one to add: ship it without --add")
    inputs = {key: shipped["inputs"][key] | added["inputs"].get(key, {}) for key in shipped["inputs"]}
    return {"inputs": added["inputs"] | inputs, "runs": shipped["runs"] | added["runs"]}


def rounded(results: Results) -> Results:
    """The same with sums in single precision."""
    tables = {"losses": results.losses, "ensembles": results.ensembles}
    return replace(results, **{name: table.astype({"loss_sum_nats": "float32"}) for name, table in tables.items()})


def write_tables(source: Path, target: Path, inputs: dict) -> None:
    """Streams, certificates, prompts' digests, and counts of the generations without their texts."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(STREAM_COLUMNS)
    for name, facts in sorted(inputs["streams"].items()):
        row = facts | {"stream": name, "made_from": "; ".join(facts["made_from"])}
        writer.writerow([row[column] for column in STREAM_COLUMNS])
    write_text(target / "streams.csv", table.getvalue())
    known = read_json(target / "certificates.json") if (target / "certificates.json").exists() else {}
    found = {path.stem: read_json(path) for path in sorted((source / "tuning/certificates").glob("*.json"))}
    write_json(target / "certificates.json", known | found)
    shards = inputs["shards"].values()
    prompts = {facts["prompt_version"]: facts["prompt_sha256"] for facts in shards if "prompt_version" in facts}
    write_json(target / "prompts.json", dict(sorted(prompts.items())))
    if (quality := source / "generations/quality.json").exists():
        write_json(target / "generations/quality.json", without_texts(read_json(quality)))
    if (card := source / "generations/card.json").exists():
        methods = read_json(card).items()
        counts = {name: {k: v for k, v in facts.items() if k != "examples"} for name, facts in methods}
        write_json(target / "generations/card.json", counts)


def without_texts(report: dict) -> dict:
    """Measures of the generations without their samples."""
    return {name: content for name, content in report.items() if name != "samples"}


def require_small(folder: Path) -> None:
    """Raise UserError when the folder is too large for git."""
    sizes = sorted(((path.stat().st_size, path.name) for path in folder.rglob("*") if path.is_file()), reverse=True)
    total = sum(size for size, _ in sizes)
    print(f"{total:,} bytes in {len(sizes)} files; the largest: {sizes[0][1]} with {sizes[0][0]:,}")
    if total > LARGEST_BYTES:
        raise UserError(f"{total:,} bytes are too many for git ({LARGEST_BYTES:,}); the largest file is {sizes[0][1]}")


def main(arguments: argparse.Namespace) -> None:
    """Ship a scale if one is named; always renew the list."""
    folder = Path(arguments.to)
    if arguments.source:
        source = Path(arguments.source)
        ship(source, folder / source.name, arguments.add)
    write_list(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="source", help="folder of the results of a scale")
    parser.add_argument("--add", action="store_true", help="beside what is shipped of the scale, which stays")
    parser.add_argument("--to", default=FOLDER, help="folder of all that is shipped (default: %(default)s)")
    run_command(main, parser)
