"""Table of data efficiencies: by the law of `scaling.efficiency`, and by `scaling.interpolation` without one."""

import pandas as pd

from workflow_scripts.scaling.bootstrap import SETTING, Setting, band
from workflow_scripts.scaling.interpolation import interpolated_record


def drawn_rows(settings: list[Setting], found: dict, real_tokens: int, share: float) -> pd.DataFrame:
    """A row per setting: loss, efficiency by the law and by interpolation, each with its band; `status` of the law."""
    real = [s for s in settings if s.stream == "real"]
    rows = []
    for s in settings:
        inverted = next((e for e in found["efficiencies"] if all(e[k] == s.key[k] for k in SETTING)), {})
        own = {"status": inverted.get("status", found["status"])}
        own |= {key: inverted.get(key) for key in ("efficiency", "low", "high")}
        own |= {f"interpolated_{key}": value for key, value in interpolated_record(s, real, real_tokens, share).items()}
        low, high = band(s.draws, share)
        row = {"seeds": s.seeds, "documents": s.documents, "loss_nats": s.loss, "loss_low": low, "loss_high": high}
        rows.append(s.key | row | own)
    return pd.DataFrame(rows).sort_values(list(SETTING), ignore_index=True)
