"""Curves of loss against tokens that laws are compared on: of a pack of SynPro, and of mixtures over budgets.

[assumed] SynPro's evaluations are not smoothed here: a running mean would put losses that are held out into the fit. A
draw takes parts of the documents and seeds with replacement; of a single seed, parts alone.
"""

import numpy as np

from workflow_scripts.common.seeds import named_seed
from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.results import Results
from workflow_scripts.evaluation.synpro_tables import SynProPack
from workflow_scripts.scaling.bootstrap import Setting
from workflow_scripts.scaling.effective_study import EffectiveStudy
from workflow_scripts.scaling.mixture_settings import by_mixture, mixture_name, mixture_settings
from workflow_scripts.scaling.rectified import LossCurve


def synpro_loss_curves(pack: SynProPack, analysis: Analysis) -> list[LossCurve]:
    """Unique text and repetition. Raises UserError without either."""
    study = EffectiveStudy(pack, analysis)
    return [loss_curve(study, name) for name in (study.oracle, study.baseline)]


def loss_curve(study: EffectiveStudy, name: str) -> LossCurve:
    """Mean over the seeds of a pretraining at the evaluations that all have, without what it continues."""
    curves = [study.curves.raw[name, seed] for seed in study.curves.seeds(name)]
    tokens = np.array(sorted(set.intersection(*(set(curve.tokens.tolist()) for curve in curves))))
    own = np.stack([study.draws.losses(curve.sums[np.isin(curve.tokens, tokens)]) for curve in curves])
    weights = _seed_weights(name, len(curves), own.shape[1])
    losses = np.einsum("sdp,ds->dp", own, weights)
    return LossCurve(study.pack.row(name)["title"], tokens, losses, len(curves), {"parts": len(study.draws.predicted)})


def mixture_loss_curves(results: Results, analysis: Analysis, study: str) -> list[LossCurve]:
    """A curve per mixture over its budgets. Raises NotIdentified where the pack lacks the study."""
    settings = mixture_settings(results, analysis.bootstrap_draws, study)
    return [_of_settings(mixture_name(mixture), own) for mixture, own in by_mixture(settings).items()]


def _of_settings(name: str, settings: list[Setting]) -> LossCurve:
    own = sorted(settings, key=lambda s: s.budget_tokens)
    losses = np.stack([np.concatenate([[s.loss], s.draws]) for s in own], axis=1)
    tokens = np.array([s.budget_tokens for s in own])
    return LossCurve(name, tokens, losses, min(s.seeds for s in own), {"documents": min(s.documents for s in own)})


def _seed_weights(name: str, seeds: int, rows: int) -> np.ndarray:
    """[rows, seeds] shares that sum to 1; equal in the first row."""
    chance = np.random.default_rng(named_seed("loss curve seeds", name))
    drawn = chance.multinomial(seeds, np.full(seeds, 1 / seeds), size=rows - 1)
    return np.vstack([np.ones(seeds), drawn]) / seeds
