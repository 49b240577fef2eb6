"""Read everything shipped again and compare digests, bytes and rows with the list; exit status 1 where one differs.

snakemake verify
python -m workflow_scripts.audit.verify --folder results/laptop   one's own results against their manifests
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from workflow_scripts.audit.manifest import read_manifests
from workflow_scripts.audit.shipped import FOLDER, LIST, Facts, facts_of, files_in, read_list
from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import sha256

Checked = tuple[str, Facts, list[str]]  # a file, what was found, and what differs
PREFIX = {"tokens_sha256": ".tokens.bin", "index_sha256": ".rows.parquet"}


def shipped_files(folder: Path) -> Iterator[Checked]:
    """Every file that is listed or there."""
    expected, found = read_list(folder), files_in(folder)
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            yield name, {}, ["expected here, found nothing"]
        elif name not in expected:
            yield name, facts_of(found[name]), [f"found, but not in {LIST}"]
        else:
            yield compared(name, found[name], expected[name])


def compared(name: str, path: Path, expected: Facts) -> Checked:
    """What is found of a file, and each fact that is not as expected."""
    try:
        facts = facts_of(path)
    except (ValueError, OSError) as error:  # damaged: its rows can't be counted
        facts = {"sha256": sha256(path), "bytes": path.stat().st_size, "rows": f"unreadable ({error})"}
    differs = [key for key in expected if facts[key] != expected[key]]
    return name, facts, [f"{key}: expected {expected[key]}, found {facts[key]}" for key in differs]


def own_files(folder: Path) -> Iterator[Checked]:
    """Every file that the manifests of one's own results give a digest of; texts and streams among them."""
    for name, digest in digests(folder).items():
        path = folder / name
        if not path.exists():
            yield name, {}, ["expected here, found nothing"]
            continue
        found = {"sha256": sha256(path), "bytes": path.stat().st_size, "rows": None}
        wrong = [f"sha256: expected {digest}, found {found['sha256']}"] if found["sha256"] != digest else []
        yield name, found, wrong


def digests(folder: Path) -> dict[str, str]:
    """Digest by file, from manifests that were written. Raises UserError where there are none."""
    if not (folder / "manifests").exists():
        raise UserError(f"{folder}/manifests: no such folder; `snakemake manifests` writes it, to compare with later")
    found = read_manifests(folder)
    inputs, corpus = found["inputs"], found["inputs"]["corpus"]
    files = [*inputs["shards"].values(), *inputs.get("texts", {}).values()]
    files += [corpus["documents"], corpus["tokenizer"], *corpus["held_out"].values()] if corpus else []
    known = {facts["file"]: facts["sha256"] for facts in files}
    for name, facts in inputs["streams"].items():
        known |= {f"streams/{name}{PREFIX[key]}": facts[key] for key in PREFIX if key in facts}
    for manifest in found["runs"].values():
        known |= {name: facts["sha256"] for name, facts in manifest["outputs"].items()}
    return known


def main(arguments: argparse.Namespace) -> None:
    """Print a table and what differs; end with 1 if anything does."""
    folder = Path(arguments.folder or arguments.shipped)
    checked = list(own_files(folder) if arguments.folder else shipped_files(folder))
    print(f"{'file':<70} {'rows':>9} {'bytes':>11} sha256")
    for name, facts, wrong in checked:
        rows = facts.get("rows")
        cells = f"{'' if rows is None else rows:>9} {facts.get('bytes', 0):>11,} {str(facts.get('sha256', '-'))[:12]}"
        print(f"{name:<70} {cells} {'DIFFERS' if wrong else 'ok'}")
    differing = [(name, line) for name, _, wrong in checked for line in wrong]
    print(f"{len(checked)} files in {folder}: {len({name for name, _ in differing})} differ")
    for name, line in differing:
        print(f"{folder / name}: {line}", file=sys.stderr)
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shipped", default=FOLDER, help="folder of all that is shipped (default: %(default)s)")
    parser.add_argument("--folder", help="instead: own results, compared with their manifests")
    run_command(main, parser)
