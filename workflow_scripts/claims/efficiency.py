"""Data efficiencies: by inversion of the baseline's law, and by interpolation between true larger sets."""

import numpy as np

from workflow_scripts.claims.evidence import MAIN, Evidence, NotMeasured, Value
from workflow_scripts.claims.pick import best_of, matching, pick, real_only, reference_tokens
from workflow_scripts.claims.powers import USABLE
from workflow_scripts.scaling.bootstrap import Setting, band
from workflow_scripts.scaling.efficiency import Baseline, efficiency_record, fit_baseline
from workflow_scripts.scaling.interpolation import interpolated_record
from workflow_scripts.scaling.law import NotIdentified

TIMES = "times real tokens"


def data_efficiency(evidence: Evidence, streams: list[str], generations: int | None = None) -> Value:
    """D'(L) / D'(L of real-only) of the best of some streams, by the law of the real-only students.

    Raises NotIdentified where the law is, or where the loss lies outside the baseline's own losses.
    """
    found = best_of(evidence, streams, generations)
    if evidence.laws:
        return _by_given_laws(evidence, found)
    base = baseline(evidence)
    record = efficiency_record(found, base, evidence.analysis.band)
    if record["efficiency"] is None:
        raise NotIdentified(f"{_label(found)}: {record['status']}")
    bounds, seeds = (record["low"], record["high"]), min(found.seeds, base.reference.seeds)
    return Value(record["efficiency"], *bounds, TIMES, found.documents, seeds, _label(found))


def interpolated_efficiency(evidence: Evidence, streams: list[str], generations: int | None = None) -> Value:
    """Real tokens at which the real-only students reach the loss, over D: log-linear between measured sets, no law.

    Raises NotIdentified where the loss lies outside those of the measured sets.
    """
    found, real = best_of(evidence, streams, generations), real_sets(evidence)
    record = interpolated_record(found, real, reference_tokens(evidence), evidence.analysis.band)
    if record["efficiency"] is None:
        raise NotIdentified(f"{_label(found)}: its loss is not between those of the measured real sets")
    seeds = min(s.seeds for s in [found, *real])
    return Value(record["efficiency"], record["low"], record["high"], TIMES, found.documents, seeds, _label(found))


def law_parameter(evidence: Evidence, parameter: str) -> Value:
    """A, B or C of the real-only law A / D^B + C, D in billions of tokens. Raises NotIdentified."""
    base = baseline(evidence)
    draws = np.array([getattr(law, parameter) for law in base.drawn if law])
    if len(draws) < USABLE * len(base.drawn):
        raise NotIdentified(f"no law in {1 - len(draws) / len(base.drawn):.0%} of draws")
    if parameter == "C":
        _require_identified(draws, min(s.loss for s in base.settings), evidence.analysis.band)
    unit = {"B": "exponent"}.get(parameter, "nats per token")
    return evidence.value(getattr(base.law, parameter), draws, unit, *base.settings, note=f"{len(base.settings)} sets")


def baseline(evidence: Evidence) -> Baseline:
    """The real-only law and its draws. Raises NotIdentified or NotMeasured."""
    if "baseline" not in evidence.known:
        evidence.known["baseline"] = fit_baseline(real_sets(evidence), reference_tokens(evidence))
    return evidence.known["baseline"]


def real_sets(evidence: Evidence) -> list[Setting]:
    """The real-only student of every D, ascending. Raises NotMeasured without any."""
    sizes = sorted({s.real_tokens for s in matching(evidence.settings(MAIN), stream="real")})
    if not sizes:
        raise NotMeasured("there are no real-only students")
    return [pick(evidence, MAIN, stream="real", real_tokens=size) for size in sizes]


def _require_identified(asymptotes: np.ndarray, lowest_loss: float, share: float) -> None:
    """Raise NotIdentified for an asymptote that the draws spread over half of what is possible, or that is at 0."""
    low, high = band(asymptotes, share)
    if high - low > lowest_loss / 2 or low < 1e-3:
        raise NotIdentified(f"the asymptote may lie anywhere from {low:.2f} to {high:.2f}")


def _by_given_laws(evidence: Evidence, found: Setting) -> Value:
    real, count = real_only(evidence), len(found.draws)
    laws = [evidence.laws[i % len(evidence.laws)] for i in range(count)]
    pairs = zip(laws, found.draws, real.draws, strict=True)
    draws = np.array([law.efficiency(loss, reference) for law, loss, reference in pairs])
    estimate = evidence.laws[0].efficiency(found.loss, real.loss)
    return evidence.value(estimate, draws, TIMES, found, real, note=f"{_label(found)}; published range of laws")


def _label(setting: Setting) -> str:
    return f"{setting.stream}, G = {setting.generations}" if setting.generations else setting.stream
