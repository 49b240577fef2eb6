"""Make damaged files again without redoing what was made from them.

A file whose checksum is wrong is set aside as `<name>.damaged` where it is found. Snakemake would make it again and, as
its time is new, everything that was ever made from it. This command has it made alone; where its digest is what it
was, it and all that came with it get their old times back, so that nothing else is out of date.

python -m workflow_scripts.audit.repair                                 here, with the config's scale
python -m workflow_scripts.audit.repair --profile slurm --config scale=paper
"""

import os
import subprocess
import sys
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import read_json

SUFFIX = ".damaged"
DIGESTS = ("tokens_sha256", "index_sha256", "sha256")
REPAIRING = "MEGADOCS_REPAIRING"  # environment: this call of Snakemake is the repair itself
RECORDS = ("streams/**/*.json", "generations/*.json")  # below a scale's results: what keeps digests
Identity = tuple[str, ...]


def set_aside(results: str | Path) -> list[Path]:
    """Files below a folder that were found damaged and are not there again; by the name that they should have."""
    found = (path.with_name(path.name.removesuffix(SUFFIX)) for path in Path(results).glob(f"**/*{SUFFIX}"))
    return sorted(path for path in found if not path.exists())


def require_repaired(results: str | Path) -> None:
    """Raise UserError while damaged files are set aside, unless this is the repair."""
    missing = set_aside(results)
    if missing and REPAIRING not in os.environ:
        raise UserError(
            f"{missing[0]}: was found damaged and set aside ({len(missing)} files are). `python -m "
            "workflow_scripts.audit.repair`, with the same options, makes them again and keeps all that was made from "
            f"them; to have that made again, too, delete the *{SUFFIX} files"
        )


def recorded(results: str | Path) -> dict[Path, tuple[Identity, dict[Path, float]]]:
    """Of every record of digests: the digests, and the times of its files. Damaged records count under their name."""
    paths = {p for pattern in RECORDS for p in [*Path(results).glob(pattern), *Path(results).glob(pattern + SUFFIX)]}
    return {path.with_name(path.name.removesuffix(SUFFIX)): _facts(path) for path in sorted(paths)}


def _facts(record: Path) -> tuple[Identity, dict[Path, float]]:
    """A record's digests, and the times of all files that have its name up to the last suffix."""
    try:
        content = read_json(record)
        digests = tuple(str(content[key]) for key in DIGESTS if key in content)
    except (ValueError, OSError):
        digests = ()
    stem = record.name.removesuffix(SUFFIX).removesuffix(".json")
    times = {}
    for path in record.parent.glob(f"{stem}.*"):
        times[path.with_name(path.name.removesuffix(SUFFIX))] = path.stat().st_mtime
    return digests, times


def restore_times(before: dict[Path, tuple[Identity, dict[Path, float]]]) -> list[Path]:
    """Give files that were made again with the same digests their old times; the records of the others."""
    different = []
    for record, (digests, times) in before.items():
        now, now_times = _facts(record)
        if now_times == times:
            continue  # not made again
        if not digests or now != digests:
            different.append(record)
            continue
        for path, at in times.items():
            os.utime(path, (at, at))
    return different


def repair(results: Path, options: list[str]) -> None:
    """Have what is missing made, and nothing else. Raises UserError when Snakemake fails."""
    missing, before = set_aside(results), recorded(results)
    command = [sys.executable, "-m", "snakemake", *options, "--", *map(str, missing)]
    if subprocess.run(command, env=os.environ | {REPAIRING: "1"}).returncode:
        raise UserError("the damaged files could not be made again; Snakemake's messages are above")
    for path in missing:
        path.with_name(path.name + SUFFIX).unlink(missing_ok=True)
    for record in restore_times(before):
        print(f"{record}: its content is not what it was; what was made from it is made again by the next call")
    print(f"{len(missing)} files are there again")


def main(options: list[str]) -> None:
    """Repair every scale that has something set aside."""
    folders = sorted({path.relative_to("results").parts[0] for path in set_aside("results")})
    if not folders:
        print("nothing is set aside")
    for name in folders:
        repair(Path("results") / name, options)


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv):
        print(__doc__)
        sys.exit()
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(f"error: {error}")
