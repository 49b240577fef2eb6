"""Calibrate the faithfulness judge on pairs of sentences, and check it on planted unfaithful texts."""

from collections import defaultdict

import numpy as np

from workflow_scripts.rewards.embedding import SentenceEmbedding
from workflow_scripts.rewards.faithfulness import Faithfulness
from workflow_scripts.rewards.measures import auc, auc_rows, row
from workflow_scripts.rewards.planted import KINDS, unfaithful
from workflow_scripts.rewards.rater_texts import Passage
from workflow_scripts.rewards.sentences import sentences
from workflow_scripts.rewards.written import Written

SENTENCES = 4  # of a document that is made of single sentences
FLAT = 0.02
Pair = tuple[str, str, bool]


def strangers(passages: list[Passage], most: int) -> list[tuple[str, str]]:
    """Sentences and another passage about the same thing: near in topic, but not supported by it."""
    of_title: dict[str, list[str]] = defaultdict(list)
    for passage in passages:
        of_title[passage.title].append(passage.text)
    pairs = [(two[0], two[1]) for texts in of_title.values() for two in zip(texts[::2], texts[1::2], strict=False)]
    return [(part, other) for text, other in pairs for part in sentences(text)[:2]][:most]


def calibrate(embedding: SentenceEmbedding, pairs: list[Pair], foreign: list[tuple[str, str]]) -> tuple[float, dict]:
    """The cosine that parts paraphrases from strangers, and what it is worth as a table's line.

    It is the lowest whose Youden's J is within 0.02 of the best: J is flat there, and generators paraphrase more
    freely than the people did.
    """
    judge = Faithfulness(embedding, 0, frozenset())
    sides = [part for pair in [*pairs, *foreign] for side in pair[:2] for part in [side, *sentences(side)]]
    embedding.vectors(sides)  # in full batches; they are kept
    same = np.array([judge.nearest([text], [source])[0] for source, text, is_same in pairs if is_same])
    other = np.array([judge.nearest([text], sentences(source))[0] for text, source in foreign])
    steps = np.arange(0.30, 0.96, 0.01)
    gain = np.array([np.mean(same >= step) - np.mean(other >= step) for step in steps])
    best = round(float(steps[gain >= gain.max() - FLAT][0]), 2)
    note = f"cosine; {np.mean(same >= best):.3f} of paraphrases reach it, {np.mean(other >= best):.3f} of strangers"
    return best, row("faithfulness_threshold", best, len(same) + len(other), note)


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
