"""Copy what git ships of a scale's results into results/shipped/<scale>, small and always as the same bytes.

python -m workflow_scripts.audit.ship --from results/replication   that scale, and the list of everything shipped
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

COPIED = ("runs.csv", "tuning/candidates.csv", "claims/*", "fits/**/*.json", "tables/*.csv")
COPIED += ("tables/results.md", "tables/hyperparameters.md")  # not examples.md, which is text
COPIED += ("mixtures/*", "mixtures/claims/*", "corpus/split/counts.json", "figures/*.csv", "figures/*.png")
COPIED += ("synpro/claims/*", "synpro/effective_tokens.*", "comparison/*", "comparison/claims/*", "laws/*")
LARGEST_BYTES = 12_000_000
STREAM_COLUMNS = ("stream", "tokens", "rows", "documents", "vocabulary_size", "tokens_sha256", "made_from")


def ship(source: Path, target: Path) -> None:
    """Write the whole folder anew. Raises UserError when results are missing or are too large for git."""
    results, manifests = read_results(*packs(source)), read_manifests(source)
    with atomic_directory(target) as temporary:
        write_results(temporary, rounded(results))
        for path in sorted(path for pattern in COPIED for path in source.glob(pattern) if path.is_file()):
            (temporary / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, temporary / path.relative_to(source))
        for path in sorted(source.glob("tables/synpro/*.csv")):
            (temporary / "synpro").mkdir(exist_ok=True)
            shutil.copyfile(path, temporary / "synpro" / path.name)
        if (methods := source / "tables/methods").exists():
            write_results(temporary / "methods", rounded(read_results(methods)))
            shutil.copyfile(methods / "arms.csv", temporary / "methods/arms.csv")
        if (manifest := source / "synpro/manifest.json").exists():
            shutil.copyfile(manifest, temporary / "synpro_manifest.json")
        write_tables(source, temporary, manifests["inputs"])
        content = json.dumps(manifests, sort_keys=True, separators=(",", ":")).encode()
        (temporary / SHIPPED).write_bytes(gzip.compress(content, mtime=0))
        require_small(temporary)


def packs(source: Path) -> list[Path]:
    """The pack of all students; else those of the studies that there are."""
    everything = source / "tables/everything"
    whole = [folder for folder in (everything, source / "tables/mixtures") if folder.exists()]
    found = whole or sorted((source / "tables/studies").glob("*/"))
    if not found:
        raise UserError(f"{everything}: no such folder; `snakemake {everything}/students.csv` makes it")
    return found


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
    certificates = {path.stem: read_json(path) for path in sorted((source / "tuning/certificates").glob("*.json"))}
    write_json(target / "certificates.json", certificates)
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
        ship(source, folder / source.name)
    write_list(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="source", help="folder of the results of a scale")
    parser.add_argument("--to", default=FOLDER, help="folder of all that is shipped (default: %(default)s)")
    run_command(main, parser)
