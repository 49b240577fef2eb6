"""Synthetic bootstrapped pretraining (arXiv 2509.15248): the student itself learns to write a text after a related one.

Pairs are nearest neighbours of different documents. The student of the natural text is tuned on `d1 d2` with the loss
on d2 alone, then writes a new text after each passage, as often as tokens are wanted. [assumed] Passages stand for the
paper's documents, as two have to fit into the student's context, each cut to half of it; TF-IDF for its embeddings;
all sizes. Settings: `similarity`, `copies` (nearer ones are near-duplicates), `neighbours` of a passage, `epochs`,
`lr`.
"""

import time
from collections.abc import Iterator

import numpy as np
import torch

from workflow_scripts.common.errors import UserError
from workflow_scripts.methods.neighbours import neighbours
from workflow_scripts.methods.student_sampling import Student, Wanted, load, texts_until
from workflow_scripts.methods.text import Text
from workflow_scripts.methods.tools import Tools

DEFAULTS = {"similarity": 0.15, "copies": 0.8, "neighbours": 3, "epochs": 8, "lr": 0.0005}
FEWEST_PAIRS, PAIRS_PER_STEP = 8, 8
UNTRAINED = -100  # label of a token whose loss does not count
Pair = tuple[list[int], list[int]]


def related(tools: Tools, settings: dict) -> list[tuple[int, int]]:
    """Pairs of passages. Raises UserError when there are too few."""
    texts, groups = zip(*((row["text"], row["doc_id"].rpartition("#")[0]) for row in tools.passages), strict=True)
    limits = settings["similarity"], settings["copies"], settings["neighbours"]
    pairs, largest = neighbours(texts, groups, *limits)
    tools.notes |= {"pairs": len(pairs), "largest_similarity": largest}
    if len(pairs) < FEWEST_PAIRS:
        raise UserError(
            f"methods.{tools.name}.settings.similarity {limits[0]}: so near are {len(pairs)} pairs of passages of "
            f"different documents, {FEWEST_PAIRS} are needed; the largest similarity is {largest:.3f}: lower it"
        )
    return pairs


def halves(rows: list[list[int]], context: int) -> list[Pair]:
    """Each row as the first and as the second of a pair: cut to half of the context; a first one ends with EOS."""
    half = context // 2
    return [(row if len(row) <= half else [*row[: half - 1], row[-1]], row[:half]) for row in rows]


def step_tensors(pairs: list[Pair]) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens and labels [pairs, tokens], filled up on the right; only what follows a second text's BOS has labels."""
    width = max(len(first) + len(second) for first, second in pairs)
    spare = [width - len(first) - len(second) for first, second in pairs]
    tokens = [first + second + [0] * more for (first, second), more in zip(pairs, spare, strict=True)]
    labels = [
        [UNTRAINED] * (len(first) + 1) + second[1:] + [UNTRAINED] * more
        for (first, second), more in zip(pairs, spare, strict=True)
    ]
    return torch.tensor(tokens), torch.tensor(labels)


def tune(tools: Tools, student: Student, pairs: list[Pair], epochs: int, lr: float) -> None:
    """AdamW at a constant learning rate, every epoch in an order of its own."""
    model, started = student.model, time.monotonic()
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    for epoch in range(epochs):
        order = np.random.default_rng(tools.seed("order", epoch)).permutation(len(pairs))
        for places in np.split(order, range(PAIRS_PER_STEP, len(order), PAIRS_PER_STEP)):
            tokens, labels = (each.to(model.device) for each in step_tensors([pairs[place] for place in places]))
            loss = model(tokens, labels=labels).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    trained = epochs * sum(len(first) + len(second) for first, second in pairs)
    tools.costs.use(student.name, student.parameters, trained=trained)
    tools.costs.seconds += time.monotonic() - started
    tools.notes["last_loss_nats"] = loss.item()


def write(tools: Tools) -> Iterator[Text]:
    """Texts of the passages in turn until the comparison's synthetic tokens are there."""
    settings = DEFAULTS | tools.settings
    pairs, student = related(tools, settings), load(tools, tools.author, "student")
    rows = halves(tools.tokenizer.rows([row["text"] for row in tools.passages]), student.context)
    tune(tools, student, [(rows[one][0], rows[other][1]) for one, other in pairs], settings["epochs"], settings["lr"])

    def wanted(number: int) -> Wanted:
        turn, place = divmod(number, len(rows))
        name = tools.passages[place]["doc_id"]
        return Wanted(name, turn, [*rows[place][0], tools.tokenizer.bos_id], tools.seed(name, turn))

    limit = student.context - student.context // 2 - 1
    yield from texts_until(tools, "related", [student], wanted, lambda known: known, limit)
