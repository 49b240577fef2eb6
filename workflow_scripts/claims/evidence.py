"""What quantities are computed from: settings of a pack with their bootstrap draws, picked by stream and G.

All settings of a validation set share their draws of documents, so differences of losses are paired.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.arms import ArmPack
from workflow_scripts.evaluation.results import Results
from workflow_scripts.evaluation.synpro_tables import SynProPack
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
    unigrams: pd.DataFrame | None = field(default=None, compare=False, repr=False)  # of the mixtures' training tokens
    candidates: pd.DataFrame | None = field(
        default=None, compare=False, repr=False
    )  # of the search of r and the recipe
    synpro: SynProPack | None = field(default=None, compare=False, repr=False)  # of arXiv 2605.17849
    methods: ArmPack | None = field(default=None, compare=False, repr=False)  # the comparison of all methods
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
