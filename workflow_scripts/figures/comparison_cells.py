"""Cells of the comparison's table as they are read: numbers with their bands, counts in words, a dash for nothing."""

import pandas as pd

from workflow_scripts.figures.sizes import amount

NOTHING = "–"
HEADS = {
    "arm": "arm", "title": "what", "paper": "paper", "organic": "organic tokens", "generator": "generator",
    "synthetic": "synthetic tokens", "texts": "texts (left out)", "mixing_ratio": "mixing", "real_epochs": "epochs",
    "steps": "steps", "lr": "lr", "weight_decay": "decay", "certificate": "tuned", "loss": "i.i.d. loss",
    "short": "short", "long": "long", "ood": "others, mean", "efficiency": "data efficiency",
    "share": "share of the oracle's gain", "generation": "generation, FLOPs (s)", "training": "training, FLOPs (s)",
    "controls": "controls",
}  # fmt: skip
PARTS = {
    "What arms are made of": ("arm", "title", "paper", "organic", "generator", "synthetic", "texts", "controls"),
    "How their students are trained": (
        "arm",
        "mixing_ratio",
        "real_epochs",
        "steps",
        "lr",
        "weight_decay",
        "certificate",
    ),
    "What they gain and cost": ("arm", "loss", "short", "long", "ood", "efficiency", "share", "generation", "training"),
}
OF_TRAINING = ("loss validation", "loss short", "loss long")


def cells_of(row: pd.Series, band: float) -> dict[str, str]:
    """Texts of one arm's row, by the keys of HEADS."""
    others = [name for name in row.index if name.startswith("loss ") and name not in OF_TRAINING]
    generator = "@".join(filter(None, (_text(row["model"]), _text(row["revision"])[:12])))
    author = f" ({row['author']})" if row["author"] not in ("llm", "none") else ""
    return {
        **{name: _number(row[name], "g") for name in ("mixing_ratio", "real_epochs", "steps", "lr", "weight_decay")},
        **{name: _text(row[name]) or NOTHING for name in ("arm", "title", "paper", "certificate", "controls")},
        "organic": amount(row["real_tokens"]),
        "generator": generator + author or NOTHING,
        "synthetic": amount(row["synthetic_tokens"]) if row["synthetic_tokens"] else NOTHING,
        "texts": f"{row['texts']:,.0f} ({row['left_out']:,.0f})" if row["texts"] else NOTHING,
        "loss": banded(row["loss_nats"], row["low"], row["high"], ".3f"),
        "short": _number(row.get("loss short"), ".3f"),
        "long": _number(row.get("loss long"), ".3f"),
        "ood": _number(row[others].astype(float).mean() if others else None, ".3f"),
        "efficiency": banded(row["efficiency"], row["efficiency_low"], row["efficiency_high"], ".2f")
        if pd.notna(row["efficiency"]) else row["efficiency_status"],
        "share": banded(row["oracle_share"], row["oracle_low"], row["oracle_high"], ".2f"),
        "generation": _cost(row["generation_flops"], row["generation_seconds"]),
        "training": _cost(row["training_flops"], row["training_seconds"]),
    }  # fmt: skip


def banded(value: float, low: float, high: float, digits: str) -> str:
    """`1.48 [1.44, 1.52]`; a dash without a number."""
    return NOTHING if pd.isna(value) else f"{value:{digits}} [{low:{digits}}, {high:{digits}}]"


def _cost(flops: float, seconds: float) -> str:
    if not flops:
        return NOTHING
    return f"{flops:.2g} ({seconds:,.3g})" if pd.notna(seconds) else f"{flops:.2g}"


def _number(value: object, digits: str) -> str:
    return NOTHING if value is None or pd.isna(value) else format(value, digits)


def _text(value: object) -> str:
    return "" if pd.isna(value) else str(value)
