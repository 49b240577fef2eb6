"""Every arm of the comparison: its losses, what it gains over the controls, its data efficiency, what it costs.

All arms share their draws of documents, so differences are paired. Gains are in nats per token, positive where the arm
is better. `oracle_share`: (repetition - arm) / (repetition - oracle), as SBP reports it (arXiv 2509.15248).
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_path, write_json
from workflow_scripts.config.comparison import SIMPLE
from workflow_scripts.config.comparison_rows import AS_SIMPLE, COMPARISON
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.arm_table import ORACLE, REPETITION
from workflow_scripts.evaluation.arms import ArmPack, read_arms
from workflow_scripts.scaling.bootstrap import Setting, band, settings_of
from workflow_scripts.scaling.efficiency import Baseline, efficiency_record, fit_baseline, law_record
from workflow_scripts.scaling.law import NotIdentified

IID = "validation"
KEY = ("stream", "real_tokens")
VALUES = ("real_epochs", "mixing_ratio", "lr", "weight_decay")
NOTHING = {"efficiency": None, "low": None, "high": None}


@dataclass(frozen=True)
class Study:
    """A pack with its bootstrap draws."""

    pack: ArmPack
    analysis: Analysis

    def settings(self, study: str, name: str = IID) -> dict[str, Setting]:
        """Arms by name on a validation set; controls in the tuned study alone."""
        results = self.pack.results.of_study(study)
        if results.students.empty:
            return {}
        found = {tuple(s.key.values()): s for s in settings_of(results, name, self.analysis.bootstrap_draws, KEY)}
        keys = {arm: (row["stream"], row["real_tokens"]) for arm, row in self.pack.arms.iterrows()}
        return {arm: found[key] for arm, key in keys.items() if key in found}

    @cached_property
    def tuned(self) -> dict[str, Setting]:
        """All arms on the i.i.d. validation set."""
        found = self.settings(COMPARISON)
        if missing := [arm for arm in self.pack.arms.index if arm not in found]:
            raise UserError(
                f"arm {missing[0]} has no student in the study {COMPARISON}: it is listed in arms.csv alone"
            )
        return found

    @cached_property
    def as_simple(self) -> dict[str, Setting]:
        """Arms whose students have the hyper-parameters of simple rephrases, on the i.i.d. validation set."""
        return self.settings(AS_SIMPLE)

    @cached_property
    def baseline(self) -> Baseline:
        """Law of the students of natural text. Raises NotIdentified."""
        results = self.pack.results.of_study(COMPARISON)
        settings = settings_of(results, IID, self.analysis.bootstrap_draws, ("stream", "generations", "real_tokens"))
        return fit_baseline(settings, int(self.pack.arms.loc[REPETITION, "real_tokens"]))

    def band(self, draws: np.ndarray) -> tuple[float, float]:
        """Central interval of draws."""
        return band(draws, self.analysis.band)

    def gain(self, arm: str, over: str) -> dict:
        """Nats that an arm's loss is below another's, with its band."""
        one, other = self.tuned[arm], self.tuned[over]
        low, high = self.band(other.draws - one.draws)
        return {"gain": other.loss - one.loss, "low": low, "high": high}

    def oracle_share(self, arm: str) -> dict:
        """Share of what fresh text gains over repetition; none where the oracle's own gain is not above 0."""
        base, best, own = self.tuned[REPETITION], self.tuned[ORACLE], self.tuned[arm]
        whole = base.draws - best.draws
        if self.band(whole)[0] <= 0:
            return {"share": None, "low": None, "high": None}
        low, high = self.band((base.draws - own.draws) / whole)
        return {"share": (base.loss - own.loss) / (base.loss - best.loss), "low": low, "high": high}

    def efficiency(self, arm: str) -> dict:
        """Data efficiency with its band, or the reason for none."""
        try:
            return efficiency_record(self.tuned[arm], self.baseline, self.analysis.band)
        except NotIdentified as reason:
            return {"status": f"not identified: {reason}", **NOTHING}

    def kept_as_simple(self, arm: str) -> dict:
        """Gain over simple rephrases where the arm has their hyper-parameters; none for controls."""
        own = self.as_simple
        if arm not in own or SIMPLE not in own:
            return {"gain": None, "low": None, "high": None}
        low, high = self.band(own[SIMPLE].draws - own[arm].draws)
        return {"gain": own[SIMPLE].loss - own[arm].loss, "low": low, "high": high}


def values_of(study: Study, arm: str) -> dict:
    """Hyper-parameters of an arm's students, and what they are trained on."""
    students, row = study.pack.results.of_study(COMPARISON).students, study.pack.arms.loc[arm]
    own = students[(students["stream"] == row["stream"]) & (students["real_tokens"] == row["real_tokens"])].iloc[0]
    counts = ("steps", "trained_tokens", "real_epochs_seen", "synthetic_epochs_seen")
    return {name: own[name] for name in (*VALUES, *counts)}


def row_of(study: Study, arm: str) -> dict:
    """An arm's row of comparison.csv."""
    facts, setting = study.pack.arms.loc[arm].to_dict(), study.tuned[arm]
    low, high = study.band(setting.draws)
    parts = {
        "efficiency": study.efficiency(arm),
        "over_repetition": study.gain(arm, REPETITION),
        "over_simple": study.gain(arm, SIMPLE),
        "oracle": study.oracle_share(arm),
        "as_simple": study.kept_as_simple(arm),
    }
    named = {
        f"{part}_{name}" if name != part else part: value for part, own in parts.items() for name, value in own.items()
    }
    total = {"total_flops": facts["generation_flops"] + facts["training_flops"]}
    return facts | values_of(study, arm) | {
        "seeds": setting.seeds, "documents": setting.documents, "loss_nats": setting.loss, "low": low, "high": high,
    } | named | total  # fmt: skip


def set_rows(study: Study) -> Iterator[dict]:
    """A row per arm and validation set: loss, and gain over repetition there."""
    for name in study.pack.results.sets:
        found = study.settings(COMPARISON, name)
        for arm, setting in found.items():
            gained = found[REPETITION].draws - setting.draws
            low, high = study.band(gained)
            yield {
                "arm": arm, "title": study.pack.arms.loc[arm, "title"], "set": name, "seeds": setting.seeds,
                "documents": setting.documents, "loss_nats": setting.loss,
                "gain_nats": found[REPETITION].loss - setting.loss, "low": low, "high": high,
            }  # fmt: skip


def record_of(study: Study, rows: list[dict]) -> dict:
    """Law, band and rows as JSON."""
    share = study.analysis.band
    try:
        law = {"status": "fitted", "law": law_record(study.baseline, share)}
    except NotIdentified as reason:
        law = {"status": f"not identified: {reason}", "law": None}
    return {"band": share, "draws": study.analysis.bootstrap_draws, **law, "arms": rows}


def main(arguments: argparse.Namespace) -> None:
    """Write the table of arms, the table of sets, and both with the law."""
    study = Study(read_arms(arguments.pack), parse_settings(Analysis, arguments.settings))
    table = pd.DataFrame([row_of(study, arm) for arm in study.pack.arms.index])
    sets = pd.DataFrame(set_rows(study))
    for path, own in ((arguments.summary, table), (arguments.sets, sets)):
        with atomic_path(path) as temporary:
            own.to_csv(temporary, index=False)
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    write_json(arguments.output, record_of(study, rows))
    shown = table.sort_values("loss_nats")[["arm", "loss_nats", "efficiency", "efficiency_low", "efficiency_high"]]
    print(shown.to_string(index=False, float_format="{:.4f}".format))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", required=True, help="folder of the comparison's tables")
    parser.add_argument("--settings", required=True, help="JSON of the `analysis` section of the config")
    parser.add_argument("--summary", required=True, help="a row per arm (CSV)")
    parser.add_argument("--sets", required=True, help="a row per arm and validation set (CSV)")
    parser.add_argument("--output", required=True, help="law and arms (JSON)")
    run_command(main, parser)
