"""Real documents: stable ids, no leak across the split, nested subsets, readable faults; the student's tokenizer."""

import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.workflow.conftest import UNICODE, make_texts, run_main
from workflow_scripts.common.errors import UserError
from workflow_scripts.config import corpus as config
from workflow_scripts.config.corpus import Source
from workflow_scripts.corpus import read, sample, split
from workflow_scripts.corpus.documents import document, read_documents, write_documents
from workflow_scripts.corpus.sources import texts
from workflow_scripts.corpus.tokenizer import StudentTokenizer, train_bpe

JACCARD = 0.7


def split_into(
    folder: Path, rows: list[dict], validation: list[dict] | None = None, more: list[dict] | None = None
) -> tuple[dict, dict]:
    """Rows of each part by name, and the counts, from the split's own command."""
    write_documents(folder / "documents.parquet", rows)
    write_documents(folder / "own.parquet", validation or [])
    write_documents(folder / "further.parquet", more or [])
    parts = {name: folder / f"{name}.parquet" for name in ("train", "tuning", "held_out")}
    parts |= {"more_kept": folder / "more_kept.parquet"} if more else {}
    run_main(
        split.main, documents=folder / "documents.parquet", validation=validation and folder / "own.parquet",
        more=more and folder / "further.parquet",
        validation_fraction=0.3, tuning_fraction=0.2, jaccard=JACCARD, processes=2,
        counts=folder / "counts.json", **parts,
    )  # fmt: skip
    counts = json.loads((folder / "counts.json").read_text())
    return {name: list(read_documents(path)) for name, path in parts.items()}, counts


def ids(rows: list[dict]) -> set[str]:
    return {row["doc_id"] for row in rows}


def near_copy_in_train(text: str) -> str:
    """The text with two words changed, such that its hash puts it into train."""
    words = text.split()
    for number in range(100):
        changed = " ".join([*words[:20], f"changed{number}", *words[21:-1], "end."])
        if split.split_of(document(changed, "web")["doc_id"], 0.3, 0.2) == "train":
            return changed
    raise AssertionError("no variant fell into train")


def test_id_depends_on_the_text_alone():
    assert document("Hello.", "web")["doc_id"] == "web-eb0ae350711d5cb7"
    rows = [document(text, "web") for text in ("a b", "a  b", "a b.", "A b")]
    assert len(ids(rows)) == 4


def test_split_keeps_its_fractions():
    found = [split.split_of(f"web-{number}", 0.2, 0.1) for number in range(5000)]
    shares = [found.count(name) / 5000 for name in ("validation", "tuning", "train")]
    assert shares == pytest.approx([0.2, 0.1, 0.7], abs=0.02)


def test_split_does_not_depend_on_order(tmp_path):
    rows = [document(text, "web") for text in make_texts(60)]
    first, counts = split_into(tmp_path / "a", rows)
    random.Random(3).shuffle(rows)
    second, _ = split_into(tmp_path / "b", rows)
    assert {name: ids(part) for name, part in first.items()} == {name: ids(part) for name, part in second.items()}
    assert sum(map(len, first.values())) == 60 and min(map(len, first.values())) > 0
    assert (counts["train"], counts["tuning"], counts["validation"]) == tuple(map(len, first.values()))


def test_near_copies_of_held_out_documents_leave_train_and_are_counted(tmp_path):
    rows = [document(text, "web") for text in make_texts(40, words=150)]
    held_out = {name: next(r for r in rows if split.split_of(r["doc_id"], 0.3, 0.2) == name)
                for name in ("validation", "tuning")}  # fmt: skip
    copies = [document(near_copy_in_train(row["text"]), "web") for row in held_out.values()]
    parts, counts = split_into(tmp_path, [*copies, *rows])
    assert counts["dropped_near_copies"] == 2
    assert not ids(copies) & ids(parts["train"])
    assert ids(parts["train"]) == {d for d in ids(rows) if split.split_of(d, 0.3, 0.2) == "train"}


def test_documents_of_an_own_validation_set_leave_train(tmp_path):
    rows = [document(text, "train") for text in make_texts(20)]
    shared = [row for row in rows if split.split_of(row["doc_id"], 0, 0.2) == "train"][:3]
    parts, counts = split_into(tmp_path, rows, validation=[document(row["text"], "validation") for row in shared])
    assert not ids(parts["train"]) & ids(shared)
    assert (counts["dropped_exact_copies"], counts["dropped_near_copies"], counts["validation"]) == (3, 0, 3)
    assert counts["tuning"] + counts["train"] == 17


def test_further_documents_are_searched_for_copies_too(tmp_path):
    rows = [document(text, "web") for text in make_texts(40, words=150)]
    by_part = {name: next(r for r in rows if split.split_of(r["doc_id"], 0.3, 0.2) == name) for name in split_names()}
    fresh = document("A text that nobody has written before, about a harbour and its gulls.", "more")
    exact = [document(row["text"], "more") for row in by_part.values()]
    near = document(near_copy_in_train(by_part["validation"]["text"]), "more")
    parts, counts = split_into(tmp_path, rows, more=[*exact, near, fresh])
    assert [row["doc_id"] for row in parts["more_kept"]] == [fresh["doc_id"]]
    assert counts["more"] == {"train": 1, "dropped_exact_copies": 3, "dropped_near_copies": 1}


def split_names() -> tuple[str, str, str]:
    return "train", "tuning", "validation"


def test_smaller_subset_is_part_of_the_larger_one(tmp_path, corpus):
    rows = [document(text, "web") for text in make_texts(30, words=20)]
    found = {}
    for tokens, order in ((500, 1), (1000, -1)):
        write_documents(tmp_path / "pool.parquet", rows[::order])
        options = {"documents": [str(tmp_path / "pool.parquet")], "tokenizer": corpus.folder / "corpus/tokenizer.json"}
        run_main(sample.main, **options, tokens=tokens, output=tmp_path / "train.parquet")
        found[tokens] = list(read_documents(tmp_path / "train.parquet"))
    assert found[1000][: len(found[500])] == found[500]
    for tokens, part in found.items():
        sizes = [row["tokens"] for row in part]
        assert sum(sizes[:-1]) < tokens <= sum(sizes)
    lengths = corpus.tokenizer.rows([row["text"] for row in found[1000]])
    assert [row["tokens"] for row in found[1000]] == list(map(len, lengths))


def test_order_is_the_same_dealt_into_buckets(tmp_path):
    rows = [document(text, "web") for text in make_texts(50, words=20)]
    write_documents(tmp_path / "pool.parquet", rows)
    whole, dealt = (list(sample.in_nested_order(tmp_path / "pool.parquet", size)) for size in (10**6, 1000))
    assert dealt == whole and ids(whole) == ids(rows) and whole != rows
    assert [path.name for path in tmp_path.iterdir()] == ["pool.parquet"]


def test_subset_ends_with_the_document_that_fills_it():
    rows = [{"tokens": 4}, {"tokens": 6}, {"tokens": 5}]
    assert [len(list(sample.prefix(rows, tokens))) for tokens in (1, 4, 5, 10, 11, 99)] == [1, 1, 2, 2, 3, 3]


def test_too_small_corpus_says_how_much_there_is(tmp_path, corpus):
    have = sum(row["tokens"] for row in corpus.rows)
    with pytest.raises(UserError, match=rf"holds {have:,} tokens and the config asks for 1,000,000"):
        run_main(
            sample.main, documents=[str(corpus.documents)], tokenizer=corpus.folder / "corpus/tokenizer.json",
            tokens=1_000_000, output=tmp_path / "train.parquet",
        )  # fmt: skip
    assert not (tmp_path / "train.parquet").exists()


def test_files_of_all_kinds_are_read_in_order_of_their_names(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"body": "one"}\n\n{"body": "zwei\\u00df"}\n', encoding="utf-8")
    pq.write_table(pa.table({"other": [1], "body": ["three"]}), tmp_path / "b.parquet")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "c.txt").write_text("four\nstill four", encoding="utf-8")
    (tmp_path / "notes.md").write_text("not a document")
    source = Source(kind="files", path=str(tmp_path), text_field="body")
    assert list(texts(source)) == ["one", "zweiß", "three", "four\nstill four"]


def test_left_out_documents_are_counted(tmp_path):
    lines = ["good text", " good text\n", "", "   ", "no", "far too long a text for this", "more text"]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": line}) + "\n" for line in lines), encoding="utf-8")
    source = Source(kind="files", path=str(tmp_path), min_characters=4, max_characters=10)
    options = {"settings": source.model_dump_json(), "name": "own", "wheel": None}
    run_main(read.main, **options, output=tmp_path / "out.parquet", counts=tmp_path / "counts.json")
    assert [row["text"] for row in read_documents(tmp_path / "out.parquet")] == ["good text", "more text"]
    counts = json.loads((tmp_path / "counts.json").read_text())
    expected = {"read": 7, "exact_duplicate": 1, "empty": 2, "too_short": 1, "too_long": 1, "kept": 2, "written": 2}
    assert {key: counts[key] for key in expected} == expected


FAULTS = {
    "missing path": (None, b"", "no such file or folder; set `path`"),
    "empty folder": ("readme.md", b"", r"no documents; expected files that end in .jsonl, .parquet, .txt"),
    "empty documents": ("a.txt", b" \n", "no usable document among 1 read.*'empty': 1"),
    "unknown kind": ("a.csv", b"x", "unknown kind of file"),
    "latin-1": ("a.txt", "caf\xe9".encode("latin-1"), "a.txt: not UTF-8 .*iconv"),
    "latin-1 far down": ("a.jsonl", b'{"text": "x"}\n' * 2000 + b'{"text": "\xe9"}\n', r"a.jsonl:2001: not UTF-8"),
    "broken line": ("a.jsonl", b'{"text": "x"}\n{"text": \n', r"a.jsonl:2: not JSON"),
    "no object": ("a.jsonl", b"[1, 2]\n", r"a.jsonl:1: .*object"),
    "missing key": ("a.jsonl", b'{"body": "x"}\n', "no column 'text'; set `text_field`"),
    "damaged table": ("a.parquet", b"PAR1 not really", "a.parquet: .*Parquet"),
}


@pytest.mark.parametrize(("name", "content", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_faulty_source_is_named(tmp_path, name, content, message):
    path = tmp_path / "documents"
    if name:
        path.mkdir()
        path = path / name if name.endswith("csv") else path
        (tmp_path / "documents" / name).write_bytes(content)
    options = {"settings": Source(kind="files", path=str(path)).model_dump_json(), "name": "own", "wheel": None}
    with pytest.raises(UserError, match=message) as error:
        run_main(read.main, **options, output=tmp_path / "out.parquet", counts=tmp_path / "counts.json")
    assert str(tmp_path / "documents") in str(error.value)
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("values", [{"body": ["x"]}, {"text": [1]}], ids=["missing column", "numbers"])
def test_table_without_a_text_column_is_named(tmp_path, values):
    pq.write_table(pa.table(values), tmp_path / "a.parquet")
    with pytest.raises(UserError, match="a.parquet: .*'text'.*`text_field`"):
        list(texts(Source(kind="files", path=str(tmp_path))))


TEXTS = [UNICODE, "plain words", "", " ", "a <|end_of_text|> and <|begin_of_text|> in the text", "\x00\r\n\u200b"]


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_give_the_text_back(corpus, text):
    tokenizer = corpus.tokenizer
    (row,) = tokenizer.rows([text])
    assert (row[0], row[-1]) == (tokenizer.bos_id, tokenizer.eos_id) == (0, 1)
    assert not {0, 1} & set(row[1:-1])
    assert tokenizer.decode(row) == text


@pytest.mark.parametrize("text", TEXTS)
def test_token_spans_cover_the_text(corpus, text):
    """A character of several tokens is in the span of each; otherwise spans touch."""
    spans, covered = corpus.tokenizer.offsets(text), 0
    for start, end in spans:
        assert start <= covered <= end and (start == covered or end == covered == start + 1)
        covered = end
    assert covered == len(text)
    assert len(spans) == len(corpus.tokenizer.rows([text])[0]) - 2


def test_tokenizer_learns_from_the_train_pool_alone(tmp_path, corpus):
    write_documents(tmp_path / "pool.parquet", [document("zyx zyx zyx zyx", "train")])
    bpe = train_bpe(config.Tokenizer(vocabulary_size=260), tmp_path / "pool.parquet")
    (tmp_path / "tokenizer.json").write_text(bpe.to_str(), encoding="utf-8")
    own = StudentTokenizer(tmp_path / "tokenizer.json")
    assert len(own.rows(["zyx"])[0]) < len(corpus.tokenizer.rows(["zyx"])[0])
    assert own.sha256 != corpus.tokenizer.sha256
    with pytest.raises(UserError, match=r"supports only \d+ tokens; lower tokenizer.vocabulary_size from 2048"):
        train_bpe(config.Tokenizer(vocabulary_size=2048), tmp_path / "pool.parquet")
