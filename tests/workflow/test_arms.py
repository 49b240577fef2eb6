"""Streams of arms: which rows they take of their sources, in which order, and how a document's become a megadoc."""

import numpy as np
import pytest

from tests.workflow.conftest import run_main
from tests.workflow.test_runs import shipped_config
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.comparison import Comparison
from workflow_scripts.config.studies import expand_runs
from workflow_scripts.megadocs import arm, method_stream
from workflow_scripts.megadocs.tokens import TokenRow, TokenStream, write_stream
from workflow_scripts.methods.text import Text, read_texts, write_texts
from workflow_scripts.tuning.neighbourhood import centres, neighbours

TEXTS = [
    Text("a#0", "easy", 0, "A zero, first half."),
    Text("a#0", "hard", 1, "A one."),
    Text("a#1", "easy", 0, "A zero, second half."),
    Text("b#0", "easy", 0, "B zero."),
    Text("b#0", "hard", 1, "", "empty"),
]


def source(folder, name: str, rows: list[tuple[str, int]]) -> str:
    """Prefix of a stream of rows (document, length); ids count up, so that every row can be told."""
    written, first = [], 2
    for number, (doc_id, length) in enumerate(rows):
        written.append(TokenRow(doc_id, name, number, np.arange(first, first + length)))
        first += length
    facts = {"stream": name, "tokenizer": "test", "tokenizer_sha256": "test"}
    write_stream(folder / name, written, 300, facts)
    return str(folder / name)


def build(folder, sources: list[str], **options) -> list[tuple[str, str, int]]:
    """The arm's rows as (document, kind, first id)."""
    usual = {"tokens": None, "natural": None, "natural_tokens": 0}
    run_main(arm.main, name="arm", sources=sources, output=folder / "arm", **usual | options)
    found = TokenStream(folder / "arm")
    return [(r["doc_id"], r["kind"], int(found.tokens[r["start"]])) for r in found.index().to_pylist()]


def test_a_limit_takes_first_texts_of_all_documents_before_second_ones(tmp_path):
    rows = [("a", 10), ("a", 10), ("a", 10), ("b", 10), ("b", 10)]
    first_a, second_a, _, first_b, _ = (2, 12, 22, 32, 42)
    found = build(tmp_path, [source(tmp_path, "one", rows)], tokens=25)
    assert [row[2] for row in found] == [first_a, first_b, second_a]  # the third row ends beyond 25, whole


def test_sources_share_a_limit_by_their_tokens(tmp_path):
    large = source(tmp_path, "large", [(f"d{i}", 10) for i in range(9)])
    small = source(tmp_path, "small", [(f"d{i}", 10) for i in range(3)])
    kinds = [kind for _, kind, _ in build(tmp_path, [large, small], tokens=80)]
    assert (kinds.count("large"), kinds.count("small")) == (6, 2)


def test_without_a_limit_everything_is_there(tmp_path):
    assert len(build(tmp_path, [source(tmp_path, "one", [("a", 5), ("b", 7)])])) == 2


def test_stitched_rows_stand_before_their_document(tmp_path):
    texts = source(tmp_path, "texts", [("b", 4), ("a", 4), ("a", 4)])
    natural = source(tmp_path, "natural", [("a", 6), ("b", 6), ("c", 6), ("beyond", 6)])
    found = build(tmp_path, [texts], natural=natural, natural_tokens=18)
    assert [(doc, kind) for doc, kind, _ in found] == [
        ("a", "texts"), ("a", "texts"), ("a", "real"), ("b", "texts"), ("b", "real"), ("c", "real"),
    ]  # fmt: skip


def test_texts_of_other_documents_are_refused(tmp_path):
    texts, natural = source(tmp_path, "texts", [("x", 4)]), source(tmp_path, "natural", [("a", 6)])
    with pytest.raises(UserError, match="no document x among its first 6 tokens"):
        build(tmp_path, [texts], natural=natural, natural_tokens=6)


def test_texts_of_passages_are_rejoined_number_by_number(corpus, tmp_path):
    write_texts(tmp_path / "texts.parquet", TEXTS)
    assert list(read_texts(tmp_path / "texts.parquet")) == TEXTS
    tokenizer = corpus.folder / "corpus/tokenizer.json"
    run_main(
        method_stream.main, name="wrap", texts=tmp_path / "texts.parquet", tokenizer=tokenizer, output=tmp_path / "s"
    )
    found = TokenStream(tmp_path / "s")
    rows = [
        (r["doc_id"], r["kind"], r["generation"], corpus.tokenizer.decode(found.tokens[r["start"] : r["end"]]))
        for r in found.index().to_pylist()
    ]
    assert rows == [
        ("a", "easy", 0, "A zero, first half.\n\nA zero, second half."),
        ("b", "easy", 0, "B zero."),
        ("a", "hard", 1, "A one."),
    ]
    assert found.metadata["statuses"] == {"empty": 1, "ok": 4}


def test_method_without_a_usable_text_is_an_error(corpus, tmp_path):
    write_texts(tmp_path / "texts.parquet", [Text("a", "easy", 0, "", "refusal")])
    with pytest.raises(UserError, match="none of 1 texts can be used.*refusal"):
        run_main(
            method_stream.main, name="wrap", texts=tmp_path / "texts.parquet", output=tmp_path / "s",
            tokenizer=corpus.folder / "corpus/tokenizer.json",
        )  # fmt: skip


def test_all_arms_have_the_same_frame():
    """One student, batch, context, natural stream and D; three seeds; the same grid for every arm."""
    config = shipped_config("laptop")
    own = config.scales["laptop"].comparison
    runs = [run for run in expand_runs(config) if "comparison" in run.studies.split() and run.stream != "real"]
    assert {run.stream for run in runs} == set(own.arms) and len(runs) == 3 * len(own.arms)
    frame = {(r.student, r.context, r.batch_sequences, r.natural, r.real_tokens) for r in runs}
    assert frame == {(own.student, own.context, own.batch_sequences, "unique", own.organic_tokens)}
    near = [
        n
        for centre in centres(config)
        if centre.natural and centre.stream != "real"
        for n in neighbours(config, centre)
    ]
    assert {(n.context, n.natural) for n in near} == {(own.context, "unique")}
    assert {n.mixing_ratio for n in near} == set(own.tuning.synthetic.mixing_ratio)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"oracle_tokens": 999}, "lacks 999, which a control needs"),
        ({"arms": {"wrap": {"title": "WRAP", "method": "wrap"}}}, "needs `simple`"),
        ({"left_out": {"simple": "why"}}, "left_out.simple: it is among the arms"),
    ],
)
def test_impossible_comparison_is_refused(change, words):
    content = shipped_config("laptop").scales["laptop"].comparison.model_dump()
    with pytest.raises(ValueError, match=words):
        Comparison.model_validate(content | change)
