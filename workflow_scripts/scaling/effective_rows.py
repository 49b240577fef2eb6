"""Rows of the tables of effective tokens (arXiv 2605.17849); the definitions: effective_tokens.py."""

from collections.abc import Iterator

import numpy as np

from workflow_scripts.scaling.effective_study import EffectiveStudy
from workflow_scripts.scaling.law import NotIdentified
from workflow_scripts.scaling.oracle_law import OracleLaw

NOT_IDENTIFIED = "not identified"
NAMES = ("pretraining", "title", "role")
LOSS = ("loss_nats", "low", "high")
WORTH = ("effective_tokens", "effective_low", "effective_high", "ratio", "ratio_low", "ratio_high", "status")
COLUMNS = [*NAMES, "seeds", *LOSS, *WORTH, "tokens", "isotonic_tokens", "reason"]
BUDGET_COLUMNS = ["curve", *NAMES[1:], "budget_tokens", *LOSS, *WORTH]
_NOTHING = dict.fromkeys(WORTH, np.nan) | {"status": NOT_IDENTIFIED}
DIFFERENCE_COLUMNS = [*NAMES, "difference_nats", "low", "high", "seeds"]


def difference_record(study: EffectiveStudy, name: str, against: str) -> dict:
    """difference_nats, low, high, seeds of two pretrainings that share a seed."""
    seeds = study.curves.seeds(name, against)
    drawn = study.best(name, seeds)[0] - study.best(against, seeds)[0]
    low, high = study.band(drawn[1:])
    return {"difference_nats": float(drawn[0]), "low": low, "high": high, "seeds": len(seeds)}


def final_names(study: EffectiveStudy) -> list[str]:
    """Pretrainings that no round continues, and those of repetition."""
    table = study.pack.pretrainings
    continued = set(table.loc[table["role"] == "round", "start"]) - set(study.pack.of_role("repetition"))
    return [name for name in study.names if name not in continued]


def names_of(study: EffectiveStudy, name: str) -> tuple[str, str, str]:
    """NAMES of a pretraining."""
    row = study.pack.row(name)
    return name, row["title"], row["role"]


def effective_row(study: EffectiveStudy, name: str) -> dict:
    """A pretraining's row, as COLUMNS."""
    record = dict.fromkeys(COLUMNS, np.nan) | dict(zip(NAMES, names_of(study, name), strict=True))
    seeds = study.curves.seeds(name, study.oracle, study.baseline)
    losses, tokens = study.best(name, seeds or study.curves.seeds(name))
    record |= {"seeds": len(seeds), "tokens": tokens} | _loss(study, losses)
    try:
        law = study.law(study.seeds(name))
    except NotIdentified as reason:
        return record | {"status": NOT_IDENTIFIED, "reason": str(reason)}
    base = study.best(study.baseline, seeds)[0]
    worth = _worth(study, law, losses, base, name == study.oracle)
    return record | worth | {"isotonic_tokens": law.isotonic(losses[0])}


def budget_rows(study: EffectiveStudy, name: str) -> Iterator[dict]:
    """A curve's rows, as BUDGET_COLUMNS; none where it has no seed in common with unique text and repetition."""
    if not (seeds := study.curves.seeds(name, study.oracle, study.baseline)):
        return
    budgets = study.budgets(name, seeds)
    own, base = (study.best_until(each, seeds, budgets) for each in (name, study.baseline))
    key = dict(zip(("curve", "title", "role"), names_of(study, name), strict=True))
    try:
        law = study.law(seeds)
    except NotIdentified:
        law = None
    for place, budget in enumerate(budgets):
        worth = _worth(study, law, own[:, place], base[:, place], name == study.oracle) if law else _NOTHING
        yield key | {"budget_tokens": int(budget)} | _loss(study, own[:, place]) | worth


def _loss(study: EffectiveStudy, losses: np.ndarray) -> dict:
    return dict(zip(LOSS, (float(losses[0]), *study.band(losses[1:])), strict=True))


def _worth(study: EffectiveStudy, law: OracleLaw, losses: np.ndarray, base: np.ndarray, is_oracle: bool) -> dict:
    """WORTH and `reason` of losses [1 + draws], over a baseline's [1 + draws]."""
    worth, of_base = law.worth(losses), law.worth(base)
    status, reason = law.status(worth[0])
    if is_oracle and worth[0] >= law.tokens[0]:
        status, reason = "measured", ""  # noise alone can put its last loss beyond its own last budget
    if status == NOT_IDENTIFIED:
        return _NOTHING | {"reason": reason}
    found = {"effective_tokens": float(worth[0]), "status": status, "reason": ""}
    found["effective_low"], found["effective_high"] = study.band(worth[1:])
    if law.status(of_base[0])[0] == NOT_IDENTIFIED:
        return found | {"ratio": np.nan, "ratio_low": np.nan, "ratio_high": np.nan,
                        "reason": "no ratio: repetition itself is not identified"}  # fmt: skip
    with np.errstate(invalid="ignore"):
        ratio = worth / of_base
    found["ratio_low"], found["ratio_high"] = study.band(ratio[1:])
    return found | {"ratio": float(ratio[0])}
