"""Families of the comparison's arms: how their text comes about, which figures show by colour."""

from workflow_scripts.config.comparison import Arm
from workflow_scripts.config.models import Config

CONTROL, REWRITING, MEGADOCS = "control", "rewriting by an LLM", "megadocs"
OWN_STUDENT, EDITING, TRAINED = "own student", "editing", "trained generator"
FAMILIES = (CONTROL, REWRITING, MEGADOCS, OWN_STUDENT, EDITING, TRAINED)
AUTHORS = {"llm": REWRITING, "student": OWN_STUDENT, "prior": EDITING}
JOINING = "latent"  # the module whose texts are megadocs without being stitched


def family_of(config: Config, arm: Arm) -> str:
    """One of FAMILIES; a megadoc is one whoever wrote its texts."""
    if arm.stitched or (arm.method and config.methods[arm.method].module == JOINING):
        return MEGADOCS
    if arm.method:
        return AUTHORS[config.methods[arm.method].author]
    sets = config.scales[config.scale].synpro.sets
    return TRAINED if any(sets[name].rewards for name in arm.sets) else REWRITING
