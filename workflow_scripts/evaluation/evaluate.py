"""Evaluate one student, or several as an ensemble, on all validation sets; one Parquet row per document and set.

With more than one --model the members' logits are averaged, and the table gets a column `members`: rows for the first
member, for the first two together, and so on.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_path
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Training
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.evaluation.ensemble import Ensemble
from workflow_scripts.evaluation.losses import document_losses, window_losses
from workflow_scripts.megadocs.tokens import TokenStream
from workflow_scripts.training.device import keep_freed_memory, pick_device, pick_ops, pick_precision
from workflow_scripts.training.export import load_student
from workflow_scripts.training.model import Llama


def open_students(folders: list[str], training: Training) -> Llama | Ensemble:
    """The student, or the ensemble of several, ready on the device, with the operations that trained it."""
    device = pick_device()
    precision = pick_precision(device, training.precision)
    ops = pick_ops(device, precision, training.compile)
    students = [load_student(folder, precision, ops)[0] for folder in folders]
    model = students[0] if len(students) == 1 else Ensemble(students)
    return model.to(device).eval()


def open_sets(pairs: list[str], folders: list[str]) -> dict[str, TokenStream]:
    """Validation streams by name. Raises UserError when a student has another tokenizer than a stream."""
    streams = {name: TokenStream(prefix) for name, _, prefix in (pair.partition("=") for pair in pairs)}
    for stream in streams.values():
        stream.verify()
    for folder in folders:
        tokenizer = StudentTokenizer(Path(folder) / "tokenizer.json")
        for stream in streams.values():
            if stream.metadata["tokenizer_sha256"] != tokenizer.sha256:
                raise UserError(f"{stream.paths.metadata}: made with another tokenizer than the student in {folder}")
    return streams


def evaluate_set(
    model: Llama | Ensemble, name: str, stream: TokenStream, training: Training
) -> Iterator[tuple[dict, pa.Table]]:
    """Documents of one validation set with their losses, and what they are: the set and, for an ensemble, members."""
    losses = window_losses(model, stream, training.context, not training.cross_document_attention)
    if not isinstance(model, Ensemble):
        yield {"set": name}, document_losses(losses, stream)
        return
    for count, own in enumerate(losses, start=1):
        yield {"set": name, "members": count}, document_losses(own, stream)


def labelled(label: dict, table: pa.Table) -> pa.Table:
    """The table with its label as first columns."""
    columns = {key: pa.array([value] * len(table)) for key, value in label.items()}
    return pa.table(columns | dict(zip(table.column_names, table.columns, strict=True)))


def _mean_loss(table: pa.Table) -> str:
    loss, tokens = (table.column(name).to_numpy().sum() for name in ("loss_sum_nats", "predicted_tokens"))
    return f"{loss / max(tokens, 1):.4f} nats per token over {len(table)} documents"


def main(arguments: argparse.Namespace) -> None:
    """Write the table of all sets."""
    training = parse_settings(Training, arguments.training)
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    streams, tables = open_sets(arguments.sets, arguments.model), []
    model = open_students(arguments.model, training)
    for name, stream in streams.items():
        for label, table in evaluate_set(model, name, stream, training):
            print(*label.values(), _mean_loss(table))
            tables.append(labelled(label, table))
    with atomic_path(arguments.output) as temporary:
        pq.write_table(pa.concat_tables(tables), temporary, compression="zstd")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", required=True, help="folder of each exported student")
    parser.add_argument("--training", required=True, help="JSON of the `training` section of the config")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default: 1)")
    parser.add_argument("--sets", nargs="+", required=True, help="NAME=PREFIX of each validation stream")
    parser.add_argument("--output", required=True, help="losses per document (Parquet)")
    run_command(main, parser)
