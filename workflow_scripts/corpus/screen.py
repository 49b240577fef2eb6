"""Leave out documents that have an exact or near copy in held-out sets: what every training text has to pass."""

import argparse
from itertools import chain

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import write_json
from workflow_scripts.corpus.documents import document_ids, read_documents, write_documents
from workflow_scripts.corpus.split import held_out_index, progress_over, without_copies


def main(arguments: argparse.Namespace) -> None:
    """Write the documents that pass, and the counts. Raises UserError when none does."""
    sizes = [sum(1 for _ in document_ids(path)) for path in (*arguments.held_out, arguments.documents)]
    held_out = chain.from_iterable(map(read_documents, arguments.held_out))
    held_out = progress_over(held_out, sum(sizes[:-1]), "indexing held-out documents")
    index, hashes = held_out_index(held_out, arguments.jaccard, arguments.processes)
    counts = dict.fromkeys(["train", "dropped_exact_copies", "dropped_near_copies"], 0)
    rows = progress_over(read_documents(arguments.documents), sizes[-1], "searching copies")
    if not write_documents(arguments.output, without_copies(rows, index, hashes, counts, arguments.processes)):
        raise UserError(f"{arguments.documents}: every document has a copy in {', '.join(arguments.held_out)}")
    write_json(arguments.counts, counts | {"jaccard": arguments.jaccard})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", required=True, help="documents (Parquet)")
    parser.add_argument("--held-out", nargs="+", required=True, help="documents that no training may see (Parquet)")
    parser.add_argument("--jaccard", type=float, required=True, help="similarity from which a document is a near copy")
    parser.add_argument("--processes", type=int, default=1, help="that compare documents (default: %(default)s)")
    parser.add_argument("--output", required=True, help="documents that pass (Parquet)")
    parser.add_argument("--counts", required=True, help="counts of dropped copies (JSON)")
    run_command(main, parser)
