"""Evaluate one student on all validation sets; one Parquet row per document and set."""

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_path
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Training
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.evaluation.losses import document_losses, window_losses
from workflow_scripts.megadocs.tokens import TokenStream
from workflow_scripts.training.device import PRECISIONS, pick_device
from workflow_scripts.training.export import load_student


def evaluate_set(model, name: str, stream: TokenStream, training: Training) -> pa.Table:
    """Documents of one validation set with their losses."""
    losses = window_losses(model, stream, training.context, not training.cross_document_attention)
    table = document_losses(losses, stream)
    return table.add_column(0, "set", pa.array([name] * len(table), pa.string()))


def main(arguments: argparse.Namespace) -> None:
    """Write the table of all sets."""
    training = parse_settings(Training, arguments.training)
    torch.set_num_threads(training.threads)
    model, _ = load_student(arguments.model, PRECISIONS[training.precision])
    model = model.to(pick_device()).eval()
    tables, tokenizer = [], StudentTokenizer(Path(arguments.model) / "tokenizer.json")
    for pair in arguments.sets:
        name, _, prefix = pair.partition("=")
        stream = TokenStream(prefix)
        if stream.metadata["tokenizer_sha256"] != tokenizer.sha256:
            raise UserError(f"{prefix}: made with another tokenizer than that of the student in {arguments.model}")
        tables.append(evaluate_set(model, name, stream, training))
        sums, tokens = (tables[-1].column(c).to_numpy().sum() for c in ("loss_sum_nats", "predicted_tokens"))
        print(f"{name}: {sums / np.maximum(tokens, 1):.4f} nats per token over {len(tables[-1])} documents")
    with atomic_path(arguments.output) as temporary:
        pq.write_table(pa.concat_tables(tables), temporary, compression="zstd")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="folder of the exported student")
    parser.add_argument("--training", required=True, help="JSON of the `training` section of the config")
    parser.add_argument("--sets", nargs="+", required=True, help="NAME=PREFIX of each validation stream")
    parser.add_argument("--output", required=True, help="losses per document (Parquet)")
    run_command(main, parser)
