"""Plant results: draw what evaluation would have measured of every student from a known law with known noise.

A document's loss is the reference, its own hardness, the student's difference from the reference (larger on long
documents), the seed's noise and noise of its own. Documents are the same for all students.
"""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import write_json
from workflow_scripts.common.seeds import named_seed
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Config
from workflow_scripts.config.runs import Run
from workflow_scripts.config.sizes import parameter_counts, total_steps
from workflow_scripts.config.studies import (
    EVERYTHING,
    METHODS,
    MIXTURES,
    downstream_runs,
    ensembles_of,
    expand_runs,
    replicated_runs,
)
from workflow_scripts.evaluation.collect import students_of
from workflow_scripts.evaluation.results import Results, empty, with_halves
from workflow_scripts.evaluation.seed_noise import seed_noise
from workflow_scripts.evaluation.tables import COLUMNS
from workflow_scripts.evaluation.take_apart import take_apart
from workflow_scripts.planted.law import Law
from workflow_scripts.planted.truth import Foreign, Task, Truth

IID = Foreign(offset=0, share=1)


@dataclass(frozen=True)
class Documents:
    """Documents of all sets, one array entry each."""

    table: pd.DataFrame  # set, doc_id, tokens, predicted_tokens
    hardness: np.ndarray  # nats per token of a student at the reference loss
    slope: np.ndarray  # nats per nat of a student's difference from the reference

    def losses(self, differences: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Summed losses in nats [students, documents]; differences from the reference [students], noise per token."""
        return (self.hardness + np.outer(differences, self.slope) + noise) * self.table["predicted_tokens"].to_numpy()


def plant(config: Config, seed: int, truth: Truth, runs: Iterable[Run] | None = None) -> Results:
    """Results of some students, `everyone` by default; the same seed gives the same."""
    law, scale = Law.of(config, truth), config.scales[config.scale]
    runs = everyone(config) if runs is None else list(runs)
    documents = draw_documents(truth, seed, bool(scale.corpus.tuning_fraction))
    noises = [_generator(seed, run.run_id) for run in runs]
    expected = np.array([law.loss(run) for run in runs])
    seeds = np.array([noise.normal(0, truth.seed_sd) for noise in noises])
    noise = np.stack([each.normal(0, truth.document_sd, len(documents.table)) for each in noises])
    sums = documents.losses(expected + seeds - truth.reference_loss, noise)
    losses = with_halves(_long(documents.table, "run_id", dict(zip([run.run_id for run in runs], sums, strict=True))))
    crowds = (EVERYTHING, MIXTURES, METHODS)
    seeds = {run.run_id for crowd in crowds for run in replicated_runs(runs, scale, crowd)}
    rows = [student_row(law, run, loss) for run, loss in zip(runs, expected, strict=True)]
    by_run = {run.run_id: place for place, run in enumerate(runs)}
    ensembles = [
        _ensemble(law, name, members, documents, sums[[by_run[run.run_id] for run in members]])
        for name, members in ensembles_of(runs, scale).items()
    ]
    asked = [(run, expected[by_run[run.run_id]]) for run in downstream_runs(runs, scale)]
    answers = [_answers(truth.tasks[task], task, run, loss, seed) for run, loss in asked for task in truth.tasks]
    return Results(
        pd.DataFrame(rows),
        losses,
        pd.concat(ensembles, ignore_index=True) if ensembles else empty("ensembles"),
        pd.DataFrame(answers, columns=COLUMNS["downstream"]),
        seed_noise(losses[losses["run_id"].isin(seeds)]),
    )


def everyone(config: Config) -> list[Run]:
    """All students of a scale: of the run table and of the search."""
    packs = (EVERYTHING, MIXTURES, METHODS)
    return list({run.run_id: run for pack in packs for run in students_of(config, pack)}.values())


def draw_documents(truth: Truth, seed: int, tuning: bool) -> Documents:
    """Documents of every set with their lengths and hardness."""
    sets = {"validation": IID} | ({"tuning": IID} if tuning else {}) | truth.out_of_distribution
    return _joined([_set(truth, seed, name, about) for name, about in sets.items()])


def _set(truth: Truth, seed: int, name: str, about: Foreign) -> Documents:
    generator = _generator(seed, "documents", name)
    count = truth.documents if about is IID else about.documents
    lengths = generator.normal(0, 1, count)  # in deviations of the logarithm of tokens
    middle = np.log(truth.mean_tokens) - truth.length_sd**2 / 2
    tokens = np.maximum(np.rint(np.exp(middle + truth.length_sd * lengths)), 2).astype(int)
    hardness = truth.reference_loss + about.offset + generator.normal(0, truth.hardness_sd, count)
    gain = 1 + truth.tilt * (lengths - truth.length_sd)  # the mean over tokens is 1
    ids = [f"planted-{name}-{number:04}" for number in range(count)]
    table = pd.DataFrame({"set": name, "doc_id": ids, "tokens": tokens, "predicted_tokens": tokens})
    return Documents(table, hardness, about.share * gain)


def _joined(parts: list[Documents]) -> Documents:
    table = pd.concat([part.table for part in parts], ignore_index=True)
    return Documents(table, *(np.concatenate([getattr(p, name) for p in parts]) for name in ("hardness", "slope")))


def student_row(law: Law, run: Run, loss: float) -> dict:
    """A student's row of a pack."""
    scale, stream = law.scale, stream_tokens(law, run)
    batch = (run.batch_sequences or scale.training.batch_sequences) * (run.context or scale.training.context)
    if run.budget_tokens:
        steps = total_steps(run.budget_tokens, batch, 1, 0.0)
    else:
        steps = total_steps(stream if run.alone else run.real_tokens, batch, run.real_epochs, run.mixing_ratio)
    real = steps * batch * (1 - run.mixing_ratio) / run.real_tokens if run.real_tokens else 0.0
    counts = parameter_counts(law.config.students[run.student], scale.corpus.tokenizer.vocabulary_size)
    return run.model_dump() | {
        "parameters": counts["total"],
        "non_embedding_parameters": counts["non_embedding"],
        "steps": steps,
        "trained_tokens": steps * batch,
        "real_epochs_seen": real if run.budget_tokens else float(run.real_epochs),
        "synthetic_epochs_seen": steps * batch * run.mixing_ratio / stream if stream else 0.0,
        "synthetic_stream_tokens": stream,
        "train_loss_nats": loss - law.truth.train_gap,
    }


def stream_tokens(law: Law, run: Run) -> int:
    """Tokens of a student's synthetic stream; [assumed] as many as it needs, where it is one of a mixture."""
    if run.stream == "real":
        return 0
    if run.budget_tokens:
        return round(run.budget_tokens * run.mixing_ratio)
    written = run.generations * law.truth.written_share.get(run.stream, law.truth.usual_share)
    return round(run.real_tokens * (1 + written))


def _ensemble(law: Law, name: str, members: list[Run], documents: Documents, sums: np.ndarray) -> pd.DataFrame:
    """The first 1, 2 .. members together: the mean of their losses, less what the law says that averaging saves."""
    counts = np.arange(1, len(members) + 1)
    saved = law.truth.ensemble_gains.get(members[0].stream, 0.1) * (1 - counts**-law.truth.ensemble_exponent)
    together = np.cumsum(sums, axis=0) / counts[:, None]
    together -= np.outer(saved, documents.slope * documents.table["predicted_tokens"].to_numpy())
    return with_halves(_long(documents.table, "members", dict(zip(counts.tolist(), together, strict=True)))).assign(
        ensemble=name
    )


def _answers(task: Task, name: str, run: Run, loss: float, seed: int) -> dict:
    """A row of the downstream table: right answers are drawn one by one."""
    chance = np.clip(task.accuracy + task.slope * (Truth().reference_loss - loss), 0.01, 0.99)
    accuracy = _generator(seed, run.run_id, name).binomial(task.questions, chance) / task.questions
    return {
        "run_id": run.run_id, "task": name, "metric": "acc", "accuracy": accuracy,
        "stderr": float(np.sqrt(accuracy * (1 - accuracy) / (task.questions - 1))), "questions": task.questions,
        "shots": 0, "split": task.split, "harness_version": "planted", "task_version": "planted",
    }  # fmt: skip


def _long(documents: pd.DataFrame, column: str, sums: dict) -> pd.DataFrame:
    """A row per key and document."""
    table = pd.concat([documents] * len(sums), ignore_index=True)
    table[column] = np.repeat(list(sums), len(documents))
    return table.assign(loss_sum_nats=np.concatenate(list(sums.values())))


def _generator(seed: int, *parts: str) -> np.random.Generator:
    return np.random.default_rng(named_seed("planted", seed, *parts))


def main(arguments: argparse.Namespace) -> None:
    """Write evaluations of all students, and the truth beside them."""
    config, truth = parse_settings(Config, arguments.config), Truth()
    runs = expand_runs(config)
    results = plant(config, arguments.seed, truth)
    take_apart(results, Path(arguments.folder), ensembles_of(runs, config.scales[config.scale]))
    write_json(Path(arguments.folder) / "truth.json", {"seed": arguments.seed} | Law.of(config, truth).record(runs))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="JSON of the whole config")
    parser.add_argument("--seed", type=int, default=0, help="of all noise (default: %(default)s)")
    parser.add_argument("--folder", required=True, help="folder of the scale's results")
    run_command(main, parser)
