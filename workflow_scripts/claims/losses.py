"""Quantities of losses against generations per document; differences are paired over documents."""

from collections.abc import Callable

import numpy as np

from workflow_scripts.claims.evidence import IID, MAIN, Evidence, NotMeasured, Value
from workflow_scripts.claims.pick import at, best_of, generations_of, real_only
from workflow_scripts.scaling.bootstrap import Setting

NATS = "nats per token"
STEP = "nats per doubling of 1 + G"


def loss(evidence: Evidence, streams: list[str], generations: int | None = None, name: str = IID) -> Value:
    """Loss of the best of some streams at G, or at its largest G; of `real`, at the reference D."""
    found = real_only(evidence, name=name) if streams == ["real"] else best_of(evidence, streams, generations)
    if name != IID and streams != ["real"]:
        found = at(evidence, found.stream, found.generations, name=name)
    return evidence.value(found.loss, found.draws, NATS, found, note=_label(found))


def gain_over_real(evidence: Evidence, streams: list[str], generations: int | None = None) -> Value:
    """Loss of real documents alone minus the loss of the best of some streams."""
    real, found = real_only(evidence), best_of(evidence, streams, generations)
    return evidence.value(real.loss - found.loss, real.draws - found.draws, NATS, real, found, note=_label(found))


def gain_elsewhere(evidence: Evidence, streams: list[str], generations: int | None = None) -> Value:
    """Loss of real-only minus that of the best of some streams, mean over the out-of-distribution sets."""
    names = [name for name in evidence.results.of_study(MAIN).sets if name not in (IID, "short", "long")]
    if not names:
        raise NotMeasured("there are no out-of-distribution sets")
    chosen = best_of(evidence, streams, generations)
    real = [real_only(evidence, name=name) for name in names]
    found = [at(evidence, chosen.stream, chosen.generations, name=name) for name in names]
    gains = [(a.loss - b.loss, a.draws - b.draws) for a, b in zip(real, found, strict=True)]
    estimate, draws = (np.mean(column, axis=0) for column in zip(*gains, strict=True))
    return evidence.value(estimate, draws, NATS, *real, *found, note=f"{_label(chosen)}; {', '.join(names)}")


def largest_rise(evidence: Evidence, stream: str) -> Value:
    """Largest change of the loss from one G to the next, real-only being G = 0; below 0 where it falls throughout."""
    return _of_curve(evidence, [real_only(evidence), *_curve(evidence, stream)], lambda g, x: np.diff(x, axis=0).max(0))


def whole_change(evidence: Evidence, stream: str) -> Value:
    """Slope of the loss against log2(1 + G), real-only included; below 0 where more generations help."""
    settings = [real_only(evidence), *_curve(evidence, stream)]
    return _of_curve(evidence, settings, lambda g, x: slope(np.log2(1 + g), x), STEP)


def bend(evidence: Evidence, stream: str, knee: int) -> Value:
    """Gain per doubling of 1 + G after the knee minus that before it; below 0 where the curve flattens."""
    settings = [real_only(evidence), *_curve(evidence, stream)]
    knee = max((s.generations for s in settings[:-1] if s.generations <= knee), default=0)
    if not knee:
        raise NotMeasured(f"{stream} has no two counts of generations, one of them at most the knee")
    return _of_curve(evidence, settings, lambda g, x: bend_of(np.log2(1 + g), x, int(np.where(g == knee)[0][0])), STEP)


def worst_excess(evidence: Evidence, stream: str, over: str, study: str = MAIN) -> Value:
    """Largest loss of a stream minus that of another at equal G; at most 0 where it is nowhere worse."""
    return _of_pairs(evidence, stream, over, study, lambda g, x: x.max(0), NATS)


def mean_excess(evidence: Evidence, stream: str, over: str, study: str = MAIN) -> Value:
    """Loss of a stream minus that of another at equal G, mean over the counts that both have."""
    return _of_pairs(evidence, stream, over, study, lambda g, x: x.mean(0), NATS)


def gap_widening(evidence: Evidence, stream: str, over: str, study: str = MAIN) -> Value:
    """Slope of (loss of `over` minus loss of `stream`) against log2(1 + G); above 0 where the gap widens."""
    return _of_pairs(evidence, stream, over, study, lambda g, x: -slope(np.log2(1 + g), x), STEP)


def gap_by_length(evidence: Evidence, stream: str, over: str) -> Value:
    """Lead of a stream over another on long documents minus that on short ones, at the largest G of both."""
    count = _common(evidence, stream, over, MAIN)[-1]
    long, short = ([at(evidence, s, count, name=name) for s in (over, stream)] for name in ("long", "short"))
    estimate = (long[0].loss - long[1].loss) - (short[0].loss - short[1].loss)
    draws = (long[0].draws - long[1].draws) - (short[0].draws - short[1].draws)
    return evidence.value(estimate, draws, NATS, *long, *short, note=f"G = {count}")


def slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Least-squares slopes of y [points, ...] against x [points]."""
    centred = x - x.mean()
    return np.tensordot(centred / (centred**2).sum(), y, axes=1)


def bend_of(x: np.ndarray, y: np.ndarray, knee: int) -> np.ndarray:
    """Fall of y [points, ...] per unit of x after point `knee` minus that before it."""
    early, late = (y[0] - y[knee]) / (x[knee] - x[0]), (y[knee] - y[-1]) / (x[-1] - x[knee])
    return late - early


def _curve(evidence: Evidence, stream: str) -> list[Setting]:
    return [at(evidence, stream, count) for count in generations_of(evidence, MAIN, stream)]


def _common(evidence: Evidence, stream: str, over: str, study: str) -> list[int]:
    found = set(generations_of(evidence, study, stream)) & set(generations_of(evidence, study, over))
    if not found:
        raise NotMeasured(f"{stream} and {over} share no count of generations")
    return sorted(found)


def _of_curve(evidence: Evidence, settings: list[Setting], function: Callable, unit: str = NATS) -> Value:
    counts = np.array([s.generations for s in settings])
    losses, draws = np.array([s.loss for s in settings]), np.stack([s.draws for s in settings])
    note = "G = " + ", ".join(map(str, counts))
    return evidence.value(function(counts, losses), function(counts, draws), unit, *settings, note=note)


def _of_pairs(evidence: Evidence, stream: str, over: str, study: str, function: Callable, unit: str) -> Value:
    counts = _common(evidence, stream, over, study)
    if len(counts) < 2 and unit == STEP:
        raise NotMeasured(f"{stream} and {over} share one count of generations")
    first, second = ([at(evidence, s, count, study) for count in counts] for s in (stream, over))
    losses = np.array([a.loss - b.loss for a, b in zip(first, second, strict=True)])
    draws = np.stack([a.draws - b.draws for a, b in zip(first, second, strict=True)])
    note = "G = " + ", ".join(map(str, counts))
    return evidence.value(
        function(np.array(counts), losses), function(np.array(counts), draws), unit, *first, *second, note=note
    )


def _label(setting: Setting) -> str:
    return f"{setting.stream}, G = {setting.generations}" if setting.generations else setting.stream
