"""What an arm of the comparison is made of and costs, beside the losses of its students: arms.csv of their pack.

FLOPs of generation are those of the texts that the arm's stream holds: a method whose stream is cut costs its share.
Texts of a student cost its own training, too; texts of a trained generator cost its training by GRPO. FLOPs of training
are those of one student (config/sizes.py), seconds the mean of those that were trained.
"""

import argparse
import io
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import read_json, write_text
from workflow_scripts.config.arm_families import CONTROL, family_of
from workflow_scripts.config.base import REAL
from workflow_scripts.config.comparison import Arm, Method
from workflow_scripts.config.comparison_rows import COMPARISON
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Config
from workflow_scripts.config.runs import Run
from workflow_scripts.config.sizes import flops_per_token
from workflow_scripts.config.studies import expand_runs, needed_by
from workflow_scripts.config.synpro import UNIQUE
from workflow_scripts.evaluation.collect_synpro import Results as SynProResults

REPETITION, ORACLE = "repetition", "oracle"
SYNPRO_PAPER = "2605.17849"


@dataclass(frozen=True)
class ArmRow:
    """One arm, or a control without synthetic text."""

    arm: str
    title: str
    stream: str  # of its students in the run table
    real_tokens: int  # unique natural tokens of its students
    family: str = CONTROL  # of config/arm_families.py
    paper: str = ""
    author: str = "none"  # llm, prior, student, or none
    model: str = ""
    revision: str = ""
    stitched: bool = False
    synthetic_tokens: int = 0  # of its stream, natural documents not counted
    written_tokens: int = 0  # of its sources' streams
    texts: int = 0
    left_out: int = 0
    generation_flops: float = 0.0
    generation_seconds: float = 0.0
    training_flops: float = 0.0
    training_seconds: float = float("nan")
    certificate: str = "not searched"
    tokens_sha256: str = ""


class Table:
    """Rows from the files of one scale."""

    def __init__(self, config: Config, folder: Path) -> None:
        self.config, self.scale, self.folder = config, config.scales[config.scale], folder
        self.own = self.scale.comparison
        self.runs = needed_by(expand_runs(config), COMPARISON)

    def rows(self) -> list[ArmRow]:
        """The two controls, then arms as the config lists them."""
        controls = {REPETITION: self.own.organic_tokens, ORACLE: self.own.oracle_tokens}
        natural = read_json(self.folder / f"streams/{UNIQUE}.json")["tokens_sha256"]  # what all students share
        found = [
            ArmRow(name, name, REAL, tokens, tokens_sha256=natural, **self._training(REAL, tokens))
            for name, tokens in controls.items()
        ]
        return found + [self._arm(name, arm) for name, arm in self.own.arms.items()]

    def _arm(self, name: str, arm: Arm) -> ArmRow:
        stream = read_json(self.folder / f"streams/arms/{name}.json")
        synthetic = stream["tokens"] - stream["tokens_by_kind"].get(REAL, 0) * arm.stitched
        source = self._method(arm.method) if arm.method else self._sets(arm)
        share = min(1.0, synthetic / source["written_tokens"])
        source |= {key: source[key] * share for key in ("generation_flops", "generation_seconds")}
        return ArmRow(
            name, arm.title, name, self.own.organic_tokens, family=family_of(self.config, arm), stitched=arm.stitched,
            synthetic_tokens=synthetic, tokens_sha256=stream["tokens_sha256"], **source,
            **self._training(name, self.own.organic_tokens),
        )  # fmt: skip

    def _method(self, name: str) -> dict:
        method: Method = self.config.methods[name]
        record = read_json(self.folder / f"methods/{name}.json")
        own = self._author_flops() if method.author == "student" else 0.0
        generator = record["generator"]
        return {
            "paper": method.paper, "author": method.author, "model": generator["model"],
            "revision": generator["revision"] or "", "texts": record["texts"],
            "left_out": record["texts"] - record["status"].get("ok", 0),
            "written_tokens": read_json(self.folder / f"streams/methods/{name}.json")["tokens"],
            "generation_flops": record["flops"] + own, "generation_seconds": record["seconds"],
        }  # fmt: skip

    def _author_flops(self) -> float:
        author = next(run for run in self.runs if (run.stream, run.real_tokens) == (REAL, self.own.organic_tokens))
        return self._flops(author) * (1 + self.own.early_share)

    def _sets(self, arm: Arm) -> dict:
        """Of SynPro's sets; seconds are those of their texts, without a generator's training."""
        results = SynProResults(self.scale.synpro, self.folder)
        llm = self.config.llms[self.scale.synpro.llm or self.scale.generation.llm]
        shards = [
            read_json(path) for name in arm.sets for path in sorted(self.folder.glob(f"generations/{name}-*.json"))
        ]
        streams = [read_json(self.folder / f"streams/{name}.json") for name in arm.sets]
        trained = [name for name in self.scale.synpro.used_sets() if self.scale.synpro.sets[name].rewards]
        parameters = read_json(self.folder / f"synpro/generators/{trained[0]}/metrics.json")["parameters"]
        counts = [stream["statuses"] for stream in streams]
        return {
            "paper": SYNPRO_PAPER, "author": "llm", "model": llm.model, "revision": llm.revision,
            "texts": sum(record["rows"] for record in shards),
            "left_out": sum(one.get("wrong_format", 0) + one.get("empty", 0) for one in counts),
            "written_tokens": sum(stream["tokens"] for stream in streams),
            "generation_flops": sum(results.set_flops(name, parameters) for name in arm.sets),
            "generation_seconds": sum(record["seconds"] for record in shards),
        }  # fmt: skip

    def _training(self, stream: str, tokens: int) -> dict:
        own = [run for run in self.runs if (run.stream, run.real_tokens) == (stream, tokens)]
        path = self.folder / f"tuning/certificates/{own[0].run_id}.json"
        seconds = [read_json(self.folder / f"runs/{run.run_id}/throughput.json")["seconds"] for run in own]
        return {
            "training_flops": self._flops(own[0]), "training_seconds": sum(seconds) / len(seconds),
            "certificate": read_json(path)["verdict"] if path.exists() else "not searched",
        }  # fmt: skip

    def _flops(self, run: Run) -> float:
        tokens = read_json(self.folder / f"runs/{run.run_id}/metrics.json")["tokens"]
        vocabulary = self.scale.corpus.tokenizer.vocabulary_size
        return tokens * flops_per_token(self.config.students[run.student], vocabulary, self.own.context)


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    rows = Table(parse_settings(Config, arguments.config), Path(arguments.folder)).rows()
    text = io.StringIO()
    pd.DataFrame(map(asdict, rows)).to_csv(text, index=False, lineterminator="\n")
    write_text(arguments.output, text.getvalue())
    print(f"{len(rows)} arms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="JSON of the whole config")
    parser.add_argument("--folder", required=True, help="folder of the scale's results")
    parser.add_argument("--output", required=True, help="the table (CSV)")
    run_command(main, parser)
