"""Streams: what stands in them, in which order, that nothing is lost, and that large ones need no more memory."""

import tracemalloc
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from tests.workflow.conftest import SETTINGS, Corpus, run_main, run_module
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.models import Generation
from workflow_scripts.corpus.documents import write_documents
from workflow_scripts.megadocs import build, shuffle
from workflow_scripts.megadocs.tokens import TokenRow, TokenStream, read_batches, write_stream

Builder = Callable[..., TokenStream]


@pytest.fixture
def build_stream(corpus, tmp_path) -> Builder:
    """Build a stream of the corpus by its command: (name, G, settings=...)."""

    def run(name: str, generations: int, settings: Generation = SETTINGS, **options) -> TokenStream:
        method = "latent_thoughts" if name.startswith("latent") else "rephrase"
        options = {"shards": corpus.shards[method], "documents": corpus.documents} | options
        run_main(
            build.main, stream=name, generations=generations, settings=settings.model_dump_json(),
            tokenizer=corpus.folder / "corpus/tokenizer.json", output=tmp_path / f"{name}-G{generations}", **options,
        )  # fmt: skip
        return TokenStream(tmp_path / f"{name}-G{generations}")

    return run


def contents(stream: TokenStream, corpus: Corpus) -> list[tuple[str, str, int, str]]:
    """(document, kind, generation, text) of every row, in order."""
    (batch,) = read_batches(stream, np.arange(stream.metadata["rows"]))
    texts = map(corpus.tokenizer.decode, np.split(batch.ids, np.cumsum(batch.lengths)[:-1]))
    return list(zip(batch.doc_ids, batch.kinds, batch.generations, texts, strict=True))


def expected_rephrases(corpus: Corpus, number: int, count: int) -> list[tuple]:
    """Rows of the rephrases of a document; document 3 has no rephrase 1."""
    doc_id = corpus.rows[number]["doc_id"]
    used = [g for g in range(count) if (number, g) != (3, 1)]
    return [(doc_id, "rephrase", g, corpus.rephrase(number, g)) for g in used]


@pytest.mark.parametrize("stream", ["stitched", "stitched_real_first", "stitched_no_real"])
def test_stitched_keeps_the_rephrases_of_a_document_beside_it(corpus, build_stream, stream):
    expected = []
    for number, row in enumerate(corpus.rows):
        real = [(row["doc_id"], "real", -1, row["text"])]
        rephrases = expected_rephrases(corpus, number, 2)
        expected += {
            "stitched": rephrases + real, "stitched_real_first": real + rephrases, "stitched_no_real": rephrases,
        }[stream]  # fmt: skip
    assert contents(build_stream(stream, 2), corpus) == expected


def test_real_stream_is_the_documents(corpus, build_stream):
    found = contents(build_stream("real", 0, shards=None), corpus)
    assert found == [(row["doc_id"], "real", -1, row["text"]) for row in corpus.rows]


def test_every_row_stands_between_bos_and_eos(corpus, build_stream):
    stream = build_stream("stitched", 4)
    ends = stream.row_ends()
    starts = np.concatenate([[0], ends[:-1]])
    assert set(stream.tokens[starts]) == {corpus.tokenizer.bos_id}
    assert set(stream.tokens[ends - 1]) == {corpus.tokenizer.eos_id}
    assert (stream.tokens == corpus.tokenizer.eos_id).sum() == len(ends)


def test_smaller_g_is_nested_in_the_larger_one(corpus, build_stream):
    small, large = (Counter(contents(build_stream("stitched", count), corpus)) for count in (2, 4))
    assert small < large


def shuffled(stream: TokenStream, output) -> TokenStream:
    """`simple` from `stitched` by its command."""
    run_main(shuffle.main, stream="simple-G4", input=stream.paths.metadata.with_suffix(""), output=output)
    return TokenStream(output)


def test_simple_has_the_rows_of_stitched_in_another_order(corpus, build_stream, tmp_path):
    stitched = build_stream("stitched", 4)
    simple, again = (shuffled(stitched, tmp_path / name) for name in ("simple", "again"))
    rows, own = contents(stitched, corpus), contents(simple, corpus)
    assert Counter(own) == Counter(rows) and own != rows
    assert len(simple.tokens) == len(stitched.tokens)
    assert simple.metadata["tokens_by_kind"] == stitched.metadata["tokens_by_kind"]
    assert contents(again, corpus) == own


@pytest.mark.parametrize("count", [2, 4])
def test_latent_without_its_thoughts_is_the_document(corpus, build_stream, count):
    places = {2: ["1/3", "2/3"], 4: ["1/5", "2/5", "3/5", "4/5"]}[count]
    found = contents(build_stream("latent", count), corpus)
    assert [row[:3] for row in found] == [(row["doc_id"], "megadoc", -1) for row in corpus.rows]
    for number, (_, _, _, text) in enumerate(found):
        pieces = [text]
        for place in places:
            thought = f"<think>\n{corpus.thought(number, place)}\n</think>\n"
            *before, rest = pieces
            pieces = [*before, *rest.split(thought)]
        assert len(pieces) == count + 1 and min(map(len, pieces)) > 0
        assert "".join(pieces) == corpus.rows[number]["text"]


def test_thoughts_alone_are_rows_of_their_own(corpus, build_stream):
    found = contents(build_stream("latent_no_real", 2), corpus)
    assert found == [
        (row["doc_id"], "thought", i, corpus.thought(number, place))
        for number, row in enumerate(corpus.rows)
        for i, place in enumerate(["1/3", "2/3"])
    ]


@pytest.mark.parametrize("stream", ["stitched", "latent"])
def test_counts_agree_with_the_file(build_stream, stream):
    found = build_stream(stream, 4)
    kinds, sizes = Counter(), Counter()
    for row in found.index().to_pylist():
        kinds[row["kind"]] += 1
        sizes[row["kind"]] += row["end"] - row["start"]
    assert found.metadata["rows_by_kind"] == kinds and found.metadata["rows"] == kinds.total()
    assert found.metadata["tokens_by_kind"] == sizes and found.metadata["tokens"] == sizes.total()
    assert found.paths.tokens.stat().st_size == 2 * sizes.total()


def test_large_vocabulary_takes_four_bytes(tmp_path):
    rows = [TokenRow("a", "real", -1, [0, 2**16, 128_255, 1])]
    write_stream(tmp_path / "a", rows, 128_256, {})
    assert TokenStream(tmp_path / "a").tokens.tolist() == [0, 2**16, 128_255, 1]


def test_memory_does_not_grow_with_the_stream(tmp_path):
    peaks = []
    for rows in (10_000, 200_000):
        tracemalloc.start()
        write_stream(tmp_path / f"{rows}", (TokenRow("doc", "real", -1, [0, 5, 1]) for _ in range(rows)), 300, {})
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


@pytest.mark.parametrize("kept", [0, 1, 101, 200])
def test_truncated_tokens_are_detected(build_stream, kept):
    """Also where an odd number of bytes is left."""
    paths = build_stream("stitched", 2).paths
    paths.tokens.write_bytes(paths.tokens.read_bytes()[:kept])
    with pytest.raises(UserError, match=rf"stitched-G2.tokens.bin: .* damaged: it holds {kept} bytes, and its .* need"):
        TokenStream(paths.metadata.with_suffix(""))


def test_interrupted_build_leaves_no_stream(corpus, tmp_path):
    def rows():
        yield TokenRow("a", "real", -1, [0, 5, 1])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_stream(tmp_path / "a", rows(), 300, {})
    assert list(tmp_path.iterdir()) == []


def test_generations_of_another_corpus_are_refused(corpus, build_stream, tmp_path):
    write_documents(tmp_path / "other.parquet", corpus.rows[1:] + corpus.rows[:1])
    own, other = (row["doc_id"] for row in corpus.rows[:2])
    with pytest.raises(UserError, match=rf"are of document {own} where the corpus has {other}: .* another corpus; del"):
        build_stream("stitched", 2, documents=tmp_path / "other.parquet")
    assert not (tmp_path / "stitched-G2.json").exists()


def test_more_generations_than_written_are_refused(build_stream):
    with pytest.raises(UserError, match=r"--generations 8: only 4 were generated .* raise generation.generated"):
        build_stream("stitched", 8)


def test_show_prints_the_rows_of_a_document_in_order(corpus, build_stream, tmp_path):
    stream = build_stream("stitched", 2).paths.metadata.with_suffix("")
    options = (stream, corpus.rows[1]["doc_id"], "--tokenizer", corpus.folder / "corpus/tokenizer.json")
    shown = run_module("workflow_scripts.megadocs.show", *options, cwd=tmp_path).stdout
    texts = [corpus.rephrase(1, 0), corpus.rephrase(1, 1), corpus.rows[1]["text"]]
    places = [shown.index(text) for text in texts]
    assert places == sorted(places) and shown.count("──") >= 3 and corpus.rephrase(2, 0) not in shown
    assert [shown.count(head) for head in ("── rephrase 0 ·", "── rephrase 1 ·", "── real ·")] == [1, 1, 1]


def test_show_names_known_documents_when_one_is_missing(corpus, build_stream, tmp_path):
    stream = build_stream("stitched", 2).paths.tokens
    options = (stream, "train-none", "--tokenizer", corpus.folder / "corpus/tokenizer.json")
    shown = run_module("workflow_scripts.megadocs.show", *options, cwd=tmp_path)
    assert shown.returncode == 1 and "Traceback" not in shown.stderr
    assert f"no document train-none; the first ones are {corpus.rows[0]['doc_id']}" in shown.stderr
