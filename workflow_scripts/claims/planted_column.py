"""The planted column: losses of the whole paper-scale run table drawn from a known law, and what that law says.

The truth of a claim is its quantity of the same students without any noise.
"""

from workflow_scripts.claims.evidence import Evidence, Value
from workflow_scripts.claims.model import Claim
from workflow_scripts.claims.quantities import measure
from workflow_scripts.config.models import Analysis, Config
from workflow_scripts.config.studies import expand_runs
from workflow_scripts.planted.plant import plant
from workflow_scripts.planted.synpro import plant_pack, without_noise
from workflow_scripts.planted.synpro_truth import SynProTruth
from workflow_scripts.planted.truth import Truth

SEED = 0
BAND = 0.99  # ninety claims: bands of 90% would miss the truth of some by chance
DRAWS = 400
EXACT_DRAWS = 20  # what is flat or not identified is told by several draws
WITHOUT_NOISE = {"seed_sd": 0.0, "document_sd": 0.0, "hardness_sd": 0.0}


def planted_evidence(config: Config, truth: Truth, draws: int = DRAWS, synpro: SynProTruth | None = None) -> Evidence:
    """Planted results of a config's run table, and a planted pack of SynPro, which is the same for every config."""
    analysis = Analysis(bootstrap_draws=draws, band=BAND)
    results = plant(config, SEED, truth, expand_runs(config))
    return Evidence(results, analysis, synpro=plant_pack(synpro or SynProTruth(), SEED))


def truths_of(claims: list[Claim], config: Config, truth: Truth) -> dict[str, float]:
    """What was planted, by the id of the claim; none where the law says nothing about a claim."""
    exact = truth.model_copy(update=WITHOUT_NOISE)
    evidence = planted_evidence(config, exact, EXACT_DRAWS, without_noise(SynProTruth()))
    asked = [claim for claim in claims if claim.quantity]
    found = {claim.id: measure(evidence, claim.quantity.name, claim.quantity.arguments) for claim in asked}
    return {name: value.estimate for name, value in found.items() if isinstance(value, Value)}
