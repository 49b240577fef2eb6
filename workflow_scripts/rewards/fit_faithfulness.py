"""Calibrate the faithfulness judge on pairs of sentences, and check it on planted unfaithful texts."""

from collections import defaultdict

import numpy as np

from workflow_scripts.rewards.embedding import SentenceEmbedding
from workflow_scripts.rewards.faithfulness import Faithfulness
from workflow_scripts.rewards.measures import auc, auc_rows, row
from workflow_scripts.rewards.planted import KINDS, unfaithful
from workflow_scripts.rewards.rater_texts import Passage
from workflow_scripts.rewards.sentences import clauses, sentences
from workflow_scripts.rewards.written import Written

SENTENCES = 4  # of a document that is made of single sentences
Pair = tuple[str, str, bool]


def strangers(passages: list[Passage], most: int) -> list[tuple[str, str]]:
    """Sentences and another passage about the same thing: near in topic, but not supported by it."""
    of_title: dict[str, list[str]] = defaultdict(list)
    for passage in passages:
        of_title[passage.title].append(passage.text)
    pairs = [(two[0], two[1]) for texts in of_title.values() for two in zip(texts[::2], texts[1::2], strict=False)]
    return [(part, other) for text, other in pairs for part in sentences(text)[:2]][:most]


def calibrate(embedding: SentenceEmbedding, said: list[Pair], foreign: list[tuple[str, str]]) -> tuple[float, dict]:
    """The cosine that parts what is said twice from strangers (Youden's J), and its line of the validation table.

    `said`: pairs of which the true ones are paraphrases, or follow from each other.
    """
    judge, steps = Faithfulness(embedding, 0, frozenset()), np.arange(0.30, 0.96, 0.01)
    sides = [(text, source) for source, text, holds in said if holds]
    embedding.vectors([part for text, source in [*sides, *foreign] for part in [text, *_with_clauses(source)]])  # kept
    same, other = (
        np.array([judge.nearest([text], sentences(source))[0] for text, source in each]) for each in (sides, foreign)
    )
    best = round(float(steps[np.argmax([np.mean(same >= step) - np.mean(other >= step) for step in steps])]), 2)
    shares = f"{np.mean(same >= best):.3f} of what is said twice, {np.mean(other >= best):.3f} of strangers"
    return best, row("faithfulness_threshold", best, len(same) + len(other), f"cosine; reached by {shares}")


def _with_clauses(source: str) -> list[str]:
    return [each for part in sentences(source) for each in (part, *clauses(part))]


def documents(pairs: list[Pair]) -> list[tuple[str, str]]:
    """Sources and faithful texts of four sentences each, of paraphrases by people.

    Of a pair the longer sentence is the source's: a paraphrase often leaves out what the other says.
    """
    ordered = [sorted(pair[:2], key=len, reverse=True) for pair in pairs if pair[2]]
    groups = [ordered[first : first + SENTENCES] for first in range(0, len(ordered) - SENTENCES + 1, SENTENCES)]
    return [(" ".join(long for long, _ in group), " ".join(short for _, short in group)) for group in groups]


def planted_rows(judge: Faithfulness, pairs: list[Pair]) -> list[dict]:
    """Lines of the validation table: faithful texts against planted ones, per kind of fault."""
    both = documents(pairs)
    faithful = judge.scores([_as_written(*one) for one in both])
    rows = [row("faithfulness_mean", faithful.mean(), len(both), "score of paraphrases by people")]
    for kind in KINDS:
        others = [text for _, text in [*both[1:], *both[:1]]]
        planted = [
            unfaithful(kind, text, other, judge.lower_case) for (_, text), other in zip(both, others, strict=True)
        ]
        changed = [n for n, (_, text) in enumerate(both) if planted[n] != text]
        own = faithful[changed]
        faulty = judge.scores([_as_written(both[n][0], planted[n]) for n in changed])
        note = "paraphrases by people against the same, made wrong"
        rows += auc_rows(f"faithfulness_auc_{kind}", own, faulty[:, None], note)
        rows.append(row(f"faithfulness_below_own_{kind}", np.mean(faulty < own), len(own), "share that scores lower"))
    return rows


def entailment_row(judge: Faithfulness, pairs: list[Pair]) -> dict:
    """AUC on RTE: hypotheses that follow from their premise against those that do not, a hard test."""
    found = []
    for premise, hypothesis, _ in pairs:
        near = judge.nearest([hypothesis], sentences(premise))[0]
        found.append(near - (near >= judge.threshold) + judge.supported([hypothesis], premise)[0])
    follows, values = np.array([pair[2] for pair in pairs]), np.array(found)
    note = "RTE: entailed against not entailed; cosine, less 1 where a number or name is unsupported"
    return row("faithfulness_auc_entailment", auc(values[follows], values[~follows]), len(pairs), note)


def _as_written(source: str, text: str) -> Written:
    return Written(source, text, "ok", 1, text)
