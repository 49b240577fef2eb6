"""Every quantity that a claim can name, and how one is measured: a value with its band, or the reason for none."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from workflow_scripts.claims import (
    downstream,
    efficiency,
    ensembles,
    laws,
    losses,
    methods,
    mixture_domains,
    mixture_fits,
    mixture_shares,
    mixtures,
    predecessor,
    studies,
    synpro,
    synpro_influence,
)
from workflow_scripts.claims.evidence import Evidence, NotMeasured, Value
from workflow_scripts.scaling.law import NotIdentified

QUANTITIES: dict[str, Callable[..., Value]] = {
    function.__name__: function
    for function in (
        losses.loss,
        losses.gain_over_real,
        losses.gain_elsewhere,
        losses.largest_rise,
        losses.whole_change,
        losses.bend,
        losses.worst_excess,
        losses.mean_excess,
        losses.gap_widening,
        losses.gap_by_length,
        efficiency.data_efficiency,
        efficiency.interpolated_efficiency,
        efficiency.law_parameter,
        studies.study_loss,
        studies.study_difference,
        studies.over_real_only,
        studies.controlled_shrinkage,
        studies.optimum_shift,
        studies.gain_growth_with_size,
        downstream.downstream_gain,
        ensembles.ensemble_asymptote,
        ensembles.ensemble_asymptote_gain,
        ensembles.ensemble_gain,
        predecessor.size_law_parameter,
        predecessor.joint_asymptote,
        predecessor.standard_efficiency,
        mixtures.mixture_difference,
        mixtures.mixture_gap_change,
        mixtures.mixture_excess,
        mixture_domains.mixture_domain_gap,
        mixture_domains.unigram_agreement,
        mixture_fits.held_out_error,
        mixture_fits.floor_excess,
        mixture_fits.speed_up_growth,
        mixture_fits.speed_up_at_largest,
        mixture_fits.speed_up_interpolated,
        mixture_shares.best_share,
        mixture_shares.best_share_change,
        synpro.synpro_effective_ratio,
        synpro.synpro_difference,
        synpro.synpro_ablation_cost,
        synpro.synpro_collapse,
        synpro_influence.synpro_static_change,
        synpro_influence.synpro_refreshed_change,
        laws.rectified_gain,
        laws.onset_moved,
        laws.retraining_growth,
        laws.retraining_at_most,
        methods.arm_difference,
        methods.arm_efficiency,
        methods.arm_oracle_share,
        methods.arm_controlled_shrinkage,
    )
}


@dataclass(frozen=True)
class Refusal:
    """Why a quantity has no value: `not identified` by the data, or `not measured at this scale`."""

    kind: str
    reason: str


def measure(evidence: Evidence, name: str, arguments: dict) -> Value | Refusal:
    """A quantity of a pack, or why there is none."""
    try:
        return QUANTITIES[name](evidence, **arguments)
    except NotIdentified as reason:
        return Refusal("not identified", str(reason))
    except NotMeasured as reason:
        return Refusal("not measured at this scale", str(reason))


def problem_with(functions: dict[str, Callable], name: str, arguments: dict) -> str | None:
    """What is wrong with a function's name or arguments; None when they fit. The first parameter is not asked."""
    if name not in functions:
        return f"'{name}' is no quantity; they are {', '.join(functions)}"
    parameters = list(inspect.signature(functions[name]).parameters.values())[1:]
    if unknown := sorted(set(arguments) - {p.name for p in parameters}):
        return f"{name} has no argument '{unknown[0]}'; it has {', '.join(p.name for p in parameters)}"
    missing = [p.name for p in parameters if p.default is p.empty and p.name not in arguments]
    return f"{name} needs the argument '{missing[0]}'" if missing else None
