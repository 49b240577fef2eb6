"""One HTML file about a scale's results: methods compared, headline, claims, figures, run table, examples.

It needs nothing but itself. What is not at hand (claims, examples, ...) is said in a sentence;
`snakemake page` makes all of it first, of shipped results all that their students give.
"""

import argparse
import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import read_json, write_text
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Config
from workflow_scripts.config.studies import expand_runs, studies_of
from workflow_scripts.evaluation.results import Results, read_results
from workflow_scripts.evaluation.shipped import not_shipped, why_not
from workflow_scripts.figures.catalogue import COMPARISON, MEGADOCS, MIXTURES, PREDECESSOR, SYNPRO, drawable, lacking
from workflow_scripts.figures.comparison_looks import COLOURS
from workflow_scripts.figures.style import METHODS
from workflow_scripts.page import claim_table, headline, methods, pictures, run_table, texts

HERE = Path(__file__).parent
PAPERS = (COMPARISON, MEGADOCS, PREDECESSOR, MIXTURES, SYNPRO)
FIT = "fits/data_efficiency.json"
BESIDE = {  # what the page shows of a scale's folder: of several files the first that is there
    "claims": ("claims/claims.json", "comparison/claims/claims.json", "mixtures/claims/claims.json"),
    "examples": ("tables/examples.json",),
    "quality": ("generations/quality.json",),
    "comparison": ("comparison/comparison.json",),
}


def render(context: dict[str, Any]) -> str:
    """The page. Text is escaped; a value that the template asks for and is not there is an error."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"about": about, "count": "{:,}".format}
    style, script = (Markup((HERE / name).read_text(encoding="utf-8")) for name in ("page.css", "page.js"))
    return environment.get_template("page.html").render(context, style=style, script=script, digest=digest(script))


def digest(script: str) -> str:
    """The only script that the page may run, as its content security policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def about(value: float) -> str:
    """A number of tokens with two digits: more is not known of it."""
    return f"{float(f'{value:.2g}'):,.0f}"


def headline_context(config: Config, results: Results, folder: Path) -> dict[str, Any]:
    """What each method's data is worth, and what that rests on; `analysis` is none where the fit is not at hand."""
    if not (folder / FIT).exists():
        return {"analysis": None, "shown": run_table.summary_of(results)}
    analysis, summary = read_json(folder / FIT), pd.read_csv(folder / "tables/summary.csv")
    corpus = config.scales[config.scale].corpus
    found = headline.worths(analysis["efficiencies"], results.students, corpus.real_tokens)
    return {
        "analysis": analysis,
        "worths": found,
        "leaders": headline.leaders(found),
        "overlap": headline.overlap,
        "start": headline.axis_start(found),
        "end": headline.axis_end(found),
        "noise": headline.noise(summary, results),
    }


def runs_context(config: Config, results: Results, comparison: methods.Comparison | None) -> dict[str, Any]:
    """The run table and what it can be filtered by."""
    rows = run_table.rows_of(results, {arm.arm: arm for arm in comparison.arms} if comparison else {})
    titles = {name: study.title for name, study in studies_of(config.scales[config.scale]).items()}
    return {
        "columns": run_table.columns_of(results),
        "runs": rows,
        "methods": run_table.choices(rows, "method"),
        "counts": sorted(run_table.choices(rows, "generations")),
        "studies": {name: titles.get(name, name.replace("_", " ")) for name in run_table.studies_in(rows)},
    }


def figures_context(config: Config, places: list[Path], shipped: Path | None) -> dict[str, Any]:
    """Figures that are there, and why the others are not."""
    scale, folders = config.scales[config.scale], [folder / "figures" for folder in places]
    absent = not_shipped(shipped, expand_runs(config)) if shipped else set()
    names = drawable(config.scale, scale, PAPERS)  # those of targets of their own are shown where they are there
    return {
        "pictures": pictures.pictures(folders, names),
        "missing": pictures.missing(folders, scale, lambda figure: unshipped(figure, absent, shipped)),
    }


def unshipped(figure: str, absent: set[str], shipped: Path | None) -> str:
    """Why a figure can't be drawn of what is shipped; empty where it can."""
    study = lacking(figure, absent)
    return why_not(study, shipped) if study else ""


def beside(folders: Iterable[Path]) -> dict[str, Any]:
    """The optional inputs, each from the first folder that has it; none for one that is nowhere."""
    folders = list(folders)
    places = {name: [folder / path for folder in folders for path in paths] for name, paths in BESIDE.items()}
    found = {name: next((path for path in paths if path.exists()), None) for name, paths in places.items()}
    return {name: read_json(path) if path else None for name, path in found.items()}


def texts_context(examples: dict | None, quality: dict | None) -> dict[str, Any]:
    """What the generated texts are like; empty where nobody looked."""
    return {
        "examples": texts.examples_of(examples) if examples else [],
        "example_generations": examples["generations"] if examples else 0,
        "measures": texts.measures_of(quality) if quality else [],
        "measured": texts.heads_of(quality) if quality else [],
        "pairs": texts.pairs_of(quality) if quality else [],
    }


def context_of(config: Config, results: Results, folder: Path, shipped: Path | None) -> dict[str, Any]:
    """All that the template shows."""
    places = [folder, *([shipped] if shipped else [])]
    found = beside(places)
    claims = claim_table.rows_of(found["claims"] or [])
    comparison = methods.comparison_of(found["comparison"]) if found["comparison"] else None
    return {
        **texts_context(found["examples"], found["quality"]),
        **headline_context(config, results, folder),
        **runs_context(config, results, comparison),
        **figures_context(config, places, shipped),
        "name": config.scale,
        "source": config.runs.source,
        "scale": config.scales[config.scale],
        "llm": config.llms[config.scales[config.scale].generation.llm],
        "colours": {stream: style.colour for stream, style in METHODS.items()},
        "comparison": comparison,
        "families": {methods.SLUGS[family]: (family, colour) for family, (colour, _) in COLOURS.items()},
        "claims": claims,
        "tally": claim_table.tally(claims),
    }


def main(arguments: argparse.Namespace) -> None:
    """Write the page."""
    config = parse_settings(Config, arguments.config)
    results = read_results(*arguments.results)
    shipped = Path(arguments.shipped) if arguments.shipped else None
    write_text(arguments.output, render(context_of(config, results, Path(arguments.folder), shipped)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="JSON of the whole config")
    parser.add_argument("--results", nargs="+", required=True, help="packs whose students the run table shows")
    parser.add_argument("--folder", required=True, help="folder of the scale: figures, fits, tables, claims")
    parser.add_argument("--shipped", help="folder of what git ships, which may have what the other one lacks")
    parser.add_argument("--output", required=True, help="the page (HTML)")
    run_command(main, parser)
