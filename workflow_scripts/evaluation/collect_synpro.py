"""Everything that was measured of SynPro's students and sets as one folder of tables (arXiv 2605.17849).

FLOPs of generators are arithmetic, 2 per parameter and token of prompt and answer to write, and, in a training by GRPO,
2 to write, 6 for forward and backward pass, 2 for the model that it started as: prompts counted for every answer.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import read_json, write_text
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.synpro import ORGANIC, UNIQUE, SynPro
from workflow_scripts.evaluation.synpro_columns import COLUMNS

WRITING, REINFORCING = 2, 10  # FLOPs per parameter and token
STUDENT = ["pretraining", "seed"]


class Results:
    """Files of one scale, by what they are about."""

    def __init__(self, synpro: SynPro, folder: str | Path) -> None:
        self.synpro, self.folder = synpro, Path(folder)

    def students(self) -> Iterator[tuple[str, int, Path]]:
        """(pretraining, seed, folder) of every student."""
        for name in self.synpro.pretrainings:
            for seed in self.synpro.seeds:
                yield name, seed, self.folder / f"synpro/pretrainings/{name}-s{seed}"

    def joined(self, name: str) -> pd.DataFrame:
        """A CSV of all students, with whose it is."""
        tables = [
            pd.read_csv(folder / name).assign(pretraining=pretraining, seed=seed)
            for pretraining, seed, folder in self.students()
        ]
        return pd.concat(tables, ignore_index=True)

    def set_flops(self, name: str, parameters: int) -> float:
        """FLOPs of writing a set and, once, of training its generator."""
        own = self.synpro.sets[name]
        if own.stitches:
            return self.set_flops(own.stitches, parameters)
        records = [read_json(path) for path in sorted(self.folder.glob(f"generations/{name}-*.json"))]
        tokens = sum(record["tokens"] + record["prompt_tokens"] for record in records)
        trained = read_json(self.folder / f"synpro/generators/{name}/metrics.json") if own.rewards else {}
        learned = trained.get("prompt_tokens", 0) + trained.get("generated_tokens", 0)
        return float(parameters * (WRITING * tokens + REINFORCING * learned))

    def pretraining_row(self, name: str, seed: int, folder: Path, parameters: int) -> dict:
        """What a student was trained on, and what that cost."""
        own, metrics = self.synpro.pretrainings[name], read_json(folder / "metrics.json")
        plateau, speed = read_json(folder / "plateau.json"), read_json(folder / "throughput.json")
        natural, start = UNIQUE if own.unique else ORGANIC, 0
        if own.start:
            start = read_json(folder.parent / f"{own.start}-s{seed}/plateau.json")["tokens"]
        per_token = speed["flops_per_second"] / max(1e-9, speed["tokens_per_second"])
        return {
            "pretraining": name, "seed": seed, "title": own.title, "role": own.role, "start": own.start or "",
            "sets": ";".join(own.sets), "organic_tokens": metrics[f"{natural}_stream_tokens"],
            "synthetic_tokens": sum(metrics[f"{one}_stream_tokens"] for one in own.sets),
            "steps": metrics["steps"], "tokens": metrics["tokens"], "start_tokens": start,
            "plateau_tokens": plateau["tokens"], "plateau_reached": plateau["reached"],
            "training_flops": per_token * metrics["tokens"],
            "generation_flops": sum(self.set_flops(one, parameters) for one in own.sets),
            "organic_epochs": metrics[f"{natural}_epochs_seen"],
        }  # fmt: skip


def tables_of(results: Results, rater: Path) -> dict[str, pd.DataFrame]:
    """All tables by name."""
    folder, evaluations = results.folder / "synpro", results.joined("evaluations.csv")
    sets = [column for column in evaluations if column not in ("step", "tokens", *STUDENT)]
    trained = [name for name, own in results.synpro.used_sets().items() if own.rewards]
    parameters = read_json(folder / f"generators/{trained[0]}/metrics.json")["parameters"] if trained else float("nan")
    in_loop = [
        row | {"pretraining": name, "seed": seed}
        for name, seed, _ in results.students()
        for row in read_json(folder / f"in_loop/{name}-s{seed}.json")["rows"]
    ]
    rewards = [pd.read_csv(folder / f"generators/{name}/rewards.csv") for name in trained]
    return {
        "pretrainings": pd.DataFrame([results.pretraining_row(*one, parameters) for one in results.students()]),
        "evaluations": evaluations.melt([*STUDENT, "step", "tokens"], sets, "set", "loss_nats"),
        "parts": results.joined("parts.csv"),
        "sets": pd.read_csv(folder / "sets.csv"),
        "rewards": pd.concat(rewards) if rewards else pd.DataFrame(columns=list(COLUMNS["rewards"])),
        "influence": pd.concat([pd.read_csv(path) for path in sorted(folder.glob("influence/*.csv"))]),
        "in_loop": pd.DataFrame(in_loop),
        "rater": pd.read_csv(rater / "rater.csv"),
    }


def main(arguments: argparse.Namespace) -> None:
    """Write the tables."""
    results = Results(parse_settings(SynPro, arguments.synpro), arguments.folder)
    for name, table in tables_of(results, Path(arguments.rater)).items():
        own = table[list(COLUMNS[name])]
        write_text(Path(arguments.output) / f"{name}.csv", own.to_csv(index=False, lineterminator="\n"))
        print(f"{name}: {len(own):,} rows")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--synpro", required=True, help="JSON of a `synpro` section")
    parser.add_argument("--folder", required=True, help="results of the scale")
    parser.add_argument("--rater", required=True, help="folder of the quality rater")
    parser.add_argument("--output", required=True, help="folder of the tables")
    run_command(main, parser)
