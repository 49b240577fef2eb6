"""Contrastive decoding (arXiv 2510.08245): a student's own texts, away from what it knew early in its training.

GOOD is the student of the natural text, BAD the same student stopped early. Scores of tokens that are plausible, with
p_good >= `plausible` * max p_good: log p_good + `strength` * (log p_good - log p_bad). Texts are sampled by the softmax
of scores, after BOS alone. [assumed] The form, both settings, and BOS, where the authors continue beginnings of
held-out texts.

`strength` 0 is plain sampling at temperature 1 with no cut: self-distillation, as in the megadocs paper (2603.18534).
"""

import functools
import math
from collections.abc import Iterator

import torch

from workflow_scripts.generation.samples import MAX_NEW_TOKENS
from workflow_scripts.methods.student_sampling import Wanted, load, texts_until
from workflow_scripts.methods.text import Text
from workflow_scripts.methods.tools import Tools


def plain(good: torch.Tensor) -> torch.Tensor:
    """Scores of plain sampling."""
    return good


def contrasted(good: torch.Tensor, bad: torch.Tensor, strength: float, plausible: float) -> torch.Tensor:
    """Scores of log-probabilities [texts, vocabulary]; -inf where a token is not plausible."""
    scores = good + strength * (good - bad)
    return scores.masked_fill(good < good.max(-1, keepdim=True).values + math.log(plausible), -math.inf)


def write(tools: Tools) -> Iterator[Text]:
    """Texts of no document until the comparison's synthetic tokens are there."""
    strength, plausible = tools.settings.get("strength", 0.5), tools.settings.get("plausible", 0.1)
    students, score = [load(tools, tools.author, "student")], plain
    if strength:
        students.append(load(tools, tools.early, "student, early"))
        score = functools.partial(contrasted, strength=strength, plausible=plausible)
    limit = min(MAX_NEW_TOKENS, students[0].context - 1)

    def wanted(number: int) -> Wanted:
        return Wanted(f"sample-{number:08d}", number, [tools.tokenizer.bos_id], tools.seed(number))

    yield from texts_until(tools, "contrastive" if strength else "sample", students, wanted, score, limit)
