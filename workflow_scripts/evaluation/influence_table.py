"""Influence of the texts of synthetic sets, of what they gained over their own sources, and of the organic text.

The student is that of a pretraining at its plateau and after its probe (arXiv 2605.17849; evaluation/influence.py).
Up to --texts texts of every set are scored, of the same slices as far as each set has a text of them; the organic
text's row is of all those slices and has no gain, being its own source. Texts are cut to the student's context.

python -m workflow_scripts.evaluation.influence_table --before DIR --after DIR --organic slices.parquet \\
    --about sets.json --sets rephrase=rephrase-0.0.parquet --pretraining base --seed 0 --step 100 --tokens 6553600 \\
    --output influence.csv
"""

import argparse
from collections.abc import Callable

import numpy as np
import pandas as pd

from workflow_scripts.common.arguments import named_prefix
from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_path, read_json
from workflow_scripts.common.progress import progress
from workflow_scripts.config.synpro import ORGANIC
from workflow_scripts.evaluation.influence import Influence
from workflow_scripts.evaluation.set_texts import Answer, chosen, organic_answers, read_answers, read_slices
from workflow_scripts.evaluation.synpro_columns import COLUMNS

BATCH = 256
VALUES = ["positive_share", "mean_nats", "sd_nats", "gain_nats", "gain_sd_nats"]
Scores = Callable[[list[str]], np.ndarray]


def read_samples(arguments: argparse.Namespace) -> dict[str, list[Answer]]:
    """Answers to score of every set, and under `organic` the slices that they are of.

    Without sets, the organic ones are chosen as a set's are. Raises UserError for a set that --about has not.
    """
    about, slices = read_json(arguments.about), read_slices(arguments.organic)
    samples = {}
    for name, paths in arguments.sets:
        if name not in about:
            raise UserError(f"{arguments.about}: there is no set {name}, only {', '.join(about)}")
        samples[name] = chosen(read_answers(paths.split(","), about[name]["operation"], slices), arguments.texts)
    organic = {one.doc_id for sample in samples.values() for one in sample}
    kept = {doc_id: text for doc_id, text in slices.items() if doc_id in organic or not samples}
    return {ORGANIC: chosen(organic_answers(kept), len(kept) if samples else arguments.texts), **samples}


def influence_values(own: np.ndarray, sources: np.ndarray) -> dict[str, float]:
    """Of scores of texts and of their sources, float64 [texts] nats per token; texts without a score are left out.

    Deviations are those of the texts, not the errors of the means.
    """
    own, gains = own[np.isfinite(own)], (own - sources)[np.isfinite(own - sources)]
    found = {"texts": len(own)}
    if len(own):
        found |= {
            "positive_share": float((own > 0).mean()),
            "mean_nats": float(own.mean()),
            "sd_nats": float(own.std()),
        }
    if len(gains):
        found |= {"gain_nats": float(gains.mean()), "gain_sd_nats": float(gains.std())}
    return found


def score_all(texts: list[str], scores: Scores) -> dict[str, float]:
    """Influence of each different text."""
    different, found = sorted(set(texts), key=lambda text: (len(text), text)), []
    with progress(len(different), "influence", "texts") as bar:
        for first in range(0, len(different), BATCH):
            found.append(scores(different[first : first + BATCH]))
            bar.update(len(found[-1]))
    return dict(zip(different, np.concatenate([np.empty(0), *found]).tolist(), strict=True))


def influence_rows(samples: dict[str, list[Answer]], scores: Scores) -> list[dict]:
    """A row per set; sources that sets have in common are scored once."""
    written = {name: [one.written for one in sample] for name, sample in samples.items()}
    known = score_all([text for own in written.values() for one in own for text in (one.text, one.source)], scores)
    rows = []
    for name, own in written.items():
        texts, sources = (np.array([known[getattr(one, part)] for one in own]) for part in ("text", "source"))
        rows.append({"set": name, **influence_values(texts, sources * np.nan if name == ORGANIC else sources)})
    return rows


def main(arguments: argparse.Namespace) -> None:
    """Score all sets and write the rows."""
    samples = read_samples(arguments)
    rows = influence_rows(samples, Influence(arguments.before, arguments.after).scores)
    plateau = read_json(arguments.plateau)
    what = {"pretraining": arguments.pretraining, "seed": arguments.seed}
    what |= {key: plateau[key] for key in ("step", "tokens")}
    table = pd.DataFrame([row | what for row in rows], columns=list(COLUMNS["influence"])).round(
        dict.fromkeys(VALUES, 6)
    )
    with atomic_path(arguments.output) as temporary:
        table.to_csv(temporary, index=False)
    for row in rows:
        print(f"{row['set']}: {row['texts']:,} texts, mean influence {row.get('mean_nats', np.nan):.4f} nats per token")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", required=True, help="the exported student at its plateau")
    parser.add_argument("--after", required=True, help="the same after its probe")
    parser.add_argument("--organic", required=True, help="slices of the organic documents (Parquet)")
    parser.add_argument(
        "--about", required=True, help="what the config says of every set, its operation above all (JSON)"
    )
    shards = "NAME=SHARD[,SHARD...] of a set (Parquet)"
    parser.add_argument("--sets", nargs="*", type=named_prefix, default=[], help=shards)
    parser.add_argument("--texts", type=int, default=1000, help="most texts of a set to score (default: %(default)s)")
    parser.add_argument("--pretraining", required=True, help="its name, put into all rows")
    parser.add_argument("--seed", type=int, required=True, help="the student's")
    parser.add_argument("--plateau", required=True, help="its plateau.json: steps and tokens until then")
    parser.add_argument("--output", required=True, help="rows of the table (CSV)")
    run_command(main, parser)
