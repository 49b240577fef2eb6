"""One student on ARC-Easy, PIQA and SciQ with lm-evaluation-harness: accuracy per task, and which answers are right."""

import argparse
import os
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import read_record, require_digest, write_json
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Downstream, Training

METRIC = "acc"  # raw, as the papers: neither per character nor relative to chance


def offline(folder: str) -> None:
    """Keep the libraries that are imported next off the network, and their caches in a folder of this process's own."""
    hub = {"HF_HOME": folder, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    os.environ.update(hub | {"TQDM_MININTERVAL": "10", "TOKENIZERS_PARALLELISM": "false"})


def checked_tasks(folder: str | Path, names: list[str]) -> dict[str, tuple[Path, dict]]:
    """File of questions of each task and what it holds. Raises UserError when one is missing or not as written."""
    folder = Path(folder)
    known = read_record(folder / "questions.json")["tasks"]
    for name in names:
        path = folder / f"{name}.parquet"
        if not path.exists():
            raise UserError(f"{path}: the questions of {name} are missing; delete {folder} to have it made anew")
        require_digest(path, known[name]["sha256"])
    return {name: (folder / f"{name}.parquet", known[name]) for name in names}


def result_row(run_id: str, found: dict, name: str, split: str) -> dict:
    """What the harness found for one task, in the columns of a pack's table."""
    return {
        "run_id": run_id,
        "task": name,
        "metric": METRIC,
        "accuracy": found["results"][name][f"{METRIC},none"],
        "stderr": found["results"][name][f"{METRIC}_stderr,none"],
        "questions": found["n-samples"][name]["effective"],
        "shots": found["n-shot"][name],
        "split": split,
        "harness_version": version("lm-eval"),
        "task_version": str(found["versions"][name]),
    }


def right_answers(found: dict, name: str) -> str:
    """A digit per question, in order: 1 where the student's answer is right."""
    samples = sorted(found["samples"][name], key=lambda sample: sample["doc_id"])
    return "".join(str(int(sample[METRIC])) for sample in samples)


def main(arguments: argparse.Namespace) -> None:
    """Evaluate the student and write what was found."""
    settings = parse_settings(Downstream, arguments.settings)
    training = parse_settings(Training, arguments.training)
    tasks = checked_tasks(arguments.questions, settings.tasks)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as caches:
        offline(caches)
        import torch

        from workflow_scripts.evaluation import harness  # here: these libraries read the environment when imported

        torch.set_num_threads(arguments.threads)
        student = harness.open_student(arguments.model, training)
        definitions = [harness.task_of(name, path, about["split"]) for name, (path, about) in tasks.items()]
        found = harness.answer_tasks(student, definitions, settings.limit)
    rows = [result_row(arguments.run, found, name, about["split"]) for name, (_, about) in tasks.items()]
    for row in rows:
        print("{task}: accuracy {accuracy:.4f} +- {stderr:.4f} over {questions} questions".format(**row))
    content = {
        "tasks": rows,
        "right": {name: right_answers(found, name) for name in tasks},
        "cut_requests": student.cut_requests,
        "seconds": round(time.monotonic() - start, 1),
    }
    write_json(arguments.output, content)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, help="name of the student")
    parser.add_argument("--model", required=True, help="folder of the exported student")
    parser.add_argument("--questions", required=True, help="folder of the questions")
    parser.add_argument("--settings", required=True, help="JSON of the section `evaluation.downstream` of the config")
    parser.add_argument("--training", required=True, help="JSON of the `training` section of the config")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default: %(default)s)")
    parser.add_argument("--output", required=True, help="accuracy per task (JSON)")
    run_command(main, parser)
