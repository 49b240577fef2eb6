"""The list of all that git ships of results: digest, bytes and rows of every file: results/shipped/manifest.json."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import read_json, sha256, write_json

FOLDER, LIST = "results/shipped", "manifest.json"
Facts = dict[str, str | int | None]


def facts_of(path: Path) -> Facts:
    """Digest, bytes, and rows: of a table, or entries of a JSON file; none where a file has no rows."""
    return {"sha256": sha256(path), "bytes": path.stat().st_size, "rows": rows_of(path)}


def rows_of(path: Path) -> int | None:
    """Rows of a file that is whole. Raises ValueError or OSError for one that can't be read."""
    if path.suffix == ".csv":
        return len(pd.read_csv(path))
    if path.suffix == ".parquet":
        return pq.ParquetFile(path).metadata.num_rows
    if path.suffix == ".gz":
        return len(json.loads(gzip.decompress(path.read_bytes())).get("runs", []))
    return len(read_json(path)) if path.suffix == ".json" else None


def files_in(folder: Path) -> dict[str, Path]:
    """All files below a folder but its list, by their path inside."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): path for path in found if path != folder / LIST}


def write_list(folder: Path) -> None:
    """Note what a folder holds now."""
    write_json(folder / LIST, {name: facts_of(path) for name, path in files_in(folder).items()})


def read_list(folder: Path) -> dict[str, Facts]:
    """What a folder should hold. Raises UserError when nobody noted it."""
    if not (folder / LIST).exists():
        raise UserError(f"{folder / LIST}: no such file; `python -m workflow_scripts.audit.ship` writes it")
    return read_json(folder / LIST)
