"""One law of N and D per mixture, L = E + A / N^a + B / D^b, beside the separate laws: how well it predicts.

No such law is known of the paper; its form is that of Hoffmann et al. (2022). It is fitted by least squares on all
points but those with the largest N or the largest D, which it then predicts; N and D count in billions.
"""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.scaling.bootstrap import Setting
from workflow_scripts.scaling.drawn_laws import ends
from workflow_scripts.scaling.joint_fit import fit_joint, losses_of
from workflow_scripts.scaling.law import BILLION, NotIdentified
from workflow_scripts.scaling.mixture_laws import DATA, MODEL
from workflow_scripts.scaling.mixture_settings import Mixture, by_mixture, identity, mixture_name

FORMULA = "L = E + A / N^a + B / D^b, N and D in billions, loss in nats per token"
PARAMETERS = ("E", "A", "B", "a", "b")
COLUMNS = (MODEL.size, DATA.size)
SIZES = 3  # different N, and different D, that are fitted
DRAWS = 200  # that are fitted, at most


@dataclass(frozen=True)
class JointLaw:
    """A mixture's law without its largest points, and these."""

    mixture: Mixture
    fitted: list[Setting]
    held_out: list[Setting]
    laws: np.ndarray  # [1 + draws, 5] PARAMETERS of the losses and of every draw

    def errors(self, setting: Setting) -> np.ndarray:
        """[1 + draws] predicted minus observed over observed at a setting, in percent."""
        observed = losses_and_draws([setting], len(self.laws) - 1)[:, 0]
        return 100 * (losses_of(self.laws, *log_sizes([setting]))[:, 0] - observed) / observed


def log_sizes(settings: list[Setting]) -> np.ndarray:
    """[2, settings] logarithms of N and D in billions."""
    return np.log([[s.key[column] / BILLION for s in settings] for column in COLUMNS])


def losses_and_draws(settings: list[Setting], draws: int) -> np.ndarray:
    """[1 + draws, settings] losses, and the first draws of them."""
    return np.stack([np.concatenate([[s.loss], s.draws[:draws]]) for s in settings], axis=1)


def joint_law(mixture: Mixture, settings: list[Setting]) -> JointLaw:
    """Fit it. Raises NotIdentified where the points below the largest are too few, or of too few sizes."""
    largest = {column: max(s.key[column] for s in settings) for column in COLUMNS}
    held_out = [s for s in settings if any(s.key[column] == size for column, size in largest.items())]
    rest = [s for s in settings if all(s.key[column] < size for column, size in largest.items())]
    sizes = [len({s.key[column] for s in rest}) for column in COLUMNS]
    if len(rest) <= len(PARAMETERS) or min(sizes) < SIZES:
        raise NotIdentified(
            f"{len(rest)} points of {sizes[0]} N and {sizes[1]} D below the largest; a law of {len(PARAMETERS)} "
            f"parameters needs {len(PARAMETERS) + 1}, and {SIZES} of each"
        )
    logs, losses = log_sizes(rest), losses_and_draws(rest, DRAWS)
    units = logs.mean(axis=1, keepdims=True)  # fitting in these is well conditioned; the optimum is the same
    laws = fit_joint(*(logs - units), losses)
    laws[:, 1:3] *= np.exp(laws[:, 3:] * units.T)
    return JointLaw(mixture, rest, held_out, laws)


def joint_records(settings: list[Setting], share: float) -> dict:
    """The law of every mixture that has enough points, as JSON. Raises NotIdentified where none has."""
    rows, left_out = [], {}
    for mixture, own in by_mixture(settings).items():
        try:
            rows.append(joint_record(joint_law(mixture, own), share))
        except NotIdentified as reason:
            left_out[mixture_name(mixture)] = str(reason)
    if not rows:
        raise NotIdentified(next(iter(left_out.values())))
    return {"form": FORMULA, "laws": rows, "left_out": left_out}


def joint_record(law: JointLaw, share: float) -> dict:
    """One law as JSON."""
    errors = [law.errors(s) for s in law.held_out]
    bands = [ends(own, share) for own in law.laws[1:].T]
    return identity(law.mixture) | {
        "points": len(law.fitted),
        "freedom": len(law.fitted) - len(PARAMETERS),
        "parameters": dict(zip(PARAMETERS, law.laws[0].tolist(), strict=True)),
        "bands": dict(zip(PARAMETERS, bands, strict=True)),
        "draws": len(law.laws) - 1,
        "held_out": [
            {"student": s.student, **{column: s.key[column] for column in COLUMNS}, "error_percent": float(own[0]),
             "error_band": ends(own[1:], share)}
            for s, own in zip(law.held_out, errors, strict=True)
        ],
        "rmabe_percent": float(np.mean([abs(own[0]) for own in errors])),
    }  # fmt: skip
