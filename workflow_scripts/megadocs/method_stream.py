"""The stream of a method's texts: a row per text, all first texts before all second ones, EOS after each.

[assumed] Texts of the passages of one document are rejoined in order with a blank line, each number for itself, as
kinds.py does. So the first tokens of the stream are of all documents. Texts whose status is not `ok` are left out.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import require_free_disk
from workflow_scripts.corpus.tokenizer import StudentTokenizer, groups_by_characters
from workflow_scripts.megadocs.build import BYTES_PER_GENERATION, token_batches
from workflow_scripts.megadocs.compose import Piece
from workflow_scripts.megadocs.kinds import SEPARATOR, document_of
from workflow_scripts.megadocs.tokens import write_batches
from workflow_scripts.methods.text import OK, Text, read_texts


def rows_of(texts: Iterable[Text]) -> Iterator[tuple[str, Piece]]:
    """(document, row before tokenising): number 0 of every document, in the order of the texts, then number 1 ..."""
    rows: dict[tuple[int, str], list[Text]] = {}
    for text in texts:
        if text.status == OK:
            rows.setdefault((text.number, document_of(text.doc_id)), []).append(text)
    for (number, doc_id), passages in sorted(rows.items(), key=lambda row: row[0][0]):
        yield doc_id, Piece(passages[0].kind, number, SEPARATOR.join(text.text for text in passages))


def main(arguments: argparse.Namespace) -> None:
    """Write the stream's three files. Raises UserError where all texts are left out."""
    texts, tokenizer = list(read_texts(arguments.texts)), StudentTokenizer(arguments.tokenizer)
    require_free_disk(arguments.output, BYTES_PER_GENERATION * len(texts), f"building {arguments.name}")
    statuses = Counter(text.status for text in texts)
    if not statuses[OK]:
        raise UserError(f"{arguments.texts}: none of {len(texts)} texts can be used ({dict(statuses)})")
    metadata = {
        "stream": arguments.name,
        "generations": 0,
        "tokenizer": tokenizer.name,
        "tokenizer_sha256": tokenizer.sha256,
        "statuses": dict(sorted(statuses.items())),
    }
    batches = token_batches(groups_by_characters(rows_of(texts), lambda row: len(row[1].text)), tokenizer)
    written = write_batches(arguments.output, batches, tokenizer.vocabulary_size, metadata)
    print(f"{arguments.name}: {written['rows']:,} rows, {written['tokens']:,} tokens; texts: {metadata['statuses']}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True, help="of the method")
    parser.add_argument("--texts", required=True, help="its texts (Parquet)")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json")
    parser.add_argument("--output", required=True, help="prefix of the stream's files")
    run_command(main, parser)
