"""Laws of mixtures as JSON: parameters and predictions with bands, and what they rest on."""

import numpy as np

from workflow_scripts.scaling.drawn_laws import ends, losses_at, plain
from workflow_scripts.scaling.huber import huber_law
from workflow_scripts.scaling.mixture_laws import PARAMETERS, MixtureLaw, rmabe
from workflow_scripts.scaling.mixture_settings import identity


def laws_record(laws: list[MixtureLaw], share: float) -> dict:
    """All laws along one axis, as JSON."""
    axis = laws[0].axis
    symbol, letter = ("D", "b") if axis.law == "data" else ("N", "a")
    return {
        "form": f"L({symbol}) = A / {symbol}^{letter} + E, {symbol} in billions, loss in nats per token",
        axis.other: laws[0].settings[0].key[axis.other],
        "held_out": rmabe(laws, share),
        "laws": [law_record(law, share) for law in laws],
    }


def law_record(law: MixtureLaw, share: float) -> dict:
    """One law as JSON: points, parameters with bands, and the held-out point."""
    settings, found = law.settings, law.law
    return identity(law.mixture) | {
        "sizes": [s.key[law.axis.size] for s in settings],
        "losses_nats": [s.loss for s in settings],
        "seeds": min(s.seeds for s in settings),
        "documents": min(s.documents for s in settings),
        "points": len(settings),
        "freedom": len(settings) - PARAMETERS,
        "status": found.status,
        "A": plain(found.A),
        "exponent": plain(found.B),
        "exponent_band": ends(found.laws[:, 1], share),
        "E": plain(found.C),
        "E_band": ends(found.draws, share),
        "held_out": _held_out_record(law, share),
        "by_huber": _huber_record(law),
    }


def _held_out_record(law: MixtureLaw, share: float) -> dict:
    held, points = law.held_out, len(law.settings) - 1
    known = held.status == "predicted"
    return {
        "size": held.setting.key[law.axis.size],
        "points": points,
        "freedom": points - PARAMETERS,
        "status": held.status,
        "observed_nats": held.setting.loss,
        "predicted_nats": plain(held.predicted[0]) if known else None,
        "error_percent": plain(held.errors[0]) if known else None,
        "error_band": ends(held.errors[1:], share) if known else None,
        "absolute_percent": plain(abs(held.errors[0])) if known else None,
    }


def _huber_record(law: MixtureLaw) -> dict | None:
    """Exponent, E and the held-out error of the same points fitted in another way; None where there is no law."""
    if not (law.law.fitted and law.held_out.law.fitted):
        return None
    losses = np.array([s.loss for s in law.settings])
    _, exponent, floor = huber_law(law.law, law.sizes, losses)
    rest = np.array([huber_law(law.held_out.law, law.sizes[:-1], losses[:-1])])
    error = 100 * (losses_at(rest, law.sizes[-1])[0] / losses[-1] - 1)
    return {"exponent": exponent, "E": floor, "error_percent": float(error)}
