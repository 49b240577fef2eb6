"""Quantities of mixtures' fits (arXiv 2510.01631): hold-out errors, floors, speed-ups."""

import numpy as np

from workflow_scripts.claims.evidence import Evidence, NotMeasured, Value
from workflow_scripts.claims.losses import NATS
from workflow_scripts.claims.mixtures import EXTREMES, settings_of_mixtures
from workflow_scripts.scaling.drawn_laws import ends
from workflow_scripts.scaling.law import NotIdentified
from workflow_scripts.scaling.mixture_laws import DATA, MODEL, MixtureLaw, mixture_laws, rmabe
from workflow_scripts.scaling.mixture_settings import mixture_name
from workflow_scripts.scaling.speed_up import interpolated, speed_up_at_ends

AXES = {"tokens": DATA, "size": MODEL}
TIMES = "times natural tokens"


def held_out_error(evidence: Evidence, along: str) -> Value:
    """RMABE of the largest budget or student, which a law of the smaller ones predicts, over all mixtures."""
    laws, share = laws_of(evidence, along), evidence.analysis.band
    found = rmabe(laws, share)
    if found["rmabe_percent"] is None:
        raise NotIdentified(laws[0].held_out.status)
    note = f"{found['held_out_points']} of {len(laws)} mixtures predicted"
    return Value(found["rmabe_percent"], found["low"], found["high"], "percent", *_counts(laws), note)


def floor_excess(evidence: Evidence, of: str, over: str, along: str = "tokens") -> Value:
    """E of a mixture's law minus the lowest or the highest E among the other mixtures whose E is identified."""
    laws = laws_of(evidence, along)
    own = law_of(laws, of)
    if not own.law.identified:
        raise NotIdentified(f"{of}: {own.law.status}")
    others = [law for law in laws if law is not own and law.law.identified]
    if not others:
        raise NotIdentified("no other mixture has an E that is identified")
    extreme = EXTREMES[over]
    floors, draws = np.array([law.law.C for law in others]), np.stack([law.law.draws for law in others])
    nearest = mixture_name(others[int(np.where(floors == extreme(floors))[0][0])].mixture)
    excess = np.concatenate([[own.law.C - extreme(floors)], own.law.draws - extreme(draws, axis=0)])
    note = f"{of} minus {nearest}, of {len(others) + 1} of {len(laws)} mixtures with an E"
    return _usable(evidence, excess, NATS, [own, *others], note)


def speed_up_growth(evidence: Evidence, of: str) -> Value:
    """Speed-up over natural text at the lowest loss that both curves reach, over that at the highest, by both laws."""
    laws, losses, ratios = _speed_ups(evidence, of)
    note = f"{of} from loss {losses[0]:.3f} to {losses[1]:.3f}"
    return _usable(evidence, ratios[:, 1] / ratios[:, 0], "times the first speed-up", laws, note)


def speed_up_at_largest(evidence: Evidence, of: str) -> Value:
    """Speed-up over natural text at the lowest loss that both measured curves reach, by both laws."""
    laws, losses, ratios = _speed_ups(evidence, of)
    return _usable(evidence, ratios[:, 1], TIMES, laws, f"{of} at loss {losses[1]:.3f}")


def speed_up_interpolated(evidence: Evidence, of: str) -> Value:
    """The same without a law, at the largest budget of a mixture whose loss natural text reaches."""
    laws = laws_of(evidence, "tokens")
    natural, own = law_of(laws, "natural"), law_of(laws, of)
    rows = [row for row in interpolated(natural, own, evidence.analysis.band) if row["band"]]
    if not rows:
        raise NotIdentified(f"{of}: no loss lies between those of natural text")
    note = f"{of}, {rows[-1]['mixture_tokens']:,} tokens"
    return Value(rows[-1]["speed_up"], *rows[-1]["band"], TIMES, *_counts([natural, own]), note)


def laws_of(evidence: Evidence, along: str) -> list[MixtureLaw]:
    """Laws of all mixtures along tokens or size. Raises NotMeasured where the pack lacks the study."""
    axis = AXES[along]
    if ("mixture laws", along) not in evidence.known:
        settings = settings_of_mixtures(evidence, axis.study)
        evidence.known["mixture laws", along] = mixture_laws(settings, axis, evidence.analysis.band)
    return evidence.known["mixture laws", along]


def law_of(laws: list[MixtureLaw], name: str) -> MixtureLaw:
    """The law of a mixture. Raises NotMeasured without one."""
    for law in laws:
        if mixture_name(law.mixture) == name:
            return law
    raise NotMeasured(f"there is no student on {name}")


def _speed_ups(evidence: Evidence, of: str) -> tuple[list[MixtureLaw], np.ndarray, np.ndarray]:
    """Both laws, and what `speed_up_at_ends` finds of them."""
    laws = [law_of(laws_of(evidence, "tokens"), name) for name in ("natural", of)]
    return laws, *speed_up_at_ends(*laws)


def _counts(laws: list[MixtureLaw]) -> tuple[int, int]:
    """Fewest documents and seeds."""
    used = [s for law in laws for s in law.settings]
    return min(s.documents for s in used), min(s.seeds for s in used)


def _usable(evidence: Evidence, found: np.ndarray, unit: str, laws: list[MixtureLaw], note: str) -> Value:
    """A value of [1 + draws], the estimate first. Raises NotIdentified where too many draws have no law."""
    spread = ends(found[1:], evidence.analysis.band)
    if not np.isfinite(found[0]) or spread is None:
        raise NotIdentified(f"{note}: no law in {np.isnan(found[1:]).mean():.0%} of draws")
    return Value(float(found[0]), *spread, unit, *_counts(laws), note)
