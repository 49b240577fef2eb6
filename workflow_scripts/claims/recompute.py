"""Claims recomputed from the papers' public numbers, by the same law functions as everything else."""

from collections.abc import Callable

import numpy as np

from workflow_scripts.claims.efficiency import TIMES
from workflow_scripts.claims.evidence import Value
from workflow_scripts.claims.losses import NATS
from workflow_scripts.claims.powers import PARAMETERS, power_laws
from workflow_scripts.claims.published_values import Published
from workflow_scripts.scaling.bootstrap import band

SHARE = 0.9
ROUNDING = "band: rounding of the published numbers"
RANGE = f"{ROUNDING}, range of the published laws"
SPREAD = "band: spread of an asymptote over seeds"


def efficiency_of_loss(published: Published, loss: str, baseline: str) -> Value:
    """Data efficiency of a published loss over a published baseline, by every law of the published range."""
    columns = zip(published.data_laws, published.drawn(loss), published.drawn(baseline), strict=True)
    return _value(np.array([law.efficiency(own, reference) for law, own, reference in columns]), TIMES, RANGE)


def loss_of_efficiency(published: Published, efficiency: str, baseline: str) -> Value:
    """The loss that a published data efficiency implies: the inverse of efficiency_of_loss."""
    columns = zip(published.data_laws, published.drawn(efficiency), published.drawn(baseline), strict=True)
    return _value(np.array([law.C + (ref - law.C) / ratio**law.B for law, ratio, ref in columns]), NATS, RANGE)


def difference(published: Published, first: str, second: str, unit: str = NATS) -> Value:
    """One published number minus another."""
    return _value(published.drawn(first) - published.drawn(second), unit, ROUNDING)


def share_kept(published: Published, student: str, teacher: str, single: str) -> Value:
    """Share of a teacher's gain over a single model that its student keeps, in percent."""
    gain = published.drawn(single) - published.drawn(teacher)
    return _value(100 * (published.drawn(single) - published.drawn(student)) / gain, "percent", ROUNDING)


def law_at(published: Published, factor: str, exponent: str, asymptote: str, at: float) -> Value:
    """A published law A / x^B + C at x."""
    a, b, c = (published.drawn(name) for name in (factor, exponent, asymptote))
    return _value(a / at**b + c, NATS, ROUNDING)


def efficiency_of_law(
    published: Published, factor: str, exponent: str, asymptote: str, at: float, baseline: str
) -> Value:
    """Data efficiency, over a published baseline, of the loss that a published law A / x^B + C has at x."""
    a, b, c = (published.drawn(name) for name in (factor, exponent, asymptote))
    columns = zip(published.data_laws, a / at**b + c, published.drawn(baseline), strict=True)
    return _value(np.array([law.efficiency(own, reference) for law, own, reference in columns]), TIMES, RANGE)


def limit_of_sizes(published: Published, table: str) -> Value:
    """C of A / N^B + C at the smallest D of a table: parameters to infinity."""
    return _value(_limits(published, table)[:, 0], NATS, SPREAD)


def law_of_limits(published: Published, table: str, parameter: str) -> Value:
    """A, B or C of the law in D of a table's limits: parameters to infinity first, then the law over D."""
    tokens = np.array(list(published.tables[table].losses))
    found = power_laws(tokens, _limits(published, table))[:, PARAMETERS[parameter]]
    return _value(found, {"B": "exponent"}.get(parameter, NATS), SPREAD)


RECOMPUTATIONS: dict[str, Callable[..., Value]] = {
    function.__name__: function
    for function in (
        efficiency_of_loss,
        loss_of_efficiency,
        difference,
        share_kept,
        law_at,
        efficiency_of_law,
        limit_of_sizes,
        law_of_limits,
    )
}


def _limits(published: Published, table: str) -> np.ndarray:
    """[draws, tokens]: limit of infinite parameters at every D; the first row is without noise."""
    drawn = published.drawn_table(table)
    sizes = np.array(published.tables[table].parameters)
    return np.stack([power_laws(sizes, own)[:, PARAMETERS["C"]] for own in drawn.swapaxes(0, 1)], axis=1)


def _value(drawn: np.ndarray, unit: str, note: str) -> Value:
    """The first is the estimate, the others are draws."""
    draws = drawn[1:][np.isfinite(drawn[1:])]
    return Value(float(drawn[0]), *band(draws, SHARE), unit, note=note)
