"""Quantities of the paper's ablations, each from the study that has its students."""

import numpy as np

from workflow_scripts.claims.evidence import MAIN, Evidence, NotMeasured, Value
from workflow_scripts.claims.losses import NATS, slope
from workflow_scripts.claims.pick import at, generations_of, matching, pick, real_only
from workflow_scripts.scaling.bootstrap import Setting


def study_loss(evidence: Evidence, study: str, stream: str) -> Value:
    """Loss of the best student of a stream in a study."""
    found = pick(evidence, study, stream=stream)
    return evidence.value(found.loss, found.draws, NATS, found, note=_tuned(found))


def study_difference(evidence: Evidence, study: str, first: dict, second: dict) -> Value:
    """Loss of one kind of student minus that of another in the same study; each is named by columns of the table.

    Without a G both are compared at the largest one that both have.
    """
    count = _largest_common(evidence, study, first, second)
    a, b = (pick(evidence, study, **({"generations": count} | wanted)) for wanted in (first, second))
    note = f"{_tuned(a)} minus {_tuned(b)}"
    return evidence.value(a.loss - b.loss, a.draws - b.draws, NATS, a, b, note=note)


def over_real_only(evidence: Evidence, study: str, stream: str) -> Value:
    """Loss of the best student of a stream in a study minus that of the tuned real-only student."""
    found, real = pick(evidence, study, stream=stream), real_only(evidence)
    return evidence.value(found.loss - real.loss, found.draws - real.draws, NATS, found, real, note=_tuned(found))


def controlled_shrinkage(evidence: Evidence, stream: str) -> Value:
    """Lead over simple with simple's hyper-parameters minus the tuned lead, at the largest G; below 0: it shrinks."""
    study = "controlled_hyperparameters"
    count = min(generations_of(evidence, s, stream)[-1] for s in (study, MAIN))
    tuned, controlled = at(evidence, stream, count), at(evidence, stream, count, study)
    note = f"{stream}, G = {count}: {_tuned(controlled)} instead of {_tuned(tuned)}"
    difference = tuned.draws - controlled.draws  # simple itself cancels
    return evidence.value(tuned.loss - controlled.loss, difference, NATS, tuned, controlled, note=note)


def optimum_shift(evidence: Evidence, stream: str) -> Value:
    """Slope of log2(best real epochs) against log2(G), the best being chosen in every draw; above 0: it moves right."""
    study = "optimum_against_generations"
    choices = [_best_epochs(matching(_tried(evidence, study), stream=stream, generations=g))
               for g in generations_of(evidence, study, stream)]  # fmt: skip
    counts = np.array(generations_of(evidence, study, stream))
    if len(counts) < 2:
        raise NotMeasured(f"study {study} has {stream} at one count of generations")
    draws = np.stack([drawn for _, drawn, _ in choices])
    best = np.array([epochs for epochs, _, _ in choices])
    used = [setting for _, _, settings in choices for setting in settings]
    note = ", ".join(f"G = {g}: {2**e:.0f}" for g, e in zip(counts, best, strict=True))
    return evidence.value(slope(np.log2(counts), best), slope(np.log2(counts), draws), "doublings per doubling of G",
                          *used, note=f"best epochs {note}")  # fmt: skip


def gain_growth_with_size(evidence: Evidence, streams: list[str], generations: int | None = None) -> Value:
    """Gain over real-only of the largest student minus that of the smallest, each with its best stream."""
    study = "student_size"
    sizes = _sizes(evidence, study)
    if len(sizes) < 2:
        raise NotMeasured(f"study {study} has students of one size alone")
    gains = [_gain(evidence, study, student, streams, generations) for student in (sizes[0], sizes[-1])]
    estimate = (gains[1][0].loss - gains[1][1].loss) - (gains[0][0].loss - gains[0][1].loss)
    draws = (gains[1][0].draws - gains[1][1].draws) - (gains[0][0].draws - gains[0][1].draws)
    return evidence.value(estimate, draws, NATS, *gains[0], *gains[1], note=f"{sizes[0]} and {sizes[-1]}")


def _tried(evidence: Evidence, study: str) -> list[Setting]:
    """Settings on the documents that values are chosen on."""
    return evidence.settings(study, "tuning" if evidence.has(study, "tuning") else "validation")


def _best_epochs(settings: list[Setting]) -> tuple[float, np.ndarray, list[Setting]]:
    """log2 of the best number of epochs, the same in every draw, and the settings."""
    epochs = np.log2([s.real_epochs for s in settings])
    best = np.stack([s.draws for s in settings]).argmin(axis=0)
    return epochs[np.argmin([s.loss for s in settings])], epochs[best], settings


def _sizes(evidence: Evidence, study: str) -> list[str]:
    """Students of a study that have both real-only and synthetic runs, by parameters."""
    settings = evidence.settings(study)
    both = {s.student for s in settings if s.stream == "real"} & {s.student for s in settings if s.stream != "real"}
    parameters = evidence.results.students.groupby("student")["parameters"].first()
    return sorted(both, key=lambda student: parameters[student])


def _gain(evidence: Evidence, study: str, student: str, streams: list[str], count: int | None) -> tuple:
    """The real-only student of a size, and the best of some streams of that size."""
    real = pick(evidence, study, stream="real", student=student)
    known = {s.stream for s in matching(evidence.settings(study), student=student)}
    wanted = [pick(evidence, study, stream=s, student=student, generations=count) for s in streams if s in known]
    if not wanted:
        raise NotMeasured(f"study {study} has no {' or '.join(streams)} students of size {student}")
    return real, min(wanted, key=lambda s: s.loss)


def _largest_common(evidence: Evidence, study: str, first: dict, second: dict) -> int | None:
    found = [{s.generations for s in matching(evidence.settings(study), **wanted)} for wanted in (first, second)]
    if not all(found):
        missing = first if not found[0] else second
        raise NotMeasured(f"study {study} has no student with " + ", ".join(f"{k} {v}" for k, v in missing.items()))
    return max(found[0] & found[1], default=None)


def _tuned(s: Setting) -> str:
    mixed = f", mix {s.mixing_ratio:g}" if s.mixing_ratio else ""
    return f"{s.stream}{f' G = {s.generations}' if s.generations else ''} ({s.real_epochs} epochs{mixed})"
