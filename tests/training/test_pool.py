"""A pool of streams: every window once per epoch, in an order of the epoch's own; and which tokens count."""

import numpy as np
import pytest

from tests.training.conftest import BOS, EOS, VOCABULARY
from workflow_scripts.common.errors import UserError
from workflow_scripts.megadocs.tokens import TokenRow, TokenStream, write_stream
from workflow_scripts.training.pool import PooledWindows


@pytest.fixture
def pool(write_stream_of) -> PooledWindows:
    """4 windows of 8 tokens and 2 of them, with a rest in each stream."""
    streams = {"organic": write_stream_of("organic", [20, 15]), "rephrase": write_stream_of("rephrase", [17], seed=1)}
    return PooledWindows(streams, seed=0, context=8, batch_sequences=3)


@pytest.fixture
def questions(tmp_path) -> TokenStream:
    """Two items, each a question and an answer; and a row of another kind."""
    rows = [("a", "question", [BOS, 5, 6, 7]), ("a", "answer", [8, EOS]), ("b", "question", [BOS, 5]),
            ("b", "answer", [9, 9, EOS]), ("c", "question", [BOS, 5, 5, 5, 5, 5, 5, EOS])]  # fmt: skip
    rows = [TokenRow(doc, kind, -1, ids) for doc, kind, ids in rows]
    write_stream(tmp_path / "questions", rows, VOCABULARY, {"tokenizer_sha256": "x"})
    return TokenStream(tmp_path / "questions")


def test_an_epoch_passes_every_window_once(pool):
    windows = {tuple(s.tokens[i : i + 8]) for s in pool.streams.values() for i in range(0, len(s.tokens) - 7, 8)}
    epochs = [np.concatenate([pool.batch(step)[0] for step in steps]) for steps in ((0, 1), (2, 3))]
    assert all({tuple(ids) for ids in epoch} == windows and len(epoch) == 6 for epoch in epochs)
    assert not np.array_equal(*epochs), "both epochs have one order"
    assert pool.seen(3) == {
        "organic_tokens_seen": 8 * (4 + sum(_of(pool, "organic", row) for row in pool.batch(2)[0])),
        "organic_epochs_seen": pytest.approx(1 + sum(_of(pool, "organic", row) for row in pool.batch(2)[0]) / 4),
        "organic_stream_tokens": 32,
        "rephrase_tokens_seen": 8 * (2 + sum(_of(pool, "rephrase", row) for row in pool.batch(2)[0])),
        "rephrase_epochs_seen": pytest.approx(1 + sum(_of(pool, "rephrase", row) for row in pool.batch(2)[0]) / 2),
        "rephrase_stream_tokens": 16,
    }


def _of(pool: PooledWindows, name: str, ids: np.ndarray) -> bool:
    tokens = pool.streams[name].tokens
    return any(np.array_equal(tokens[i : i + 8], ids) for i in range(0, len(tokens) - 7, 8))


def test_processes_share_a_batch(pool):
    parts = [pool.batch(1, rank, 3)[0] for rank in range(3)]
    assert np.array_equal(np.concatenate(parts), pool.batch(1)[0])


def test_answers_alone_count_and_see_their_own_question(questions):
    """By hand: the second window's tokens are 9 9 EOS BOS 5 5 5 5, the third one holds no answer."""
    pool = PooledWindows({"questions": questions}, seed=0, context=8, batch_sequences=2, kind="answer")
    ids, documents, wanted = pool.batch(0)
    assert len(pool.places) == 2, "a window without an answer is left out"
    rows = {tuple(i): (d.tolist(), w.tolist()) for i, d, w in zip(ids, documents, wanted, strict=True)}
    assert rows[BOS, 5, 6, 7, 8, EOS, BOS, 5] == ([0] * 6 + [1] * 2, [False] * 4 + [True] * 2 + [False] * 2)
    assert rows[9, 9, EOS, BOS, 5, 5, 5, 5] == ([1] * 3 + [2] * 5, [True] * 3 + [False] * 5)


def test_stream_without_a_window(write_stream_of, questions):
    with pytest.raises(UserError, match="short has no window of 8 tokens"):
        PooledWindows({"short": write_stream_of("short", [7])}, 0, 8, 2)
    with pytest.raises(UserError, match="questions has no window"):
        PooledWindows({"questions": questions}, 0, 8, 2, kind="thought")
