"""The planted law of mixtures at a scale: losses of its students, and what the analysis has to find again."""

from collections.abc import Iterable

from workflow_scripts.config.models import Config
from workflow_scripts.config.runs import Run
from workflow_scripts.config.sizes import parameter_counts
from workflow_scripts.planted.mixtures import PlantedMixtures


def mixture_loss(config: Config, truth: PlantedMixtures, run: Run) -> float:
    """Expected i.i.d. loss of a student with a budget of tokens, in nats per token."""
    return truth.loss(run.stream, run.mixing_ratio, *relative_scale(config, run))


def relative_scale(config: Config, run: Run) -> tuple[float, float]:
    """Non-embedding parameters over the usual student's, and budget over the scale's largest."""
    scale = config.scales[config.scale]
    vocabulary, names = scale.corpus.tokenizer.vocabulary_size, (run.student, scale.training.student)
    own, usual = (parameter_counts(config.students[name], vocabulary)["non_embedding"] for name in names)
    rows = (rows for study in scale.studies.values() for rows in study.rows)
    largest = max((tokens for each in rows for tokens in each.budget_tokens or []), default=run.budget_tokens)
    return own / usual, run.budget_tokens / largest


def mixture_record(config: Config, truth: PlantedMixtures, runs: Iterable[Run]) -> dict:
    """E of every mixture, and the best share of every kind, student and budget."""
    own = [run for run in runs if run.budget_tokens and (run.stream == "real" or run.stream in truth.kinds)]
    mixtures = dict.fromkeys((run.stream, run.mixing_ratio) for run in own)
    places = {(run.stream, run.student, run.budget_tokens): run for run in own if run.stream != "real"}
    return {
        "E": [{"stream": s, "mixing_ratio": r, "E": truth.limit(s, r)} for s, r in mixtures],
        "best_shares": [
            {"stream": stream, "student": student, "budget_tokens": budget,
             "best": truth.best_share(stream, *relative_scale(config, run))}
            for (stream, student, budget), run in places.items()
        ],
    }  # fmt: skip
