"""Methods of writing synthetic text with real models: an exported student, and the packaged LLM."""

import argparse
import math
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
import torch

from tests.generation.conftest import LLM, TEXTS, generation_settings
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Student as Shape
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.methods import contrastive, sbp, toedit, wrap
from workflow_scripts.methods.asking import Asker
from workflow_scripts.methods.costs import Costs
from workflow_scripts.methods.student_sampling import Student, Wanted, drawn, load, sample
from workflow_scripts.methods.tools import Tools
from workflow_scripts.training.export import export_student
from workflow_scripts.training.model import Llama

DOCUMENTS = [{"doc_id": f"d{i}", "text": text} for i, text in enumerate(TEXTS)]
PASSAGES = [{"doc_id": f"d{i}#0", "text": text[:90]} for i, text in enumerate(TEXTS)]
EOS = 1


@pytest.fixture(scope="module")
def students(corpus, tmp_path_factory) -> list[Path]:
    """Two with different weights, far from uniform."""
    folder = tmp_path_factory.mktemp("students")
    shape = Shape(hidden=32, feed_forward=64, layers=2, heads=2, key_value_heads=1, max_context=64)
    for seed in (1, 2):
        model = Llama(shape, 258, torch.float32).initialise(seed)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter *= 4 if parameter.ndim == 2 else 1
        export_student(model, 258, corpus[1], folder / str(seed))
    return [folder / "1", folder / "2"]


@pytest.fixture
def tools(corpus, students) -> Tools:
    """Of a method whose author is a student."""
    tokenizer = StudentTokenizer(corpus[1])
    return Tools("some", {}, DOCUMENTS, PASSAGES, 1, 700, tokenizer, author=students[0], early=students[1])


def test_contrast_moves_away_from_the_weaker_student():
    good = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log()
    bad = torch.tensor([[0.6, 0.1, 0.1, 0.2]]).log()
    assert contrastive.plain(good) is good
    none, some = (contrastive.contrasted(good, bad, strength, 0.2)[0] for strength in (0.0, 1.0))
    assert torch.equal(none[:3], good[0, :3]) and none[3] == some[3] == -math.inf
    assert some[:3].exp().tolist() == pytest.approx([0.5 * 0.5 / 0.6, 0.3 * 3, 0.15 * 1.5])


def test_draws_follow_the_scores():
    scores = torch.tensor([0.5, 0.3, 0.2, 0.0]).log().repeat(5000, 1)
    tokens = drawn(scores, [torch.Generator().manual_seed(seed) for seed in range(5000)])
    shares = torch.bincount(tokens, minlength=4) / 5000
    assert shares.tolist() == pytest.approx([0.5, 0.3, 0.2, 0.0], abs=0.03) and shares[3] == 0


@torch.inference_mode()
def sampled_alone(students: list[Student], one: Wanted, score, limit: int) -> list[int]:
    """A text without batch and cache: everything is read again for every token."""
    generator, ids = torch.Generator().manual_seed(one.seed), list(one.prompt)
    while len(ids) < len(one.prompt) + limit and EOS not in ids[len(one.prompt) :]:
        known = [student.model(torch.tensor([ids])).logits[:, -1].log_softmax(-1) for student in students]
        ids.append(int(drawn(score(*known), [generator])))
    return ids[len(one.prompt) :]


@pytest.mark.parametrize("strength", [0, 0.5])
def test_batches_and_caches_change_no_text(tools, strength):
    pair = [load(tools, folder, "student") for folder in (tools.author, tools.early)][: 2 if strength else 1]
    score = partial(contrastive.contrasted, strength=strength, plausible=0.1) if strength else contrastive.plain
    prompts = [[0], [0, 40, 50, 60, 70], [0, 99, 98]]
    wanted = [Wanted(str(i), i, prompt, seed=i) for i, prompt in enumerate(prompts)]
    together = sample(pair, wanted, score, 24, EOS)
    assert together == [sampled_alone(pair, one, score, 24) for one in wanted]
    assert all(together) and len(set(map(tuple, together))) == 3


@pytest.mark.parametrize("strength", [0, 0.5])
def test_samples_end_with_the_wanted_tokens(tools, strength):
    texts = list(contrastive.write(replace(tools, settings={"strength": strength})))
    fewer = list(
        contrastive.write(replace(tools, settings={"strength": strength}, synthetic_tokens=100, costs=Costs()))
    )
    assert fewer == texts[: len(fewer)] and len(fewer) < len(texts)
    lengths = [len(row) for row in tools.tokenizer.rows([text.text for text in texts if text.status == "ok"])]
    assert sum(lengths[:-1]) < 700 <= sum(lengths)
    assert [text.doc_id for text in texts[:2]] == ["sample-00000000", "sample-00000001"]
    assert len(tools.costs.models) == (2 if strength else 1) and tools.costs.written_tokens > 600


def test_pairs_are_cut_to_the_context_and_only_the_second_text_is_learnt():
    first, second = zip(*sbp.halves([[0, 5, 6, 7, 8, 1], [0, 9, 1]], 8), strict=True)
    assert first == ([0, 5, 6, 1], [0, 9, 1]) and second == ([0, 5, 6, 7], [0, 9, 1])
    tokens, labels = sbp.step_tensors([(first[0], second[1]), (first[1], second[1])])
    assert tokens.tolist() == [[0, 5, 6, 1, 0, 9, 1], [0, 9, 1, 0, 9, 1, 0]]
    assert labels.tolist() == [[-100] * 5 + [9, 1], [-100] * 4 + [9, 1, -100]]


def test_related_texts_are_of_passages_in_turn(tools):
    words = ["harbour", "winter", "orchard", "lantern", "market", "bridge"]
    chains = [" and ".join((words * 2)[place : place + 4]) for place in range(len(words))]
    tools.passages = [row | {"text": chain} for row, chain in zip(PASSAGES, chains, strict=True)]
    settings = {"similarity": 0.05, "epochs": 2, "lr": 0.003}
    texts = list(sbp.write(replace(tools, settings=settings)))
    assert [text.doc_id for text in islice(texts, 7)] == [*(row["doc_id"] for row in PASSAGES), "d0#0"]
    assert texts[6].number == 1 and texts[6].text != texts[0].text
    assert tools.notes["pairs"] >= 8 and tools.costs.trained_tokens >= 2 * 8 * 32
    assert texts == list(sbp.write(replace(tools, settings=settings)))
    with pytest.raises(UserError, match=r"some\.settings\.similarity 0\.99.*largest similarity is 0\."):
        list(sbp.write(replace(tools, settings={"similarity": 0.99})))


def test_an_entry_without_student_or_prior_is_told_so(tools):
    with pytest.raises(UserError, match="methods.some.author.*`author: student`"):
        list(contrastive.write(replace(tools, author=None)))
    with pytest.raises(UserError, match="methods.some.author.*`author: prior`"):
        list(toedit.write(tools))


def test_edits_are_where_the_prior_is_sure(tools, llm_folder):
    one = replace(tools, documents=DOCUMENTS[:1], prior=llm_folder, costs=Costs(), notes={})
    flat = replace(one, settings={"threshold": 0.3, "temperature": 50.0, "copies": 2}, notes={})
    first, second = toedit.write(flat)
    assert first.text != second.text != TEXTS[0] and (first.status, first.number, second.number) == ("ok", 0, 1)
    assert first.text[:4] == TEXTS[0][:4] and 0 < flat.notes["changed_share"] <= flat.notes["sure_share"] < 0.5
    [same] = toedit.write(replace(one, settings={"threshold": 1.1}))
    assert (same.text, same.kind, same.status) == (TEXTS[0], "unchanged", "ok")
    assert one.costs.models["prior"] > 10**8 and 2 * 20 < one.costs.read_tokens < 2 * 100


class Interrupted(Exception):
    """Stands for a job that is killed."""


def test_interrupted_prompts_are_asked_once(llm_folder, corpus, tmp_path, tools):
    settings = generation_settings(engine="transformers")

    def texts(journal: str, engine=None) -> tuple[list, Asker]:
        options = {"model": str(llm_folder), "tokenizer": corpus[1], "server": None, "journal": tmp_path / journal}
        asker = Asker(argparse.Namespace(**options), settings, LLM, 12, Costs())
        asker.job.engine = engine
        return list(wrap.write(replace(tools, asker=asker, passages=PASSAGES[:2], texts=4))), asker

    whole, asker = texts("whole")
    engine, step, steps = asker.job.engine, asker.job.engine.step, iter([True, False])

    def interrupted() -> list:
        if not next(steps):
            engine.queue.clear()
            raise Interrupted
        return step()

    engine.step = interrupted
    with pytest.raises(Interrupted):
        texts("killed", engine)
    engine.step = step
    finished = {path: path.stat().st_mtime_ns for path in (tmp_path / "killed").glob("*.json")}
    again, _ = texts("killed", engine)
    assert len(finished) == 1 and all(path.stat().st_mtime_ns == then for path, then in finished.items())
    assert again == whole and len({text.text for text in whole}) > 4
    styles = list(wrap.STYLES)
    assert [text.kind for text in whole] == [*styles, *styles[1:], styles[0]]
    assert all(text.text.startswith("Question:") for text in whole if text.kind == "qa")
