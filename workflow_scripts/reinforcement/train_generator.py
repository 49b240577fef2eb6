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

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import remove, sha256, write_json
from workflow_scripts.common.hub import located
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Llm
from workflow_scripts.config.synpro import Operation, Reinforcement
from workflow_scripts.corpus.documents import read_documents
from workflow_scripts.generation.prompts import PromptBuilder, load_template
from workflow_scripts.reinforcement.history import rows_of as history_rows
from workflow_scripts.reinforcement.history import write_history
from workflow_scripts.reinforcement.prompts import prompts_of, rows_of, split


def check(settings: Reinforcement, weights: dict[str, float]) -> None:
    """Raise UserError for settings that make no sense together."""
    completions = settings.prompts_per_step * settings.completions
    if completions % settings.micro_batch_completions:
        raise UserError(
            f"micro_batch_completions {settings.micro_batch_completions} doesn't divide the {completions} completions "
            "of a step (prompts_per_step x completions)"
        )
    if not weights:
        raise UserError("--weights: no reward is named, so there is nothing to train a generator by")


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
    settings, llm = parse_settings(Reinforcement, arguments.settings), parse_settings(Llm, arguments.llm)
    operation, weights = parse_settings(Operation, arguments.operation), json.loads(arguments.weights)
    check(settings, weights)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch
    from datasets import Dataset
    from transformers import AutoTokenizer

    from workflow_scripts.reinforcement import grpo
    from workflow_scripts.reinforcement.held_out import HeldOut
    from workflow_scripts.reinforcement.scoring import Scorer, reward_functions
    from workflow_scripts.rewards.catalogue import RewardModels, rewards_of

    torch.set_num_threads(arguments.threads)
    model_folder = located("model", arguments.model, llm.revision)
    tokenizer, template = AutoTokenizer.from_pretrained(model_folder), load_template(operation.prompt)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    builder = PromptBuilder(tokenizer, template, llm.context, operation.max_new_tokens)
    prompts = prompts_of(read_documents(arguments.slices), builder)
    chosen, held_out = split(prompts, settings.evaluation_slices, arguments.name)
    students = arguments.before, arguments.after
    models = RewardModels(arguments.rater, arguments.embedding, *students, settings.dataman, settings.judge)
    scorer = Scorer(arguments.operation_name, template.answer, rewards_of(weights, settings, models), weights)
    folder = Path(arguments.checkpoint)
    state = last_state(folder, identity_of(arguments))
    remove(Path(arguments.output) / "metrics.json")
    config = grpo.grpo_config(settings, list(weights.values()), arguments.standardise, operation.max_new_tokens, folder)
    trainer = grpo.trainer_of(
        grpo.load_generator(model_folder, llm), tokenizer, config, reward_functions(scorer, tokenizer.eos_token_id),
        Dataset.from_list(rows_of(chosen, settings.steps, settings.prompts_per_step, settings.seed)),
        grpo.lora_config(settings.lora), HeldOut(scorer, held_out, settings, operation.max_new_tokens),
    )  # fmt: skip
    started = time.monotonic()
    trainer.train(resume_from_checkpoint=state)
    grpo.save_generator(trainer.model, tokenizer, llm, Path(arguments.output) / "model")
    completions = settings.prompts_per_step * settings.completions
    rows = history_rows(trainer.state.log_history, scorer.rewards, completions)
    write_history(Path(arguments.output) / "rewards.csv", arguments.name, rows)
    written = [row["mean"] for row in rows if (row["measure"], row["split"]) == ("completion_tokens", "training")]
    about = {
        "set": arguments.name,
        "steps": settings.steps,
        "completions": completions * settings.steps,
        "slices": len(chosen),
        "held_out_slices": len(held_out),
        "generated_tokens": round(completions * sum(written)),
        "prompt_tokens": prompt_tokens(tokenizer, chosen, settings),
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "seconds": round(time.monotonic() - started, 1),
    }
    write_json(Path(arguments.output) / "metrics.json", about)
    shutil.rmtree(folder, ignore_errors=True)


def prompt_tokens(tokenizer, prompts: list, settings: Reinforcement) -> int:
    """Tokens of the prompts of all answers of a training, by their mean."""
    lengths = [len(tokenizer.encode(one.prompt, add_special_tokens=False)) for one in prompts]
    return round(sum(lengths) / len(lengths) * settings.steps * settings.prompts_per_step * settings.completions)


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
