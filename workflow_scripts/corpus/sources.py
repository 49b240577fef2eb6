"""Sources of documents behind one interface: `texts(source, wheel)` yields raw texts."""

import csv
import io
import json
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import is_offline_mode

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.hub import cached, snapshot
from workflow_scripts.common.hub_reasons import missing
from workflow_scripts.common.hub_repo import Repo
from workflow_scripts.common.packages import PACKAGES
from workflow_scripts.config.corpus import Location

ORANGE_FILES = {"newsgroups": "20newsgroups-test.tab", "reuters": "reuters-r52-test.tab"}


def texts(source: Location, wheel: str | Path | None = None) -> Iterator[str]:
    """Texts of a source in its own order. `wheel` is the data package of a packaged source."""
    readers: dict[str, Callable[[], Iterator[str]]] = {
        "news": lambda: _news(wheel),
        "newsgroups": lambda: _orange(wheel, "newsgroups"),
        "reuters": lambda: _orange(wheel, "reuters"),
        "hub": lambda: _hub(source),
        "files": lambda: _files(source),
    }
    return readers[source.kind]()


def _news(wheel: str | Path) -> Iterator[str]:
    """News articles scraped from the web (Harvard Dataverse, doi 10.7910/DVN/GMFCTR)."""
    with zipfile.ZipFile(wheel) as outer, zipfile.ZipFile(outer.open(PACKAGES["news"].member)) as inner:
        with inner.open("NewsArticles.csv") as raw:
            for row in csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8", newline="")):
                yield row["text"] or ""


def _orange(wheel: str | Path, name: str) -> Iterator[str]:
    """Orange .tab file: category and text, three header lines; lower-cased words without punctuation."""
    with zipfile.ZipFile(wheel) as archive, archive.open(PACKAGES["orange"].member + ORANGE_FILES[name]) as raw:
        rows = csv.reader(io.TextIOWrapper(raw, encoding="utf-8", newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
        for row in list(rows)[3:]:
            if row:  # the files end in blank lines
                yield row[1]


def _hub(source: Location) -> Iterator[str]:
    """Hugging Face dataset, from the hub's cache. With `stop_after` it is streamed unless it is there anyway."""
    place = hub_folder(source)
    try:
        from datasets import load_dataset
    except ImportError:
        raise UserError("source kind `hub` needs the `datasets` package: it is pinned in envs/workflow.txt") from None
    revision = None if place else source.revision
    try:
        rows = load_dataset(
            str(place or source.dataset), source.subset, split=source.split, revision=revision, streaming=True
        )
        yield from (row[source.text_field] for row in rows)
    except (OSError, ConnectionError, ValueError, KeyError) as error:
        raise UserError(
            f"dataset {source.dataset} (revision {source.revision}, split {source.split}, column {source.text_field}) "
            f"could not be read from {place or 'the Hugging Face hub'}: {error}"
        ) from error


def hub_folder(source: Location) -> Path | None:
    """Folder of the dataset's snapshot; none when it is to be streamed. Raises UserError when neither can be."""
    if getattr(source, "stop_after", None) is None:
        return snapshot(Repo("dataset", source.dataset, source.revision))
    folder = cached(Repo("dataset", source.dataset, source.revision))
    if folder is None and is_offline_mode():
        stream = Repo("stream", source.dataset, source.revision)
        raise UserError(f"{stream}: {missing(stream, None)}")
    return folder


def _files(source: Location) -> Iterator[str]:
    root = Path(source.path)
    if not root.exists():
        raise UserError(f"{root}: no such file or folder; set `path` of the source to your documents")
    paths = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.suffix in FILE_READERS)
    if not paths:
        raise UserError(f"{root}: no documents; expected files that end in {', '.join(FILE_READERS)}")
    for path in paths:
        for text in _read_file(path, source.text_field):
            if not isinstance(text, str | None):
                raise UserError(f"{path}: column '{source.text_field}' holds {text!r}, not text; set `text_field`")
            yield text


def _read_file(path: Path, field: str) -> Iterator[str]:
    if path.suffix not in FILE_READERS:
        raise UserError(f"{path}: unknown kind of file; expected one of {', '.join(FILE_READERS)}")
    try:
        yield from FILE_READERS[path.suffix](path, field)
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}; convert it, e.g. `iconv -t utf-8`") from None
    except KeyError:
        raise UserError(f"{path}: no column '{field}'; set `text_field` of the source") from None
    except pa.ArrowInvalid as error:
        raise UserError(f"{path}: not a readable Parquet file: {error}") from None


def _jsonl(path: Path, field: str) -> Iterator[str]:
    with open(path, "rb") as handle:
        for number, line in enumerate(handle, start=1):
            if line.strip():
                yield _json_object(f"{path}:{number}", line)[field]


def _json_object(where: str, line: bytes) -> dict:
    try:
        content = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise UserError(f"{where}: not UTF-8; convert the file, e.g. `iconv -t utf-8`") from None
    except json.JSONDecodeError as error:
        raise UserError(f"{where}: not JSON: {error.msg}") from None
    if not isinstance(content, dict):
        raise UserError(f"{where}: expected a JSON object per line, found {line[:40]!r}")
    return content


def _parquet(path: Path, field: str) -> Iterator[str]:
    for batch in pq.ParquetFile(path).iter_batches(columns=[field]):
        yield from batch.column(field).to_pylist()


def _plain(path: Path, _field: str) -> Iterator[str]:
    yield path.read_text(encoding="utf-8")


FILE_READERS = {".jsonl": _jsonl, ".parquet": _parquet, ".txt": _plain}
csv.field_size_limit(sys.maxsize)
