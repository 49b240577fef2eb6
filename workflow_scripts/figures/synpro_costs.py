"""FLOPs of SynPro's arms: training up to the best evaluation with all that it continues, and writing the sets."""

import pandas as pd

from workflow_scripts.evaluation.synpro_tables import SynProPack
from workflow_scripts.figures.synpro_pack import ancestors


def training_flops(pack: SynProPack, name: str, tokens: float) -> float:
    """FLOPs of a student's training until it has had so many cumulative tokens, earlier pretrainings included."""
    ends = [tokens, *(_mean(pack, each)["start_tokens"] for each in ancestors(pack, name)[:-1])]
    pieces = [_mean(pack, each) for each in ancestors(pack, name)]
    return float(sum(p["training_flops"] * (end - p["start_tokens"]) / p["tokens"]
                     for p, end in zip(pieces, ends, strict=True)))  # fmt: skip


def generation_flops(pack: SynProPack, name: str) -> float:
    """FLOPs of writing a student's sets and training their generators; NaN where they were not counted.

    A pretraining's own count covers all its sets, so that one it continues adds only where it has further ones.
    """
    total, counted = 0.0, set()
    for each in ancestors(pack, name):
        if not set(pack.sets_of(each)) <= counted:
            total += _mean(pack, each)["generation_flops"]
            counted |= set(pack.sets_of(each))
    return float(total)


def _mean(pack: SynProPack, name: str) -> pd.Series:
    """Means over seeds, whose plateaus differ."""
    own = pack.pretrainings[pack.pretrainings["pretraining"] == name]
    return own[["tokens", "start_tokens", "training_flops", "generation_flops"]].mean(skipna=False)
