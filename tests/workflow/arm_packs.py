"""Hand-made packs of the comparison of all methods: arms whose data efficiency is planted by a law."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from tests.workflow.packs import D, pack, student
from workflow_scripts.config.arm_families import EDITING, MEGADOCS, OWN_STUDENT, REWRITING, TRAINED
from workflow_scripts.evaluation.arm_table import ORACLE, REPETITION, ArmRow
from workflow_scripts.evaluation.arms import ArmPack
from workflow_scripts.evaluation.results import write_results
from workflow_scripts.scaling.law import DataLaw

LAW = DataLaw(1e-3, 0.5, 3.0)  # of students of natural text; D in billions
SEED_SD = 0.002  # nats
WORTHS = {  # data efficiency of every arm
    "simple": 1.3, "stitched": 1.6, "wrap": 1.2, "wrap_stitched": 1.5, "toedit": 1.1, "self_distillation": 1.15,
    "contrastive": 1.05, "sbp": 1.4, "synpro_static": 1.25, "synpro": 1.7, "repro": 1.45,
}  # fmt: skip
FAMILIES = {
    "stitched": MEGADOCS, "wrap_stitched": MEGADOCS, "toedit": EDITING, "self_distillation": OWN_STUDENT,
    "contrastive": OWN_STUDENT, "sbp": OWN_STUDENT, "synpro": TRAINED, "repro": TRAINED,
}  # fmt: skip
BASELINE = (D // 2, D, 2 * D, 4 * D)


def loss_of(worth: float) -> float:
    """Planted i.i.d. loss of students that are worth so many times D."""
    return float(LAW.loss(worth * D))


def arm_pack(
    worths: dict[str, float] = WORTHS, as_simple: dict[str, float] | None = None, seeds: int = 3, **columns: dict
) -> ArmPack:
    """A pack; `as_simple`: worths with the hyper-parameters of simple rephrases, where they differ.

    columns: values by arm of columns of `arms.csv`, as generation_flops={"wrap": 1e12}.
    """
    forced, rows = as_simple or {}, []
    for tokens in BASELINE:
        rows += _students("real", float(LAW.loss(tokens)), seeds, real_tokens=tokens, studies="comparison")
    for arm, worth in worths.items():
        studies = "comparison" if arm in forced else "comparison comparison_as_simple"
        rows += _students(arm, loss_of(worth), seeds, studies=studies)
    for arm, worth in forced.items():
        rows += _students(arm, loss_of(worth), seeds, studies="comparison_as_simple", weight_decay=3.2)
    return ArmPack(pack(rows), _arms(worths, columns))


def write_arm_pack(folder: Path, own: ArmPack) -> Path:
    """A pack as a folder."""
    write_results(folder, own.results)
    own.arms.to_csv(folder / "arms.csv", index=False)
    return folder


def _students(stream: str, loss: float, seeds: int, **changes: object) -> list[dict]:
    """Students of several seeds around a loss; the other set has half of every difference."""
    middle = (seeds - 1) / 2
    moved = [loss + SEED_SD * (seed - middle) for seed in range(seeds)]
    return [student(stream, 0, own, seed, sets={"news": 2 + own / 2}, **changes) for seed, own in enumerate(moved)]


def _arms(worths: dict[str, float], columns: dict[str, dict]) -> pd.DataFrame:
    costs = {"synthetic_tokens": 2 * D, "generation_flops": 1e12, "generation_seconds": 9.0, "texts": 60, "left_out": 3}
    rows = [
        ArmRow(name, name, "real", tokens, training_flops=1e10) for name, tokens in ((REPETITION, D), (ORACLE, 4 * D))
    ]
    for arm in worths:
        own = costs | {name: values[arm] for name, values in columns.items() if arm in values}
        kind = {"family": FAMILIES.get(arm, REWRITING), "author": "llm", "model": "hand-made"}
        rows.append(ArmRow(arm, arm.replace("_", " "), arm, D, training_flops=1e10, **kind, **own))
    return pd.DataFrame(map(asdict, rows)).set_index("arm", drop=False)
