"""Laws of mixtures over tokens and over parameters, each checked on its largest point (arXiv 2510.01631, section 4.1).

Data law: L(D) = A / D^b + E over budgets at one student. Model law: L(N) = A / N^a + E over students' non-embedding
parameters at one budget. D and N count in billions; losses are means over domains in nats per token. Both are fitted
by least squares with all parameters >= 0, for the losses and for every bootstrap draw. [assumed] RMABE is the mean
over held-out points of |predicted - observed| / observed.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.scaling.bootstrap import Setting, band
from workflow_scripts.scaling.drawn_laws import losses_at
from workflow_scripts.scaling.law import BILLION, NotIdentified
from workflow_scripts.scaling.limits import USABLE, Limit, limit_of_settings
from workflow_scripts.scaling.mixture_settings import Mixture, by_mixture

PARAMETERS = 3
FEWEST_FOR_PREDICTION = 3  # then the law passes through all points; a prediction still tests it, a floor does not


@dataclass(frozen=True)
class Axis:
    """What a law is a function of."""

    law: str
    study: str
    size: str  # column of settings
    other: str  # column that all its settings must share
    what: str  # the sizes, in the plural


DATA = Axis("data", "mixture_data", "budget_tokens", "student", "budgets")
MODEL = Axis("model", "mixture_size", "non_embedding_parameters", "budget_tokens", "sizes of student")


@dataclass(frozen=True)
class HeldOut:
    """The largest point, as a law of the smaller ones predicts it."""

    setting: Setting
    law: Limit  # of the others
    predicted: np.ndarray  # [1 + draws] nats per token; the first is the estimate, NaN where there is no law

    @cached_property
    def errors(self) -> np.ndarray:
        """[1 + draws] predicted minus observed over observed, in percent."""
        observed = np.concatenate([[self.setting.loss], self.setting.draws])
        return 100 * (self.predicted - observed) / observed

    @property
    def status(self) -> str:
        """`predicted`, or why there is no number."""
        if not np.isfinite(self.errors[0]):
            return self.law.status
        missing = np.isnan(self.errors[1:]).mean()
        return "predicted" if 1 - missing >= USABLE else f"not identified: no law in {missing:.0%} of draws"


@dataclass(frozen=True)
class MixtureLaw:
    """A mixture's settings over one size, ascending, their law, and the check of its prediction."""

    mixture: Mixture
    axis: Axis
    settings: list[Setting]
    law: Limit
    held_out: HeldOut

    @property
    def sizes(self) -> np.ndarray:
        """D or N of the settings in billions, the unit of `law`."""
        return sizes_of(self.axis, self.settings)


def mixture_laws(settings: list[Setting], axis: Axis, share: float) -> list[MixtureLaw]:
    """The law of every mixture. Raises UserError where the settings are of several of what a law holds fixed."""
    others = sorted({s.key[axis.other] for s in settings}, key=str)
    if len(others) > 1:
        raise UserError(
            f"study {axis.study}: a {axis.law} law needs one {axis.other}, there are {', '.join(map(str, others))}; "
            "leave all but one out of the study"
        )
    return [_law(mixture, axis, own, share) for mixture, own in by_mixture(settings).items()]


def sizes_of(axis: Axis, settings: list[Setting]) -> np.ndarray:
    """D or N in billions."""
    return np.array([s.key[axis.size] for s in settings]) / BILLION


def natural_law(laws: list[MixtureLaw]) -> MixtureLaw:
    """The law without synthetic text. Raises NotIdentified without one."""
    for law in laws:
        if not law.mixture[1]:
            return law
    raise NotIdentified("there are no students on natural text alone")


def _law(mixture: Mixture, axis: Axis, settings: list[Setting], share: float) -> MixtureLaw:
    own = sorted(settings, key=lambda s: s.key[axis.size])
    law = limit_of_settings(sizes_of(axis, own), own, share, axis.what)
    return MixtureLaw(mixture, axis, own, law, _held_out(axis, own, share))


def _held_out(axis: Axis, settings: list[Setting], share: float) -> HeldOut:
    *rest, last = settings
    size = last.key[axis.size] / BILLION
    what = f"{axis.what} below the largest"
    law = limit_of_settings(sizes_of(axis, rest), rest, share, what, FEWEST_FOR_PREDICTION)
    laws = np.vstack([[law.A, law.B, law.C], law.laws if law.fitted else np.full((len(last.draws), 3), np.nan)])
    return HeldOut(last, law, losses_at(laws, size))


def rmabe(laws: list[MixtureLaw], share: float) -> dict:
    """RMABE in percent over the mixtures whose largest point is predicted, with its band.

    The band's middle lies above the estimate where errors are within noise: noise never makes an absolute error small.
    """
    errors = [np.abs(law.held_out.errors) for law in laws if law.held_out.status == "predicted"]
    if not errors:
        return {"rmabe_percent": None, "low": None, "high": None, "held_out_points": 0}
    mean = np.nanmean(errors, axis=0)
    low, high = band(mean[1:], share)
    return {"rmabe_percent": float(mean[0]), "low": low, "high": high, "held_out_points": len(errors)}
