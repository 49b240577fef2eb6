"""Rows as the text of a CSV file."""

import csv
import io
from collections.abc import Iterable, Sequence


def csv_text(rows: Iterable[dict], columns: Sequence[str] | None = None) -> str:
    """Header and rows; columns: in this order, none: as the first row has them."""
    rows = list(rows)
    table = io.StringIO()
    writer = csv.DictWriter(table, columns or (list(rows[0]) if rows else []), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return table.getvalue()
