"""Data efficiency without a law: read off between the measured real sets, loss piecewise linear in log D."""

import numpy as np

from workflow_scripts.scaling.bootstrap import Setting, band

USABLE = 0.9  # share of draws that must lie between the measured sets, as in efficiency.py


def reached_at(losses: np.ndarray, log_tokens: np.ndarray, loss: float) -> float:
    """log D at which falling losses [sizes] pass `loss`; NaN where they don't. A loss that rises with D is levelled."""
    falling = np.minimum.accumulate(losses)
    if not falling[-1] <= loss <= falling[0]:
        return np.nan
    return float(np.interp(-loss, -falling, log_tokens))


def interpolated_record(
    setting: Setting, real: list[Setting], tokens: int, share: float, size: str = "real_tokens"
) -> dict:
    """Real tokens that reach the setting's loss, over `tokens`, with a band; None outside the measured sets.

    real: the real-only settings of all D, with draws over the same documents; `size`: the column that D is in.
    """
    real = sorted(real, key=lambda s: s.key[size])
    logs = np.log([s.key[size] / tokens for s in real])
    value = np.exp(reached_at(np.array([s.loss for s in real]), logs, setting.loss))
    columns = zip(np.stack([s.draws for s in real], axis=1), setting.draws, strict=True)
    drawn = np.exp([reached_at(losses, logs, loss) for losses, loss in columns])
    usable = drawn[np.isfinite(drawn)]
    if np.isnan(value) or len(usable) < USABLE * len(drawn):
        return {"efficiency": None, "low": None, "high": None}
    return dict(zip(("efficiency", "low", "high"), (float(value), *band(usable, share)), strict=True))
