"""Kinds of synthetic text: passages, keywords, prompts, streams of rejoined passages, and what is counted of them."""

import argparse
import math
import re
from itertools import groupby

import numpy as np
import pytest

from tests.workflow.conftest import SETTINGS, UNICODE, generation_row, make_texts, run_main, write_shard
from workflow_scripts.common.arguments import named_prefix
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.files import read_json
from workflow_scripts.corpus import keywords as keywords_command
from workflow_scripts.corpus import passages as passages_command
from workflow_scripts.corpus.documents import read_documents
from workflow_scripts.corpus.keywords import Vocabulary, keyword_rows, keywords, vocabulary
from workflow_scripts.corpus.passages import first_documents, passage_rows, passages
from workflow_scripts.generation.prompts import load_template
from workflow_scripts.megadocs import kind_card, kinds
from workflow_scripts.megadocs.duplicates import duplicates
from workflow_scripts.megadocs.token_measures import (
    Content,
    content,
    distinct_share,
    entropy_nats,
    repeated_share,
    row_lengths,
    sequences,
)
from workflow_scripts.megadocs.tokens import TokenRow, TokenStream, read_batches, write_stream


def by_character(text: str) -> list[tuple[int, int]]:
    """Spans of tokens that are one character each."""
    return [(place, place + 1) for place in range(len(text))]


@pytest.mark.parametrize(
    ("text", "tokens", "expected"),
    [
        ("One two. Three four five\n\nsix seven.", 18, ["One two. Three four ", "five\n\nsix seven."]),
        ("One two. Three four five\n\nsix seven.", 12, ["One two. Three ", "four five\n\n", "six seven."]),
        ("aaaa bbbbb. c dddd eeee ffff", 14, ["aaaa bbbbb. ", "c dddd eeee ffff"]),  # 12, though a word ends at 14
        ("x" * 28, 14, ["x" * 14, "x" * 14]),
        ("too short", 14, ["too short"]),
    ],
)
def test_passages_by_hand(text, tokens, expected):
    """Of 36 characters, the first cut of two is wanted at 18 between 13 and 22; of three, at 12 and 24."""
    assert passages(text, by_character(text), tokens) == expected


def test_passages_of_a_document_are_the_document(corpus):
    texts = ["\n\n".join(make_texts(9, seed=number)) + UNICODE * number for number in range(4)]
    rows = [{"doc_id": f"d-{i}", "text": text, "characters": len(text)} for i, text in enumerate([*texts, "🙂" * 99])]
    for size in (3, 40, 300):
        found = list(passage_rows(rows, corpus.tokenizer, size))
        assert all(row["text"] for row in found) and len(found) > 2 * len(rows)
        groups = groupby(found, key=lambda row: row["doc_id"].split("#")[0])
        for (doc_id, own), row in zip(groups, rows, strict=True):
            own = list(own)
            assert "".join(passage["text"] for passage in own) == row["text"]
            assert [passage["doc_id"] for passage in own] == [f"{doc_id}#{number}" for number in range(len(own))]


def test_passages_have_about_the_size_that_was_asked(corpus):
    text = " ".join(make_texts(60))
    (row,) = [{"doc_id": "d", "text": text, "characters": len(text)}]
    lengths = [
        len(ids) - 2 for ids in corpus.tokenizer.rows([p["text"] for p in passage_rows([row], corpus.tokenizer, 300)])
    ]
    assert len(lengths) == round(sum(lengths) / 300)
    assert 150 <= min(lengths) <= 300 <= max(lengths) <= 450


def test_passages_command_takes_the_first_documents(corpus, tmp_path):
    tokens = sum(row["tokens"] for row in corpus.rows[:2]) + 1  # so that a third is needed
    options = {"documents": corpus.documents, "tokenizer": corpus.folder / "corpus/tokenizer.json"}
    run_main(passages_command.main, tokens=tokens, passage_tokens=20, output=tmp_path / "p.parquet", **options)
    found = list(read_documents(tmp_path / "p.parquet"))
    assert "".join(row["text"] for row in found) == "".join(row["text"] for row in corpus.rows[:3])
    assert [row["tokens"] for row in found] == [len(ids) for ids in corpus.tokenizer.rows([r["text"] for r in found])]
    with pytest.raises(UserError, match="its documents hold"):
        list(first_documents(corpus.documents, 10**6))


def test_words_that_can_be_keywords():
    """Of 20 words, `water` is the most frequent one; `once` stands in one document, cat is short, x2yword no word."""
    others = [f"word{letter}" for letter in "abcdefghijklmnopqr"]
    texts = ["Water cat x2yword " + " ".join(others), "WATER once cat " + " ".join(others).upper(), "water; water"]
    known = vocabulary(texts)
    assert [sorted(known.words[place] for place in own) for own in known.documents] == [others, others]


def test_keywords_are_drawn_by_document_and_extend():
    """`solo`, alone in its document, comes up as often as the other document's 50 words together."""
    known = Vocabulary(["solo", *(f"word{i}" for i in range(50))], [np.array([0]), np.arange(1, 51)])
    first = [keywords(known, "txbk", number, 1)[0] for number in range(1000)]
    assert first.count("solo") / 1000 == pytest.approx(0.5, abs=0.06)
    few, many = (list(keyword_rows(known, "txbk", count, 3)) for count in (5, 9))
    assert few == many[:5] and few[4]["doc_id"] == "txbk-00000004"
    assert all(len(set(row["text"].split(", "))) == 3 for row in many)
    assert [row["text"] for row in keyword_rows(known, "other", 5, 3)] != [row["text"] for row in few]
    with pytest.raises(UserError, match="51 words to choose from"):
        list(keyword_rows(known, "txbk", 1, 52))


def test_keywords_command_takes_words_of_the_documents(corpus, tmp_path):
    options = {"documents": corpus.documents, "tokenizer": corpus.folder / "corpus/tokenizer.json", "name": "txbk"}
    tokens = sum(row["tokens"] for row in corpus.rows)
    options |= {"passages": corpus.documents, "texts_per_passage": 2, "keywords": 3}  # of five, in place of passages
    run_main(keywords_command.main, tokens=tokens, output=tmp_path / "k.parquet", **options)
    found, text = list(read_documents(tmp_path / "k.parquet")), " ".join(row["text"] for row in corpus.rows).lower()
    assert [row["doc_id"] for row in found] == [f"txbk-{number:08d}" for number in range(10)]
    assert all(re.search(rf"\b{word}\b", text) for row in found for word in row["text"].split(", "))
    assert [row["tokens"] for row in found] == [len(ids) for ids in corpus.tokenizer.rows([r["text"] for r in found])]


@pytest.mark.parametrize("version", ["hq.v1", "qa.v1", "textbook.v1"])
def test_prompts_take_one_text(version):
    template = load_template(version)
    assert re.findall(r"\{(\w+)\}", template.user) == ["document"] and template.system


@pytest.fixture
def kind_shards(tmp_path) -> list[str]:
    """Passages of document a in two shards, and one text of keywords; a#1 lacks generation 1, b has none."""
    texts = [("a#0", 0, " A0. "), ("a#0", 1, "A0 again."), ("a#1", 0, "A1."), ("a#1", 1, ""), ("b#0", 0, "")]
    more = [("a#2", 0, "A2."), ("a#2", 1, "A2 again."), ("txbk-00000000", 0, "Keys."), ("txbk-00000000", 1, "Cut")]
    rows = [
        [generation_row(doc_id, "hq", number, text, flags=[] if text else ["empty"]) for doc_id, number, text in own]
        for own in (texts[:4], more, texts[4:])
    ]
    rows[1][-1]["flags"] = ["truncated"]
    ids = [["a#0", "a#1"], ["a#2", "txbk-00000000"], ["b#0"]]
    paths = [tmp_path / f"hq-0.{part}.parquet" for part in range(3)]
    return [str(write_shard(path, "hq", own, found)) for path, own, found in zip(paths, ids, rows, strict=True)]


def kind_stream(corpus, shards: list[str], output, **changes) -> TokenStream:
    settings = SETTINGS.model_copy(update=changes).model_dump_json()
    tokenizer = corpus.folder / "corpus/tokenizer.json"
    run_main(kinds.main, kind="hq", shards=shards, settings=settings, tokenizer=tokenizer, output=output)
    return TokenStream(output)


def test_stream_of_a_kind_rejoins_passages(corpus, kind_shards, tmp_path):
    stream = kind_stream(corpus, kind_shards, tmp_path / "hq")
    (batch,) = read_batches(stream, np.arange(stream.metadata["rows"]))
    texts = map(corpus.tokenizer.decode, np.split(batch.ids, np.cumsum(batch.lengths)[:-1]))
    assert list(zip(batch.doc_ids, batch.generations, texts, strict=True)) == [
        ("a", 0, "A0.\n\nA1.\n\nA2."),
        ("a", 1, "A0 again.\n\nA2 again."),
        ("txbk-00000000", 0, "Keys."),
        ("txbk-00000000", 1, "Cut"),
    ]
    counts = [stream.metadata[key] for key in ("generated", "left_out", "flags", "rows_by_kind")]
    assert counts == [9, 2, {"empty": 2, "truncated": 1}, {"hq": 4}]


def test_stream_of_a_kind_drops_the_flags_that_the_config_names(corpus, kind_shards, tmp_path):
    stream = kind_stream(corpus, kind_shards, tmp_path / "hq", drop_flags=["empty", "truncated"])
    assert (stream.metadata["rows"], stream.metadata["left_out"]) == (3, 3)


@pytest.fixture
def small_stream(tmp_path) -> TokenStream:
    """Rows 2 3 2 3 2 3 2 3, nothing, and 2 3 4 5, between BOS 0 and EOS 1."""
    rows = [[2, 3] * 4, [], [2, 3, 4, 5]]
    write_stream(tmp_path / "small", [TokenRow(f"d{i}", "real", -1, [0, *own, 1]) for i, own in enumerate(rows)], 6, {})
    return TokenStream(tmp_path / "small")


def test_content_is_a_stream_without_bos_and_eos(small_stream):
    found = content(small_stream, 10)
    assert found.ids.tolist() == [2, 3] * 5 and found.rows.tolist() == [0] * 8 + [2] * 2
    assert row_lengths(small_stream).tolist() == [8, 0, 4]
    assert row_lengths(small_stream, 12).tolist() == [8, 0]  # the third row begins at token 12
    assert row_lengths(small_stream, 13).tolist() == [8, 0, 4]
    with pytest.raises(UserError, match="12 tokens without BOS and EOS, and 13"):
        content(small_stream, 13)


def test_distinct_and_repeated_sequences_by_hand(small_stream):
    """Pairs: 23 32 34 45 of 7 + 3; triples: 232 323 234 345 of 6 + 2; of 5 + 1 fours, 3 in row 0 came before."""
    found = content(small_stream, 12)
    assert [distinct_share(found, size) for size in (1, 2, 3)] == [4 / 12, 4 / 10, 4 / 8]
    assert repeated_share(found) == 3 / 6
    assert math.isnan(repeated_share(content(small_stream, 3)))
    assert entropy_nats(np.array([3, 0, 3, 3, 3])) == pytest.approx(math.log(4)) and entropy_nats(np.array([7])) == 0


def test_sequences_are_those_of_a_plain_count():
    chance = np.random.default_rng(0)
    ids, rows = chance.integers(0, 5, 500), np.sort(chance.integers(0, 20, 500))
    for size in (1, 2, 3, 4):
        plain = [tuple(ids[i : i + size]) for i in range(501 - size) if rows[i] == rows[i + size - 1]]
        codes, _ = sequences(Content(ids, rows), size)
        assert len(set(codes.tolist())) == len(set(plain)) == len(set(zip(codes.tolist(), plain, strict=True)))


def test_duplicates_are_counted_once():
    """The third changes one word of 60: 51 of 61 sequences of five words are shared."""
    first, other = make_texts(2)
    words = first.split()
    near = " ".join([*words[:30], "changed", *words[31:]])
    assert duplicates([first, first, near, other, near]) == {"texts": 5, "exact": 2, "near": 1}


def card(corpus, folder, natural: list[str], kind: list[str], **options) -> dict:
    for name, texts in (("real", natural), ("hq", kind)):
        rows = [TokenRow(str(i), name, 0, ids) for i, ids in enumerate(corpus.tokenizer.rows(texts))]
        write_stream(folder / name, rows, corpus.tokenizer.vocabulary_size, {})
    options = {"natural_tokens": 10**6, "tokens": 10**6, "processes": 1} | options
    options |= {"tokenizer": corpus.folder / "corpus/tokenizer.json", "kinds": [named_prefix(f"hq={folder}/hq")]}
    run_main(kind_card.main, natural=folder / "real", output=folder / "card.md", json=folder / "card.json", **options)
    return read_json(folder / "card.json")


def test_card_compares_equal_numbers_of_tokens(corpus, tmp_path):
    """A kind that begins as the natural text does and goes on has its measures, and its own counts."""
    texts = make_texts(12)
    found = card(corpus, tmp_path, texts[:8], texts)
    natural, kind = found["streams"]["natural"], found["streams"]["hq"]
    whole = ("texts", "tokens", "length_quantiles")
    assert {key: kind[key] for key in kind if key not in whole} == {k: natural[k] for k in natural if k not in whole}
    assert (natural["texts"], kind["texts"], kind["compared_texts"]) == (8, 12, 8)
    assert found["tokens"] == natural["tokens"] == sum(len(ids) - 2 for ids in corpus.tokenizer.rows(texts[:8]))


def test_card_counts_planted_copies_of_the_natural_text_that_is_used(corpus, tmp_path):
    texts = make_texts(4)
    used = sum(map(len, corpus.tokenizer.rows(texts[:2])))
    found = card(corpus, tmp_path, texts, [texts[0]] * 4, natural_tokens=used)["streams"]
    assert (found["natural"]["texts"], found["natural"]["exact_duplicates"]) == (2, 0)
    assert found["hq"]["exact_duplicates"] == round(
        (found["hq"]["compared_texts"] - 1) / found["hq"]["compared_texts"], 4
    )
    assert found["hq"]["distinct_3"] < found["natural"]["distinct_3"]
    assert "| exact duplicates | 0.0000 |" in (tmp_path / "card.md").read_text()


def test_a_stream_is_named_with_its_prefix():
    assert named_prefix("hq=results/streams/hq") == ("hq", "results/streams/hq")
    with pytest.raises(argparse.ArgumentTypeError, match="'hq' is not NAME=PREFIX"):
        named_prefix("hq")
