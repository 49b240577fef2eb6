"""The rectified law L(D) = B / (D_l + D^b) + E against the power law B / D^b + E, by the largest points held out.

arXiv 2503.19551, after 2402.02314; D_l: what is learnt before the first token of the curve. [assumed] Both laws are
least squares of the losses without the last two points; what is compared is the mean absolute error at those two.
D_l has the unit of D^b, so it is also given as a share of D_l + D^b at the smallest size: 0 where it says nothing.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workflow_scripts.scaling.bootstrap import band
from workflow_scripts.scaling.fit import Problem, fit, refit_all
from workflow_scripts.scaling.forms import FORMS
from workflow_scripts.scaling.law import NotIdentified

HELD_OUT = 2
LAWS = ("power_law", "rectified")
FEWEST = HELD_OUT + len(FORMS["rectified"].parameters) + 1
NOTHING = 0.01  # a share of D_l whose band begins below it is compatible with 0


@dataclass(frozen=True)
class LossCurve:
    """Losses by tokens, ascending; the first row is the estimate, the others are bootstrap draws."""

    name: str
    tokens: np.ndarray  # [points]
    losses: np.ndarray  # [1 + draws, points] nats per token
    seeds: int
    counted: dict[str, int]  # how many documents or parts of them the losses are means over


@dataclass(frozen=True)
class Comparison:
    """Both laws of a curve without its last points; `thetas` are logarithms of parameters [1 + draws, parameters]."""

    curve: LossCurve
    thetas: dict[str, np.ndarray]

    def predicted(self, law: str, tokens: np.ndarray) -> np.ndarray:
        """[1 + draws, tokens] losses of a law in nats per token."""
        columns = {"x": np.log(np.asarray(tokens, dtype=float))}
        return np.exp([FORMS[law].log_loss(theta, columns)[0] for theta in self.thetas[law]])

    def error(self, law: str) -> np.ndarray:
        """[1 + draws] mean absolute error at the points that are held out, nats."""
        held = self.curve.losses[:, -HELD_OUT:]
        return np.abs(self.predicted(law, self.curve.tokens[-HELD_OUT:]) - held).mean(axis=1)

    @cached_property
    def gain(self) -> np.ndarray:
        """[1 + draws] error of the power law minus that of the rectified law, nats."""
        return self.error("power_law") - self.error("rectified")

    @cached_property
    def learnt_share(self) -> np.ndarray:
        """[1 + draws] D_l / (D_l + D^b) at the smallest D."""
        _, _, learnt, exponent = self.thetas["rectified"].T
        return 1 / (1 + np.exp(np.exp(exponent) * np.log(self.curve.tokens[0]) - learnt))

    def learnt(self, share: float) -> str:
        """Whether D_l is told from 0, in words; where it has no upper end, the law is a step."""
        low, high = band(self.learnt_share[1:], share)
        if low < NOTHING:
            return "D_l is compatible with 0"
        return "D_l is identified" if high < 1 - NOTHING else "D_l is above 0 without an upper end"

    def record(self, share: float) -> dict:
        """For JSON and CSV."""
        tokens, losses = self.curve.tokens, self.curve.losses
        found = {"curve": self.curve.name, "points": len(tokens), "held_out_tokens": tokens[-HELD_OUT:].tolist(),
                 "seeds": self.curve.seeds, **self.curve.counted}  # fmt: skip
        for law in LAWS:
            values = np.exp(self.thetas[law][0]).tolist()
            error, (low, high) = self.error(law), band(self.error(law)[1:], share)
            found[law] = dict(zip(FORMS[law].parameters, values, strict=True))
            found |= {f"{law}_error_nats": float(error[0]), f"{law}_low": low, f"{law}_high": high}
        for name, values in (("gain_nats", self.gain), ("learnt_share", self.learnt_share)):
            low, high = band(values[1:], share)
            found |= {name: float(values[0]), f"{name}_low": low, f"{name}_high": high}
        return found | {"observed_nats": losses[0, -HELD_OUT:].tolist(), "status": self.learnt(share)}


def compare(curve: LossCurve) -> Comparison:
    """Both laws of a curve and of each of its draws. Raises NotIdentified where it has too few points."""
    if len(curve.tokens) < FEWEST:
        raise NotIdentified(
            f"{len(curve.tokens)} points; {HELD_OUT} held out and four parameters need at least {FEWEST}"
        )
    columns = {"x": np.log(curve.tokens[:-HELD_OUT].astype(float))}
    estimate, *draws = curve.losses[:, :-HELD_OUT]
    thetas = {}
    for law in LAWS:
        problem = Problem(FORMS[law], columns, estimate, None)
        found = fit(problem)
        thetas[law] = np.vstack([found.theta, refit_all(problem, found, np.array(draws))])
    return Comparison(curve, thetas)
