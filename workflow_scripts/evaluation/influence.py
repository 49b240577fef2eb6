"""Data influence: how far a text leads a student towards a reference task (arXiv 2605.17849).

I(x) is the student's loss on a text before a short training on the reference task minus its loss after it, in nats per
token; a rewritten text is worth I(rewritten) - I(source). It says "looks like the reference task to this student",
which is a proxy of what it has yet to learn. Unlike in the authors' code, a text's score does not depend on its
neighbours in a batch: what fills up a batch is neither attended to nor averaged over.

python -m workflow_scripts.evaluation.influence --before DIR --after DIR --texts FILE.parquet --output FILE.parquet
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_path
from workflow_scripts.common.progress import progress
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.evaluation.losses import BATCH_TOKENS
from workflow_scripts.training.device import pick_device, pick_ops, pick_precision
from workflow_scripts.training.export import load_student
from workflow_scripts.training.model import Llama


class Influence:
    """Two states of one student, before and after the short training, that score texts."""

    def __init__(self, before: str | Path, after: str | Path, precision: str = "fp32") -> None:
        """Open both exported students. Raises UserError where they don't have one tokenizer."""
        tokenizers = [StudentTokenizer(Path(folder, "tokenizer.json")) for folder in (before, after)]
        if tokenizers[0].sha256 != tokenizers[1].sha256:
            raise UserError(f"{after}: has another tokenizer than {before}; both are to be states of one student")
        self.tokenizer, self.device = tokenizers[0], pick_device()
        chosen = pick_precision(self.device, precision)
        ops = pick_ops(self.device, chosen, False)
        self.students = [load_student(folder, chosen, ops)[0].to(self.device).eval() for folder in (before, after)]

    def scores(self, texts: list[str]) -> np.ndarray:
        """float64 [texts] nats per token; texts are cut to the student's context. NaN for one without a token."""
        context = self.students[0].settings.max_context
        rows = [row[:context] for row in self.tokenizer.rows(texts)]
        before, after = (row_losses(student, rows, self.device) for student in self.students)
        return np.where([len(row) > 2 for row in rows], before - after, np.nan)


@torch.inference_mode()
def row_losses(model: Llama, rows: list[list[int]], device: torch.device) -> np.ndarray:
    """float64 [rows]: mean loss in nats over each row's tokens but the first, whatever else is in its batch."""
    found = np.empty(len(rows))
    for places in batches_by_length([len(row) for row in rows], BATCH_TOKENS[device.type]):
        longest = max(len(rows[place]) for place in places)
        ids = np.array([rows[place] + [0] * (longest - len(rows[place])) for place in places], dtype=np.int64)
        losses = model.token_losses(torch.from_numpy(ids).to(device)).cpu().numpy().astype(np.float64)
        for place, own in zip(places, losses, strict=True):
            found[place] = own[: len(rows[place]) - 1].mean()
    return found


def batches_by_length(lengths: list[int], tokens: int) -> Iterator[list[int]]:
    """Places of rows of like length, as many as fit into so many tokens with what fills them up; at least one."""
    batch: list[int] = []
    for place in np.argsort(lengths, kind="stable")[::-1].tolist():
        if batch and (len(batch) + 1) * lengths[batch[0]] > tokens:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def main(arguments: argparse.Namespace) -> None:
    """Score the column `text` of a table; all its columns are kept."""
    influence, table = Influence(arguments.before, arguments.after), pq.read_table(arguments.texts)
    if "text" not in table.column_names:
        raise UserError(f"{arguments.texts}: has no column text, only {', '.join(table.column_names)}")
    texts, scores = table.column("text").to_pylist(), []
    with progress(len(texts), "influence", "texts") as bar:
        for first in range(0, len(texts), arguments.batch):
            scores.append(influence.scores(texts[first : first + arguments.batch]))
            bar.update(len(scores[-1]))
    values = np.concatenate(scores) if scores else np.empty(0)
    with atomic_path(arguments.output) as temporary:
        pq.write_table(table.append_column("influence_nats", pa.array(values)), temporary)
    print(f"{arguments.output}: {len(values)} texts, {np.mean(values > 0):.1%} with a positive influence")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", required=True, help="the exported student at its plateau")
    parser.add_argument("--after", required=True, help="the same after a short training on the reference task")
    parser.add_argument("--texts", required=True, help="Parquet with a column `text`")
    parser.add_argument("--batch", type=int, default=512, help="texts between two steps of progress")
    parser.add_argument("--output", required=True, help="the same table with a column influence_nats (Parquet)")
    run_command(main, parser)
