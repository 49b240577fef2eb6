"""Planted scores of SynPro's students on tasks (arXiv 2605.17849); all [assumed]."""

import numpy as np
import pandas as pd

from workflow_scripts.common.seeds import named_seed
from workflow_scripts.planted.synpro_truth import SynProTruth

TASKS = {"arc_easy": 0.25, "piqa": 0.5, "sciq": 0.25}  # accuracy of guesses
QUESTIONS = 1000


def in_loop_table(truth: SynProTruth, seed: int) -> pd.DataFrame:
    """Accuracy and loss of the gold answer of every student on three tasks: better with more effective tokens."""
    rows = []
    for name in truth.pretrainings:
        gain = np.log(truth.best(name) / truth.organic_tokens)
        for task, guessed in TASKS.items():
            for number in truth.seeds:
                chance = np.random.default_rng(named_seed("planted synpro", seed, "in loop", name, task, number))
                noise = chance.normal(0, 1, 2)
                key = {"pretraining": name, "seed": number, "task": task, "questions": QUESTIONS}
                rows += [
                    key | {"metric": "accuracy", "value": guessed + 0.02 * gain + 0.01 * noise[0], "stderr": 0.014},
                    key | {"metric": "gold_nats_per_byte", "value": 1.2 - 0.05 * gain + 0.005 * noise[1],
                           "stderr": 0.007},
                ]  # fmt: skip
    return pd.DataFrame(rows)
