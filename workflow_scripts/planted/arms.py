"""Plant what arms are and cost, beside the planted losses of their students: numbers that no text was written for.

[assumed] An arm costs as many tokens as it has, read and written by a generator of a billion parameters.
"""

import argparse
import io
from dataclasses import asdict

import pandas as pd

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import write_text
from workflow_scripts.config.arm_families import family_of
from workflow_scripts.config.base import REAL
from workflow_scripts.config.comparison_rows import COMPARISON
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Config
from workflow_scripts.config.sizes import flops_per_token, total_steps
from workflow_scripts.config.studies import expand_runs, needed_by
from workflow_scripts.evaluation.arm_table import ORACLE, REPETITION, SYNPRO_PAPER, ArmRow

PARAMETERS, FLOPS_PER_SECOND = 1e9, 1e13


def planted_arms(config: Config) -> list[ArmRow]:
    """Rows of all arms and controls."""
    own = config.scales[config.scale].comparison
    controls = [(REPETITION, REPETITION, REAL, own.organic_tokens), (ORACLE, ORACLE, REAL, own.oracle_tokens)]
    arms = [(name, arm.title, name, own.organic_tokens) for name, arm in own.arms.items()]
    return [_row(config, *facts) for facts in controls + arms]


def _row(config: Config, arm: str, title: str, stream: str, tokens: int) -> ArmRow:
    scale = config.scales[config.scale]
    own, runs = scale.comparison, needed_by(expand_runs(config), COMPARISON)
    run = next(run for run in runs if (run.stream, run.real_tokens) == (stream, tokens))
    batch = own.batch_sequences * own.context
    seen = batch * total_steps(tokens, batch, run.real_epochs, run.mixing_ratio)
    flops = seen * flops_per_token(config.students[own.student], scale.corpus.tokenizer.vocabulary_size, own.context)
    written = 0 if stream == REAL else own.arms[arm].synthetic_tokens or own.synthetic_tokens
    spent = 2 * PARAMETERS * 2 * written
    return ArmRow(
        arm, title, stream, tokens, synthetic_tokens=written, written_tokens=written, training_flops=flops,
        generation_flops=spent, generation_seconds=spent / FLOPS_PER_SECOND, training_seconds=flops / FLOPS_PER_SECOND,
        **({} if stream == REAL else _kind(config, arm)),
    )  # fmt: skip


def _kind(config: Config, arm: str) -> dict:
    """What the config says of an arm's text."""
    own = config.scales[config.scale].comparison.arms[arm]
    method = config.methods[own.method] if own.method else None
    paper, author = (method.paper, method.author) if method else (SYNPRO_PAPER, "llm")
    family = family_of(config, own)
    return {"paper": paper, "author": author, "family": family, "stitched": own.stitched, "model": "planted"}


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    text = io.StringIO()
    rows = planted_arms(parse_settings(Config, arguments.config))
    pd.DataFrame(map(asdict, rows)).to_csv(text, index=False, lineterminator="\n")
    write_text(arguments.output, text.getvalue())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON of the whole config")
    parser.add_argument("--output", required=True, help="the table (CSV)")
    run_command(main, parser)
