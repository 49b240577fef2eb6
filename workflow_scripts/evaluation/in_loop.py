"""One student on the in-loop evaluation: the answer that it finds likeliest, and the loss of the right one.

As in the authors' training loop (arXiv 2605.17849, evaluators of OLMo): 0-shot, an answer's score is its summed
log-probability, divided by its characters where the task says so. `gold_nats_per_byte` is the mean over questions of
the right answer's loss per UTF-8 byte, both without the answer's leading space: it tells small students apart long
before accuracy leaves chance. [assumed] A prompt starts with BOS, as every row in training did; of one that is too long
for the student's context the last tokens are kept. A question with an answer that does not fit by itself is left out.

python -m workflow_scripts.evaluation.in_loop --model DIR --requests FILE.parquet --output FILE.json
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import write_json
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.evaluation.influence import batches_by_length
from workflow_scripts.evaluation.losses import BATCH_TOKENS
from workflow_scripts.training.device import pick_device, pick_ops, pick_precision
from workflow_scripts.training.export import load_student
from workflow_scripts.training.model import Llama


def read_requests(path: str | Path, tasks: list[str] | None = None, limit: int | None = None) -> pd.DataFrame:
    """Requests of the tasks, of each task's first `limit` questions. Raises UserError for a task that isn't there."""
    if not Path(path).exists():
        raise UserError(f"{path}: no such file; `in_loop_questions` writes it")
    table = pd.read_parquet(path)
    known = table["task"].unique().tolist()
    if wrong := [task for task in tasks or [] if task not in known]:
        raise UserError(f"{path}: has no task {wrong[0]!r}, only {', '.join(known)}")
    table = table[table["task"].isin(tasks or known)]
    place = table.groupby("task", sort=False)["question"].transform(lambda own: pd.factorize(own)[0])
    return table[place < (limit or np.inf)].reset_index(drop=True)


def tokenised(table: pd.DataFrame, tokenizer: StudentTokenizer, context: int) -> pd.DataFrame:
    """The requests that fit, with `ids` (BOS, context, answer; at most `context` tokens) and `answer_tokens`.

    Raises UserError for a task of which fewer than two questions are left, which have no standard error.
    """
    contexts, answers = (tokenizer.rows(table[name].tolist()) for name in ("context", "continuation"))
    table = table.assign(answer_tokens=[len(row) - 2 for row in answers])
    whole = [before[:-1] + answer[1:-1] for before, answer in zip(contexts, answers, strict=True)]
    table["cut"] = [len(row) > context for row in whole]
    table["ids"] = [row[-context:] for row in whole]
    longest = table.groupby(["task", "question"])["answer_tokens"].transform("max")
    fitting = table[longest < context].reset_index(drop=True)
    for task in table["task"].unique():
        if (left := fitting.loc[fitting["task"] == task, "question"].nunique()) < 2:
            raise UserError(f"{task}: only {left} questions fit into {context} tokens; raise --limit or --context")
    return fitting


@torch.inference_mode()
def answer_losses(model: Llama, rows: list[list[int]], answers: list[int], device: torch.device) -> np.ndarray:
    """float64 [rows] nats: summed loss of each row's last tokens, as many as its answer has; logits of no others."""
    found = np.empty(len(rows))
    for places in batches_by_length([len(row) for row in rows], BATCH_TOKENS[device.type]):
        longest = max(len(rows[place]) for place in places)
        ids = torch.tensor([rows[place] + [0] * (longest - len(rows[place])) for place in places], device=device)
        spans = [(n, range(len(rows[p]) - answers[p], len(rows[p]))) for n, p in enumerate(places)]
        row, position = torch.tensor([(n, at) for n, span in spans for at in span], device=device).T
        logits = model.lm_head(model.hidden(ids)[row, position - 1]).float()
        losses = cross_entropy(logits, ids[row, position], reduction="none").double()
        found[places] = torch.zeros(len(places), device=device).double().index_add_(0, row, losses).cpu().numpy()
    return found


def score_rows(table: pd.DataFrame) -> list[dict]:
    """Accuracy and loss of the right answer of each task, from requests with the column `nats`."""
    text = table["continuation"].str.removeprefix(" ")
    units = np.where(table["normaliser"] == "characters", text.str.len(), 1)
    table = table.assign(score=-table["nats"] / units, per_byte=table["nats"] / text.str.encode("utf-8").str.len())
    rows = []
    for task, own in table.groupby("task", sort=False):
        best = own.loc[own.groupby("question")["score"].idxmax(), "is_gold"]
        for metric, values in (("accuracy", best), ("gold_nats_per_byte", own.loc[own["is_gold"], "per_byte"])):
            error = float(values.astype(float).std(ddof=1) / len(values) ** 0.5)
            row = {"task": task, "metric": metric, "value": float(values.mean()), "stderr": error}
            rows.append(row | {"questions": len(values)})
    return rows


def main(arguments: argparse.Namespace) -> None:
    """Score the student, write what was found and say it."""
    start, device = time.monotonic(), pick_device()
    torch.set_num_threads(arguments.threads)
    precision = pick_precision(device, "fp32")
    model = load_student(arguments.model, precision, pick_ops(device, precision, False))[0].to(device).eval()
    context = arguments.context or model.settings.max_context
    asked = read_requests(arguments.requests, arguments.tasks, arguments.limit)
    table = tokenised(asked, StudentTokenizer(Path(arguments.model, "tokenizer.json")), context)
    table["nats"] = answer_losses(model, table["ids"].tolist(), table["answer_tokens"].tolist(), device)
    rows = score_rows(table)
    for row in rows:
        print("{task}: {metric} {value:.4f} +- {stderr:.4f} over {questions} questions".format(**row))
    names = ["task", "question"]
    left_out = len(asked[names].drop_duplicates()) - len(table[names].drop_duplicates())
    about = {"context": context, "cut_requests": int(table["cut"].sum()), "left_out_questions": left_out}
    write_json(arguments.output, {"rows": rows} | about | {"seconds": round(time.monotonic() - start, 1)})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="folder of the exported student")
    parser.add_argument("--requests", required=True, help="what `in_loop_questions` wrote (Parquet)")
    parser.add_argument("--tasks", nargs="*", help="tasks to be scored (default: all that there are)")
    parser.add_argument("--limit", type=int, help="first questions of each task, in random order (default: all)")
    parser.add_argument("--context", type=int, help="tokens that it was trained on (default: most that it can take)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default: %(default)s)")
    parser.add_argument("--output", required=True, help="rows {task, metric, value, stderr, questions} (JSON)")
    run_command(main, parser)
