"""Effective tokens: how much unique natural text a SynPro student is worth (arXiv 2605.17849).

The paper's formula is not public; ours, [assumed]: the loss of unique text is fitted as E + B / D^b over the oracle's
evaluations, D_eff of a pretraining is the D of its best validation loss, and the headline is D_eff over that of
repetition. Bands: bootstrap over the parts of the validation documents and over seeds. How the best is chosen:
synpro_curves.py; seeds: synpro_noise.py; the law: oracle_law.py.
"""

import argparse
from dataclasses import asdict

import numpy as np
import pandas as pd

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import write_json, write_text
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.synpro_tables import SynProPack, read_pack
from workflow_scripts.scaling.effective_rows import (
    BUDGET_COLUMNS,
    COLUMNS,
    DIFFERENCE_COLUMNS,
    NAMES,
    budget_rows,
    difference_record,
    effective_row,
    final_names,
    names_of,
)
from workflow_scripts.scaling.effective_study import EffectiveStudy
from workflow_scripts.scaling.law import NotIdentified


def effective_tokens(pack: SynProPack, settings: Analysis) -> pd.DataFrame:
    """A row per pretraining: its best validation loss, and the unique tokens and ratio to repetition it is worth.

    Columns: COLUMNS. seeds: those that it, unique text and repetition have. status: measured, extrapolated (beyond the
    oracle's largest budget) or not identified (then `reason` says why, and what is not identified is NaN). tokens:
    cumulative, of the best. isotonic_tokens: without a law, NaN outside the measured budgets. A band may end at inf.
    Raises UserError for a pack without an oracle or repetition.
    """
    return _effective(EffectiveStudy(pack, settings))


def effective_by_budget(pack: SynProPack, settings: Analysis) -> pd.DataFrame:
    """A row per curve and budget of tokens: the best loss up to it, and what that is worth.

    Columns: BUDGET_COLUMNS. A curve is a pretraining and all that it continues, each up to where the next one starts;
    what a further round continues is in that round's curve alone, but repetition is one to its end. Ratios are over
    repetition's best up to the same budget. Raises UserError for a pack without an oracle or repetition.
    """
    return _by_budget(EffectiveStudy(pack, settings))


def loss_differences(pack: SynProPack, settings: Analysis, against: str) -> pd.DataFrame:
    """A row per other pretraining: its best validation loss minus that of `against`, on the same parts and seeds.

    Columns: DIFFERENCE_COLUMNS; seeds: those that both have, without any there is no row.
    Raises UserError where `against` is not in the pack.
    """
    return _differences(EffectiveStudy(pack, settings), against)


def _effective(study: EffectiveStudy) -> pd.DataFrame:
    return pd.DataFrame([effective_row(study, name) for name in study.names], columns=COLUMNS)


def _by_budget(study: EffectiveStudy) -> pd.DataFrame:
    rows = [row for name in final_names(study) for row in budget_rows(study, name)]
    return pd.DataFrame(rows, columns=BUDGET_COLUMNS)


def _differences(study: EffectiveStudy, against: str) -> pd.DataFrame:
    if against not in study.names:
        raise UserError(f"pretrainings.csv: no '{against}' with losses; they are {', '.join(study.names)}")
    rows = [
        dict(zip(NAMES, names_of(study, name), strict=True)) | difference_record(study, name, against)
        for name in study.names
        if name != against and study.curves.seeds(name, against)
    ]
    return pd.DataFrame(rows, columns=DIFFERENCE_COLUMNS)


def law_record(study: EffectiveStudy) -> dict:
    """The oracle's law with bands, or why there is none, as JSON."""
    try:
        law = study.law(study.seeds(study.oracle))
    except NotIdentified as reason:
        return {"status": f"not identified: {reason}"}
    drawn = {"E_nats": law.floor, "B_nats": law.factor, "b": law.exponent}
    values = {name: {"value": x[0], "band": study.band(x[1:])} for name, x in drawn.items()}
    rms = float(np.sqrt(np.mean((law.loss(law.tokens) - law.losses) ** 2)))
    used = {"tokens": law.tokens.tolist(), "losses_nats": law.losses.tolist(), "residual_rms_nats": rms}
    return {"status": "fitted", "unit_tokens": law.unit, **values, **used}


def record_of(study: EffectiveStudy) -> dict:
    """Everything, as JSON; differences against repetition, unique text and static sets."""
    against = [name for name in study.pack.of_role("repetition", "oracle", "static") if name in study.names]
    content = {
        "oracle": study.oracle, "repetition": study.baseline, "band": study.share, "law": law_record(study),
        "seeds": asdict(study.draws.spread), "effective_tokens": _effective(study).to_dict("records"),
        "by_budget": _by_budget(study).to_dict("records"),
        "differences": {name: _differences(study, name).to_dict("records") for name in against},
    }  # fmt: skip
    return _plain(content)


def _plain(content: object) -> object:
    """For JSON, which has neither NaN nor inf: null."""
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    if isinstance(content, np.generic):
        content = content.item()
    return None if isinstance(content, float) and not np.isfinite(content) else content


def main(arguments: argparse.Namespace) -> None:
    """Analyse a pack and write both files."""
    settings = parse_settings(Analysis, arguments.settings)
    study = EffectiveStudy(read_pack(arguments.pack), settings)
    write_text(arguments.summary, _effective(study).to_csv(index=False))
    write_json(arguments.output, record_of(study))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", required=True, help="folder of a SynPro pack")
    parser.add_argument("--settings", default="{}", help="JSON of the `analysis` section of the config")
    parser.add_argument("--output", required=True, help="JSON of everything")
    parser.add_argument("--summary", required=True, help="CSV of a row per pretraining")
    run_command(main, parser)
