"""All laws of mixtures: over tokens and parameters with their hold-out checks, the order of E, speed-ups, best ratios.

A section whose study is not among the packs is left out, with the reason in its `status`.
"""

import argparse
from collections.abc import Callable
from functools import cache, partial

import pandas as pd

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import atomic_path, write_json
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.results import Results, read_results
from workflow_scripts.scaling.best_ratio import STUDY, ratio_record, ratios_of
from workflow_scripts.scaling.domains import domains_of
from workflow_scripts.scaling.floor_order import floor_order
from workflow_scripts.scaling.joint_law import joint_records
from workflow_scripts.scaling.law import NotIdentified
from workflow_scripts.scaling.mixture_laws import DATA, MODEL, Axis, MixtureLaw, mixture_laws, natural_law
from workflow_scripts.scaling.mixture_records import laws_record
from workflow_scripts.scaling.mixture_settings import mixture_settings
from workflow_scripts.scaling.speed_up import speed_up_record

LAWS = ["law", "mixture", "stream", "mixing_ratio", "points", "freedom", "status", "A", "exponent", "exponent_low"]
LAWS += ["exponent_high", "E", "E_low", "E_high", "held_out_size", "held_out_freedom", "held_out_status"]
LAWS += ["error_percent", "error_low", "error_high"]
RATIOS = ["stream", "student", "non_embedding_parameters", "budget_tokens", "shares", "losses_nats", "seeds"]
RATIOS += ["documents", "best_on_grid", "best", "low", "high", "flags"]


def laws_along(results: Results, analysis: Analysis, axis: Axis) -> list[MixtureLaw]:
    """The laws of all mixtures along one axis. Raises NotIdentified where its study is not in the pack."""
    settings = mixture_settings(results, analysis.bootstrap_draws, axis.study)
    return mixture_laws(settings, axis, analysis.band)


def analyse(results: Results, analysis: Analysis) -> dict:
    """Everything as JSON, by section."""
    share = analysis.band
    data, model = (cache(partial(laws_along, results, analysis, axis)) for axis in (DATA, MODEL))
    sections: dict[str, Callable[[], dict]] = {
        "data_laws": lambda: laws_record(data(), share),
        "model_laws": lambda: laws_record(model(), share),
        "order_of_E_over_tokens": lambda: floor_order(data(), share),
        "order_of_E_over_parameters": lambda: floor_order(model(), share),
        "speed_ups": lambda: {"mixtures": speed_ups(data(), share)},
        "joint_laws": lambda: joint_records(
            mixture_settings(results, analysis.bootstrap_draws, DATA.study, MODEL.study, STUDY), share
        ),
        "best_ratios": lambda: {"ratios": best_ratios(results, analysis)},
    }
    made = {"band": share, "draws": analysis.bootstrap_draws, "domains": domains_of(results)}
    return made | {name: _section(make) for name, make in sections.items()}


def speed_ups(laws: list[MixtureLaw], share: float) -> list[dict]:
    """S of every mixture with synthetic text. Raises NotIdentified without a natural one."""
    natural = natural_law(laws)
    return [speed_up_record(natural, law, share) for law in laws if law is not natural]


def best_ratios(results: Results, analysis: Analysis) -> list[dict]:
    """Best share of every kind, student and budget. Raises NotIdentified where the study is not in the pack."""
    settings = mixture_settings(results, analysis.bootstrap_draws, STUDY)
    return [ratio_record(ratios, analysis.band) for ratios in ratios_of(settings)]


def law_rows(record: dict) -> list[dict]:
    """The laws of a record as rows of a table."""
    return [
        _law_row(name, row)
        for name in ("data", "model")
        for row in record[f"{name}_laws"].get("laws", [])
    ]  # fmt: skip


def ratio_rows(record: dict) -> list[dict]:
    """The best shares of a record as rows of a table."""
    return [
        row
        | {key: " ".join(f"{value:.6g}" for value in row[key]) for key in ("shares", "losses_nats")}
        | {"flags": "; ".join(row["flags"])}
        for row in record["best_ratios"].get("ratios", [])
    ]


def _law_row(name: str, row: dict) -> dict:
    held = row["held_out"]
    spread = {"exponent": row["exponent_band"], "E": row["E_band"], "error": held["error_band"]}
    ends = {f"{key}_{end}": value for key, pair in spread.items()
            for end, value in zip(("low", "high"), pair or (None, None), strict=True)}  # fmt: skip
    checks = {f"held_out_{key}": held[key] for key in ("size", "freedom", "status")}
    return {"law": name, **row, **ends, **checks, "error_percent": held["error_percent"]}


def _section(make: Callable[[], dict]) -> dict:
    try:
        return {"status": "fitted"} | make()
    except NotIdentified as reason:
        return {"status": f"left out: {reason}"}


def _write_table(path: str, rows: list[dict], columns: list[str]) -> None:
    with atomic_path(path) as temporary:
        pd.DataFrame(rows, columns=columns).to_csv(temporary, index=False)


def main(arguments: argparse.Namespace) -> None:
    """Write the analysis and its two tables."""
    record = analyse(read_results(*arguments.results), parse_settings(Analysis, arguments.settings))
    write_json(arguments.output, record)
    _write_table(arguments.summary, law_rows(record), LAWS)
    _write_table(arguments.ratios, ratio_rows(record), RATIOS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", nargs="+", required=True, metavar="PACK", help="packs of the mixture studies")
    parser.add_argument("--settings", required=True, help="JSON of the `analysis` section of the config")
    parser.add_argument("--output", required=True, help="laws, orders, speed-ups and best ratios (JSON)")
    parser.add_argument("--summary", required=True, help="a row per law (CSV)")
    parser.add_argument("--ratios", required=True, help="a row per kind, student and budget (CSV)")
    run_command(main, parser)
