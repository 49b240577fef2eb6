"""Joins every claim's columns: the paper, its public numbers, planted losses, and what was measured here.

A measured disagreement is a result; that public numbers or planted losses fail a claim is an error (--check).
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

from workflow_scripts.claims.evidence import Evidence, Value
from workflow_scripts.claims.judge import Cell, failures, joined, judge_measured, judge_planted, judge_published
from workflow_scripts.claims.mixture_domains import read_unigrams
from workflow_scripts.claims.model import Claim, read_claims
from workflow_scripts.claims.planted_column import planted_evidence, truths_of
from workflow_scripts.claims.published_values import Published, read_published
from workflow_scripts.claims.table import Columns, as_csv, as_records, disagreements, markdown, terminal_lines
from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import read_json, write_json, write_text
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Analysis, Config
from workflow_scripts.evaluation.arms import ArmPack, read_arms
from workflow_scripts.evaluation.results import Results, empty, read_results
from workflow_scripts.evaluation.synpro_tables import SynProPack, read_pack
from workflow_scripts.evaluation.tables import FILES
from workflow_scripts.planted.truth import Truth
from workflow_scripts.scaling.repetition_runs import read_candidates


def measured_column(
    claims: list[Claim],
    scale: str,
    folders: list[str],
    analysis: Analysis,
    unigrams: str | None = None,
    candidates: str | None = None,
) -> dict[str, Cell]:
    """All claims by the packs of one scale, and by its tables of unigrams and of candidates where there are such."""
    tables = {"unigrams": read_unigrams(unigrams) if unigrams else None,
              "candidates": read_candidates(candidates) if candidates else None}  # fmt: skip
    evidence = Evidence(read_results(*folders), analysis, **tables)
    return {claim.id: judge_measured(claim, evidence, scale) for claim in claims}


def own_column(claims: list[Claim], scale: str, analysis: Analysis, **packs: SynProPack | ArmPack) -> dict[str, Cell]:
    """All claims by the pack of SynPro (`synpro`) or of all methods (`methods`) of one scale alone."""
    nothing = Results(**{name: empty(name) for name in FILES})
    evidence = Evidence(nothing, analysis, **packs)
    return {claim.id: judge_measured(claim, evidence, scale) for claim in claims}


def published_column(claims: list[Claim], published: Published, folder: str | None, analysis: Analysis) -> dict:
    """All claims by what is public: the authors' tracked runs, if `folder` has them, and the papers' numbers."""
    tracked = None
    if folder and (Path(folder) / FILES["students"]).exists():
        tracked = Evidence(read_results(folder), analysis, published.data_laws)
    return {claim.id: judge_published(claim, published, tracked) for claim in claims}


def planted_column(claims: list[Claim], config: Config) -> dict[str, Cell]:
    """All claims by planted losses, each against the planted truth."""
    truth = Truth()
    evidence, truths = planted_evidence(config, truth), truths_of(claims, config, truth)
    return {claim.id: judge_planted(claim, evidence, truths.get(claim.id)) for claim in claims}


def earlier_column(claims: list[Claim], path: Path, name: str) -> dict[str, Cell]:
    """A column of an earlier table. Raises UserError when that table has other claims or no such column."""
    found = {record["id"]: record["columns"] for record in read_json(path)}
    if set(found) != {claim.id for claim in claims} or any(name not in columns for columns in found.values()):
        raise UserError(f"{path}: it is of other claims; delete it and make it again by `snakemake {path}`")
    return {claim.id: _cell(found[claim.id][name]) for claim in claims}


def _cell(record: dict) -> Cell:
    fields = Value.__dataclass_fields__
    value = Value(**{name: record[name] for name in fields}) if "estimate" in record else None
    return Cell(record["verdict"], value, record["reason"], record["truth"])


def write_tables(output: str, claims: list[Claim], columns: Columns) -> None:
    """Markdown, CSV and JSON beside each other; JSON last."""
    base = Path(output).with_suffix("")
    write_text(base.with_suffix(".md"), markdown(claims, columns))
    write_text(base.with_suffix(".csv"), as_csv(claims, columns))
    write_json(base.with_suffix(".json"), as_records(claims, columns))


def terminal_width() -> int:
    """Columns of the terminal, also where the output goes through a pipe first; 120 without a terminal."""
    try:
        with open("/dev/tty") as terminal:
            return os.get_terminal_size(terminal.fileno()).columns
    except OSError:
        return shutil.get_terminal_size((120, 24)).columns


def main(arguments: argparse.Namespace) -> None:
    """Judge, print, write; with --check an error when a claim that must hold does not."""
    claims, analysis = read_claims(arguments.claims), parse_settings(Analysis, arguments.settings)
    columns: Columns = {"published": published_column(claims, read_published(), arguments.published, analysis)}
    if arguments.planted:
        columns["planted"] = planted_column(claims, parse_settings(Config, arguments.planted))
    for scale, *folders in arguments.results:
        tables = [dict(given).get(scale) for given in (arguments.unigrams, arguments.candidates)]
        own = measured_column(claims, scale, folders, analysis, *tables)
        columns[scale] = joined(columns.get(scale, {}), own)
    for scale, folder in arguments.synpro:
        found = own_column(claims, scale, analysis, synpro=read_pack(folder))
        columns[scale] = joined(columns.get(scale, {}), found)
    for scale, folder in arguments.methods:
        found = own_column(claims, scale, analysis, methods=read_arms(folder))
        columns[scale] = joined(columns.get(scale, {}), found)
    for scale, path in arguments.earlier:
        yours = f"{scale}, yours"
        columns[yours] = joined(columns.get(yours, {}), earlier_column(claims, Path(path), scale))
    width = terminal_width()
    print(*terminal_lines(claims, columns, width), "", *disagreements(claims, columns, width), sep="\n")
    if arguments.output:
        write_tables(arguments.output, claims, columns)
    broken = failures(claims, columns)
    if arguments.check and broken:
        sys.exit("error: " + "\n".join(broken))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", default="claims.yaml", help="default: %(default)s")
    parser.add_argument("--settings", default="{}", help="JSON of the `analysis` section of the config")
    parser.add_argument("--results", nargs="+", action="append", default=[], metavar=("SCALE", "PACK"),
                        help="a column: the scale and its packs; may be repeated, of one scale, too")  # fmt: skip
    parser.add_argument("--unigrams", nargs=2, action="append", default=[], metavar=("SCALE", "CSV"),
                        help="unigrams of the scale's training sets of mixtures; may be repeated")  # fmt: skip
    parser.add_argument("--candidates", nargs=2, action="append", default=[], metavar=("SCALE", "CSV"),
                        help="candidates of the scale's search of hyper-parameters; may be repeated")  # fmt: skip
    parser.add_argument("--synpro", nargs=2, action="append", default=[], metavar=("SCALE", "FOLDER"),
                        help="the scale's pack of SynPro; may be repeated, with --results or alone")  # fmt: skip
    parser.add_argument("--methods", nargs=2, action="append", default=[], metavar=("SCALE", "FOLDER"),
                        help="the scale's pack of the comparison of all methods; may be repeated")  # fmt: skip
    parser.add_argument("--planted", help="JSON of a whole config: losses of its run table are planted for a column")
    parser.add_argument("--published", help="pack of the authors' tracked runs; ignored where there is none")
    parser.add_argument("--earlier", nargs=2, action="append", default=[], metavar=("SCALE", "JSON"),
                        help="a column that an earlier table has; may be repeated")  # fmt: skip
    parser.add_argument("--check", action="store_true", help="end with an error when a claim that must hold does not")
    parser.add_argument("--output", help="JSON; Markdown and CSV are written beside it")
    run_command(main, parser)
