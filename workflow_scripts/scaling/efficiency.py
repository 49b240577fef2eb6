"""Loss of every setting with its band, the real-only data law, and each method's data efficiency by inversion.

A loss outside the range of the baseline's measured losses gets no number: the law is not extrapolated.
"""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import atomic_path, write_json
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.results import read_results
from workflow_scripts.scaling.bootstrap import Setting, band, settings_of
from workflow_scripts.scaling.law import DataLaw, NotIdentified, fit_data_law, fit_data_laws

IID = "validation"


@dataclass(frozen=True)
class Baseline:
    """Real-only settings, their law, and a law per bootstrap draw (none where a draw's law is not identified)."""

    settings: list[Setting]
    reference: Setting
    law: DataLaw
    drawn: list[DataLaw | None]

    def in_range(self, loss: float) -> bool:
        """Whether the baseline's own losses enclose `loss`."""
        losses = [setting.loss for setting in self.settings]
        return min(losses) <= loss <= max(losses)


def fit_baseline(settings: list[Setting], real_tokens: int) -> Baseline:
    """Law of the real-only settings. Raises NotIdentified when they don't determine one."""
    real = sorted((setting for setting in settings if setting.stream == "real"), key=lambda s: s.real_tokens)
    tokens = np.array([setting.real_tokens for setting in real])
    law = fit_data_law(tokens, np.array([setting.loss for setting in real]))
    found = fit_data_laws(tokens, np.stack([setting.draws for setting in real], axis=1))
    drawn = [DataLaw(*law.tolist()) if np.isfinite(law).all() else None for law in found]
    reference = next(setting for setting in real if setting.real_tokens == real_tokens)
    return Baseline(real, reference, law, drawn)


def law_record(baseline: Baseline, share: float) -> dict:
    """Law with bands; an asymptote that the draws spread over most of its possible range is called not identified."""
    laws = [law for law in baseline.drawn if law]
    bands = {name: band(np.array([getattr(law, name) for law in laws]), share) for name in "ABC"}
    highest_c = min(setting.loss for setting in baseline.settings)
    identified = bands["C"][1] - bands["C"][0] < 0.5 * highest_c and bands["C"][0] > 1e-3
    residuals = [setting.loss - float(baseline.law.loss(setting.real_tokens)) for setting in baseline.settings]
    return {
        "form": "L(D) = A / D^B + C, D in billions of tokens, loss in nats per token",
        **{name: getattr(baseline.law, name) for name in "ABC"},
        **{f"{name}_band": bands[name] for name in "ABC"},
        "asymptote_identified": bool(identified),
        "residuals_nats": residuals,
        "points": len(baseline.settings),
        "draws_identified": len(laws) / len(baseline.drawn),
        "range_tokens": [baseline.settings[0].real_tokens, baseline.settings[-1].real_tokens],
    }


def efficiency_record(setting: Setting, baseline: Baseline, share: float) -> dict:
    """Data efficiency with its band, or a sentence that says why there is none."""
    if not baseline.in_range(setting.loss):
        return {"status": "outside the law's range", "efficiency": None, "low": None, "high": None}
    value = baseline.law.efficiency(setting.loss, baseline.reference.loss)
    drawn = _drawn_efficiencies(baseline, setting.draws)
    usable = drawn[np.isfinite(drawn)]
    if len(usable) < 0.9 * len(drawn):
        return {"status": f"not identified in {1 - len(usable) / len(drawn):.0%} of draws", "efficiency": None,
                "low": None, "high": None}  # fmt: skip
    low, high = band(usable, share)
    return {"status": "measured", "efficiency": value, "low": low, "high": high}


def _drawn_efficiencies(baseline: Baseline, losses: np.ndarray) -> np.ndarray:
    """[draws] D'(loss) / D'(reference), as `DataLaw.efficiency`; NaN where a draw has no law or can't be inverted."""
    exponent, floor = np.array([(law.B, law.C) if law else (np.nan, np.nan) for law in baseline.drawn]).T
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        above, reference = losses - floor, baseline.reference.draws - floor
        return np.where((above > 0) & (reference > 0), (reference / above) ** (1 / exponent), np.nan)


def summary_rows(sets: dict[str, list[Setting]], share: float) -> Iterable[dict]:
    """A row per setting and validation set: mean loss over seeds, its band, n."""
    for name, settings in sets.items():
        for s in settings:
            low, high = band(s.draws, share)
            yield {
                "set": name, "stream": s.stream, "generations": s.generations, "real_tokens": s.real_tokens,
                "seeds": s.seeds, "documents": s.documents, "loss_nats": s.loss, "low": low, "high": high,
            }  # fmt: skip


def analyse(settings: list[Setting], real_tokens: int, share: float) -> dict:
    """The law and every setting's efficiency; a law that is not identified gives the reason instead."""
    try:
        baseline = fit_baseline(settings, real_tokens)
    except NotIdentified as reason:
        return {"status": f"not identified: {reason}", "law": None, "efficiencies": []}
    rows = [
        {"stream": s.stream, "generations": s.generations, "real_tokens": s.real_tokens, "loss_nats": s.loss,
         **efficiency_record(s, baseline, share)}
        for s in settings
    ]  # fmt: skip
    return {"status": "fitted", "law": law_record(baseline, share), "efficiencies": rows}


def main(arguments: argparse.Namespace) -> None:
    """Write the summary of losses and the analysis."""
    analysis = parse_settings(Analysis, arguments.settings)
    results = read_results(arguments.results)
    sets = {name: settings_of(results, name, analysis.bootstrap_draws) for name in results.sets}
    with atomic_path(arguments.summary) as temporary:
        pd.DataFrame(summary_rows(sets, analysis.band)).to_csv(temporary, index=False)
    record = {"band": analysis.band, "draws": analysis.bootstrap_draws, "seeds": min(s.seeds for s in sets[IID])}
    write_json(arguments.output, record | analyse(sets[IID], arguments.real_tokens, analysis.band))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON of the `analysis` section of the config")
    parser.add_argument("--real-tokens", type=int, required=True, help="D at which the baseline has efficiency 1")
    parser.add_argument("--results", required=True, help="pack of the study data_efficiency")
    parser.add_argument("--summary", required=True, help="loss and band per setting and set (CSV)")
    parser.add_argument("--output", required=True, help="law and data efficiencies (JSON)")
    run_command(main, parser)
