"""`simple` from `stitched`: the same rows, shuffled globally, so that their token counts agree exactly."""

import argparse

import numpy as np

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import require_free_disk
from workflow_scripts.common.seeds import named_seed
from workflow_scripts.megadocs.tokens import TokenStream, read_batches, write_batches


def main(arguments: argparse.Namespace) -> None:
    """Write the shuffled stream. Raises UserError when the stitched one is damaged."""
    stream = TokenStream(arguments.input)
    stream.verify()
    require_free_disk(arguments.output, stream.tokens.nbytes, "shuffling a stream")
    order = np.random.default_rng(named_seed("row order", arguments.stream)).permutation(stream.metadata["rows"])
    kept = ("generations", "tokenizer", "tokenizer_sha256", "dropped_flags")
    metadata = {"stream": arguments.stream, **{key: stream.metadata[key] for key in kept}}
    write_batches(arguments.output, read_batches(stream, order), stream.metadata["vocabulary_size"], metadata)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stream", required=True, help="name of the shuffled stream; its row order depends on it")
    parser.add_argument("--input", required=True, help="prefix of the stitched stream's files")
    parser.add_argument("--output", required=True, help="prefix of the shuffled stream's files")
    run_command(main, parser)
