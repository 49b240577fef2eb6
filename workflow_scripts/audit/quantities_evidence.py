"""What quantities are computed from: settings of a pack with their bootstrap draws, picked by stream and G.

All settings of a validation set share their draws of documents, so differences of losses are paired.
"""

from dataclasses import dataclass, field

import numpy as np

from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.results import Results
from workflow_scripts.scaling.bootstrap import Setting, band, settings_of
from workflow_scripts.scaling.law import DataLaw

IID = "validation"
MAIN = "data_efficiency"
TUNED = ("real_epochs", "mixing_ratio", "lr", "weight_decay")
ALONE = ("stream", "generations", "real_tokens", "student", "cross_document_attention", "alone")


class NotMeasured(Exception):
    """The pack lacks the students that a quantity needs; the message says which."""


@dataclass(frozen=True)
class Value:
    """A quantity with its band, and what the band rests on."""

    estimate: float
    low: float
    high: float
    unit: str
    documents: int = 0
    seeds: int = 0
    note: str = ""


@dataclass(frozen=True)
class Evidence:
    """A pack, how its bands are made, and laws that stand in where it has real-only students of one D alone."""

    results: Results
    analysis: Analysis = Analysis()
    laws: tuple[DataLaw, ...] = ()  # the first is the centre; empty: the pack's own
    known: dict = field(default_factory=dict, compare=False, repr=False)

    def settings(self, study: str, name: str = IID) -> list[Setting]:
        """Settings of a study on a validation set. Raises NotMeasured for a study or a set that the pack lacks."""
        if (study, name) not in self.known:
            self.known[study, name] = self._read(study, name)
        return self.known[study, name]

    def _read(self, study: str, name: str) -> list[Setting]:
        own = self.results.of_study(study)
        measured = set(own.losses.loc[own.losses["set"] == name, "run_id"])
        if not measured:
            raise NotMeasured(f"no student of study {study} is evaluated on {name}")
        return settings_of(own.of_students(measured), name, self.analysis.bootstrap_draws, ALONE + TUNED)

    def has(self, study: str, name: str = IID) -> bool:
        """Whether a study has students that are evaluated on a set."""
        try:
            return bool(self.settings(study, name))
        except NotMeasured:
            return False

    def value(self, estimate: float, draws: np.ndarray, unit: str, *used: Setting, note: str = "") -> Value:
        """A value with the band of its draws; documents and seeds are the fewest of the settings used."""
        low, high = band(draws, self.analysis.band)
        documents, seeds = min(s.documents for s in used), min(s.seeds for s in used)
        return Value(float(estimate), low, high, unit, documents, seeds, note)


def matching(settings: list[Setting], **wanted: object) -> list[Setting]:
    """Settings whose key has these values; what is None is not asked."""
    asked = {key: value for key, value in wanted.items() if value is not None}
    return [s for s in settings if all(s.key[key] == value for key, value in asked.items())]


def pick(evidence: Evidence, study: str, name: str = IID, **wanted: object) -> Setting:
    """The setting of a study that fits; of several, the best on the tuning documents.

    Where there are no tuning documents, the best on the reported set, as the authors choose. Raises NotMeasured.
    """
    found = matching(evidence.settings(study), **wanted)
    if not found:
        described = ", ".join(f"{key} {value}" for key, value in wanted.items() if value is not None)
        raise NotMeasured(f"study {study} has no student with {described}")
    if len(found) > 1 and evidence.has(study, "tuning"):
        tried = [s for s in evidence.settings(study, "tuning") if s.key in [f.key for f in found]]
        found = [f for f in found if f.key == min(tried, key=lambda s: s.loss).key] if tried else found
    best = min(found, key=lambda s: s.loss)
    if name == IID:
        return best
    other = [s for s in evidence.settings(study, name) if s.key == best.key]
    if not other:
        raise NotMeasured(f"the best {best.stream} student is not evaluated on {name}")
    return other[0]


def generations_of(evidence: Evidence, study: str, stream: str) -> list[int]:
    """Counts G of a stream in a study, ascending. Raises NotMeasured without any."""
    found = sorted({s.generations for s in matching(evidence.settings(study), stream=stream) if s.generations})
    if not found:
        raise NotMeasured(f"study {study} has no {stream} students")
    return found


def reference_tokens(evidence: Evidence, study: str = MAIN) -> int:
    """D of a study's synthetic students, which its real-only baseline shares. Raises NotMeasured without any."""
    found = {s.real_tokens for s in evidence.settings(study) if s.stream != "real"}
    if not found:
        raise NotMeasured(f"study {study} has no synthetic students")
    return min(found)


def real_only(evidence: Evidence, study: str = MAIN, name: str = IID, **wanted: object) -> Setting:
    """The real-only student at the reference D."""
    tokens = reference_tokens(evidence, study)
    return pick(evidence, study, name, stream="real", real_tokens=tokens, **wanted)


def at(evidence: Evidence, stream: str, generations: int | None = None, study: str = MAIN, name: str = IID) -> Setting:
    """A stream at G; without G at its largest one."""
    count = generations or generations_of(evidence, study, stream)[-1]
    return pick(evidence, study, name, stream=stream, generations=count)


def best_of(evidence: Evidence, streams: list[str], generations: int | None = None, study: str = MAIN) -> Setting:
    """The stream of the lowest loss at G among several, on the tuning documents where there are some."""
    found = [at(evidence, stream, generations, study) for stream in streams if _has(evidence, study, stream)]
    if not found:
        raise NotMeasured(f"study {study} has no {' or '.join(streams)} students")
    if len(found) > 1 and evidence.has(study, "tuning"):
        return min(found, key=lambda s: at(evidence, s.stream, s.generations, study, "tuning").loss)
    return min(found, key=lambda s: s.loss)


def _has(evidence: Evidence, study: str, stream: str) -> bool:
    return bool(matching(evidence.settings(study), stream=stream))
