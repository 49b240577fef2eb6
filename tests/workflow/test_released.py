"""Published streams: the tokens that our own stream of the same rows has, and where they came from."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.workflow.conftest import SETTINGS, Corpus, run_main
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.corpus import Released
from workflow_scripts.config.models import Generation
from workflow_scripts.megadocs import build, released
from workflow_scripts.megadocs.published import released_source
from workflow_scripts.megadocs.tokens import TokenStream


def own_stream(corpus: Corpus, prefix) -> tuple[TokenStream, list[str]]:
    """Our stream of the corpus, and the text of each of its rows."""
    run_main(
        build.main, stream="latent", generations=2, settings=SETTINGS.model_dump_json(),
        shards=corpus.shards["latent_thoughts"], documents=corpus.documents,
        tokenizer=corpus.folder / "corpus/tokenizer.json", output=prefix,
    )  # fmt: skip
    stream = TokenStream(prefix)
    return stream, [corpus.tokenizer.decode(row) for row in np.split(stream.tokens, stream.row_ends()[:-1])]


def tokenised(corpus: Corpus, folder, **source) -> TokenStream:
    """The stream that the command makes of published rows."""
    run_main(
        released.main, stream="latent", generations=2, source=Released(**source).model_dump_json(),
        tokenizer=corpus.folder / "corpus/tokenizer.json", output=folder / "released",
    )  # fmt: skip
    return TokenStream(folder / "released")


def test_published_rows_give_the_tokens_of_our_own_stream(corpus, tmp_path, capsys):
    ours, texts = own_stream(corpus, tmp_path / "ours")
    for number, part in enumerate((texts[:2], texts[2:])):
        (tmp_path / "rows").mkdir(exist_ok=True)
        pq.write_table(pa.table({"body": part}), tmp_path / f"rows/train-{number}.parquet")
    source = {"kind": "files", "path": str(tmp_path / "rows"), "text_field": "body"}
    stream = tokenised(corpus, tmp_path, **source, expected_tokens=len(ours.tokens))
    stream.verify()
    assert stream.metadata["tokens_sha256"] == ours.metadata["tokens_sha256"]
    assert stream.row_ends().tolist() == ours.row_ends().tolist()
    rows = stream.index().to_pylist()
    assert [row["doc_id"] for row in rows] == ["0", "1", "2", "3", "4"] and {row["kind"] for row in rows} == {
        "released"
    }
    assert set(ours.metadata) < set(stream.metadata)
    assert stream.metadata["released"] | source == stream.metadata["released"] and stream.metadata["rows"] == 5
    assert "warning" not in capsys.readouterr().out


def test_unexpected_count_of_tokens_is_a_warning(corpus, tmp_path, capsys):
    pq.write_table(pa.table({"text": ["a b c", None]}), tmp_path / "rows.parquet")
    stream = tokenised(corpus, tmp_path, kind="files", path=str(tmp_path / "rows.parquet"), expected_tokens=1000)
    assert f"warning: {len(stream.tokens)} tokens, -99" in capsys.readouterr().out
    assert stream.metadata["released"]["expected_tokens"] == 1000
    assert stream.tokens[-2:].tolist() == [corpus.tokenizer.bos_id, corpus.tokenizer.eos_id]
    assert released.difference(990, 1000) is released.difference(1010, 1000) is None is released.difference(5, None)
    assert released.difference(989, 1000) and released.difference(1011, 1000)


def test_stream_without_a_published_dataset_is_named():
    entry = {"dataset": "owner/rows", "revision": "0123abc"}
    table = {"simple-G2": entry, "self_distilled": entry}
    settings = Generation(llm="x", generated=2, counts=[2], source="released", released=table)
    assert released_source(settings, "simple", 2) == released_source(settings, "self_distilled", 0) == Released(**entry)
    with pytest.raises(UserError, match=r"no entry 'latent-G2' \(it has simple-G2, self_distilled\)"):
        released_source(settings, "latent", 2)
