"""Plant a SynPro pack (arXiv 2605.17849): losses of students of a known study, and tables of sets beside them."""

import argparse
from dataclasses import fields, replace
from pathlib import Path

import pandas as pd

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import atomic_path
from workflow_scripts.evaluation.synpro_columns import COLUMNS
from workflow_scripts.evaluation.synpro_tables import VALIDATION, SynProPack
from workflow_scripts.planted.synpro_losses import parts_table
from workflow_scripts.planted.synpro_sets import influence_table, rater_table, rewards_table, sets_table
from workflow_scripts.planted.synpro_tasks import in_loop_table
from workflow_scripts.planted.synpro_truth import EVALUATION_STEPS, STEP_TOKENS, SynProTruth

WITHOUT_NOISE = {"part_sd": 0.0, "shared_seed_sd": 0.0, "own_seed_sd": 0.0, "jitter_sd": 0.0, "shares_drawn": False}
PARAMETERS = 1_600_000  # of the student, for FLOPs


def plant_pack(truth: SynProTruth, seed: int) -> SynProPack:
    """The pack of a known study; the same seed gives the same."""
    parts = pd.concat([parts_table(truth, seed, name) for name in truth.pretrainings], ignore_index=True)
    return SynProPack(
        pretrainings=pretrainings_table(truth),
        evaluations=_evaluations(parts),
        parts=parts,
        sets=sets_table(truth, seed),
        rewards=rewards_table(truth, seed),
        influence=influence_table(truth, seed),
        in_loop=in_loop_table(truth, seed),
        rater=rater_table(),
    )


def without_noise(truth: SynProTruth) -> SynProTruth:
    """The same study, whose losses are exact; parts still differ in hardness."""
    return replace(truth, **WITHOUT_NOISE)


def pretrainings_table(truth: SynProTruth) -> pd.DataFrame:
    """A row per pretraining and seed."""
    return pd.DataFrame([_row(truth, name, seed) for name in truth.pretrainings for seed in truth.seeds])


def _row(truth: SynProTruth, name: str, seed: int) -> dict:
    own = truth.pretrainings[name]
    steps = own.evaluations * EVALUATION_STEPS
    tokens, oracle = steps * STEP_TOKENS, own.role == "oracle"
    organic, synthetic = tokens if oracle else truth.organic_tokens, len(own.sets) * truth.organic_tokens
    return {
        "pretraining": name, "seed": seed, "title": own.title, "role": own.role, "start": own.start,
        "sets": ";".join(own.sets), "organic_tokens": organic, "synthetic_tokens": synthetic, "steps": steps,
        "tokens": tokens, "start_tokens": truth.start_tokens(name), "plateau_tokens": truth.plateau_tokens(name),
        "plateau_reached": bool(own.plateau), "training_flops": 6.0 * PARAMETERS * tokens,
        "generation_flops": 2.7e8 * synthetic, "organic_epochs": tokens / (organic + synthetic),
    }  # fmt: skip


def _evaluations(parts: pd.DataFrame) -> pd.DataFrame:
    key = ["pretraining", "seed", "step", "tokens"]
    sums = parts.groupby(key, sort=False)[["loss_sum_nats", "predicted_tokens"]].sum()
    loss = (sums["loss_sum_nats"] / sums["predicted_tokens"]).reset_index(name="loss_nats")
    reference = loss.assign(set="reference", loss_nats=1.1 + 0.6 * loss["loss_nats"])
    return pd.concat([loss.assign(set=VALIDATION), reference], ignore_index=True)[list(COLUMNS["evaluations"])]


def write_pack(folder: str | Path, pack: SynProPack) -> None:
    """Write all tables as CSV; pretrainings.csv appears last and marks the pack as whole."""
    for name in reversed([field.name for field in fields(pack)]):
        with atomic_path(Path(folder) / f"{name}.csv") as temporary:
            getattr(pack, name)[list(COLUMNS[name])].to_csv(temporary, index=False)


def main(arguments: argparse.Namespace) -> None:
    """Plant and write."""
    write_pack(arguments.output, plant_pack(SynProTruth(), arguments.seed))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", required=True, help="folder of the pack")
    parser.add_argument("--seed", type=int, default=0, help="of the noise (default: %(default)s)")
    run_command(main, parser)
