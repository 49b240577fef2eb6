"""Train one generator by GRPO on slices of the organic documents (arXiv 2605.17849): rewards up, form kept.

Writes OUTPUT/model (as any LLM's folder), OUTPUT/rewards.csv (every reward at every step, on held-out slices at
intervals, and what tells whether they are gamed) and, last, OUTPUT/metrics.json. Interrupted, it continues from the
last state in --checkpoint.
"""

import argparse
import json
import os
import shutil
import time
from pathlib import Path

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import remove, sha256, write_json
from workflow_scripts.reinforcement.history import rows_of as history_rows
from workflow_scripts.reinforcement.history import write_history
from workflow_scripts.reinforcement.training import Training


def last_state(folder: Path, identity: dict) -> str | None:
    """The newest whole state of this very training; states of another one are removed."""
    marker = folder / "identity.json"
    if not marker.exists() or json.loads(marker.read_text(encoding="utf-8")) != identity:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_json(marker, identity)
    states = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.partition("-")[2]))
    whole = [path for path in states if (path / "trainer_state.json").exists()]  # it is written last
    return str(whole[-1]) if whole else None


def identity_of(arguments: argparse.Namespace) -> dict:
    """All that decides what is trained."""
    named = ("settings", "operation", "operation_name", "weights", "standardise", "llm", "recipe")
    files = {"slices": arguments.slices, "rater": arguments.rater}
    students = {
        name: f"{folder}/model.safetensors" for name in ("before", "after") if (folder := getattr(arguments, name))
    }
    given = {name: getattr(arguments, name) for name in named}
    return given | {name: sha256(path) for name, path in (files | students).items()}


def main(arguments: argparse.Namespace) -> None:
    """Train, evaluate, save."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch

    from workflow_scripts.reinforcement.grpo import save_generator

    torch.set_num_threads(arguments.threads)
    own, output, states = Training(arguments), Path(arguments.output), Path(arguments.checkpoint)
    state = last_state(states, identity_of(arguments))
    remove(output / "metrics.json")
    trainer, started = own.trainer(states), time.monotonic()
    trainer.train(resume_from_checkpoint=state)
    facts = {"seconds": round(time.monotonic() - started, 1)}
    completions = own.settings.prompts_per_step * own.settings.completions
    rows = history_rows(trainer.state.log_history, own.scorer.rewards, completions)
    save_generator(trainer.model, own.tokenizer, own.llm, output / "model")
    facts |= own.facts(trainer, rows)
    write_history(output / "rewards.csv", arguments.name, rows)
    write_json(output / "metrics.json", facts)
    shutil.rmtree(states, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True, help="of the synthetic set that the generator is for")
    parser.add_argument("--slices", required=True, help="slices of the organic documents (Parquet, as documents)")
    parser.add_argument("--settings", default="{}", help="JSON of a `reinforcement` section (default: the authors')")
    parser.add_argument("--operation-name", required=True, help="rephrase or reformat")
    parser.add_argument("--operation", required=True, help="JSON of the operation's entry in `operations`")
    parser.add_argument("--weights", required=True, help='JSON of weights of rewards: {"influence": 3, "format": 1}')
    parser.add_argument("--standardise", action="store_true", help="every reward by its deviation in the group first")
    parser.add_argument("--llm", required=True, help="JSON of the generator's entry in `llms`")
    parser.add_argument("--model", required=True, help="folder or hub id of the generator's weights")
    parser.add_argument("--rater", required=True, help="the quality rater")
    parser.add_argument("--embedding", required=True, help="folder of the sentence-embedding model")
    parser.add_argument("--before", help="influence: the exported student at its plateau")
    parser.add_argument("--after", help="influence: the same after the probe")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default: %(default)s)")
    parser.add_argument("--recipe", type=int, default=1, help="version of what is trained (default: %(default)s)")
    parser.add_argument("--checkpoint", required=True, help="folder of the states that it continues from")
    parser.add_argument("--output", required=True, help="folder of the trained generator")
    run_command(main, parser)
