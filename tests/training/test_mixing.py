"""Which windows each step sees."""

import numpy as np
import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.sizes import total_steps
from workflow_scripts.training.mixing import MixedWindows, Mixture, open_mixture

REAL, SYNTHETIC, BLOCK, EPOCHS = 24, 50, 16, 3
MIXTURE = Mixture(5, 0.75, BLOCK, {"real": REAL, "synthetic": SYNTHETIC})
SEQUENCES = 4 * REAL * EPOCHS  # 3 epochs of 24 real windows at one in four: 288 sequences, 18 whole blocks


def test_ratio_is_exact_in_every_block():
    """12 synthetic sequences in each block of 16, not in the same places."""
    synthetic = MIXTURE.places(0, SEQUENCES)[0].reshape(-1, BLOCK)
    assert (synthetic.sum(axis=1) == 12).all()
    assert len(np.unique(synthetic, axis=0)) > 1


def test_every_real_window_is_seen_once_per_epoch_in_the_same_order():
    """Real windows: 24 in a random order, three times over; synthetic windows: as many passes as fit."""
    synthetic, window = MIXTURE.places(0, SEQUENCES)
    real = window[~synthetic].reshape(EPOCHS, REAL)
    assert (real == real[0]).all()
    assert (np.sort(real[0]) == np.arange(REAL)).all() and (real[0] != np.arange(REAL)).any()
    others = window[synthetic]
    assert len(others) == 216 and (others[:SYNTHETIC] == others[SYNTHETIC : 2 * SYNTHETIC]).all()
    assert set(np.bincount(others)) == {4, 5}  # 216 = 4 * 50 + 16


def test_places_depend_on_nothing_but_the_sequence_number():
    """Asked in pieces, backwards, of a fresh mixture: the same as asked at once."""
    whole = MIXTURE.places(0, SEQUENCES)
    fresh = Mixture(5, 0.75, BLOCK, {"real": REAL, "synthetic": SYNTHETIC})
    for first in reversed(range(0, SEQUENCES, 9)):
        for part, expected in zip(fresh.places(first, 9), whole, strict=True):
            assert (part == expected[first : first + 9]).all()


def test_seeds_change_order_and_places():
    """Another seed: other places of synthetic sequences and another order of windows."""
    other = Mixture(6, 0.75, BLOCK, MIXTURE.windows)
    (mask, window), (other_mask, other_window) = MIXTURE.places(0, SEQUENCES), other.places(0, SEQUENCES)
    assert (mask != other_mask).any()
    assert (window[~mask] != other_window[~other_mask]).any()


def test_ratio_that_no_block_can_hold():
    """0.95 in blocks of 8: over 20 blocks exactly 152 of 160 are synthetic, and every index follows the last."""
    mixture = Mixture(0, 0.95, 8, {"real": 1000, "synthetic": 1000})
    synthetic, window = mixture.places(0, 160)
    assert synthetic.sum() == 152 and mixture.seen(160) == {"real": 8, "synthetic": 152}
    assert mixture.seen(37)["synthetic"] == synthetic[:37].sum()
    assert len(np.unique(window[synthetic])) == 152 and len(np.unique(window[~synthetic])) == 8


def test_real_only():
    """Without a synthetic stream every sequence is real, whatever the block."""
    synthetic, window = Mixture(0, 0.0, 7, {"real": 10}).places(0, 20)
    assert not synthetic.any() and (np.bincount(window) == 2).all()


def test_total_steps_survives_rounding():
    """3 / (1 - 0.7) is 10, and 9.999999999999998 in floating point."""
    assert total_steps(3 * 128, 128, 1, 0.7) == 10


@pytest.mark.parametrize(
    ("epochs", "ratio", "steps"), [(16, 0.0, 12_432), (8, 0.75, 24_864), (16, 0.75, 49_728), (32, 0.9, 248_640)]
)
def test_total_steps_of_the_paper(epochs, ratio, steps):
    """The facts' section 3.5, from all real tokens: 777 whole batches of 64 x 4096 and a rest that is cut."""
    assert total_steps(203_867_748, 262_144, epochs, ratio) == steps


def test_total_steps_needs_a_whole_batch():
    """The message names both numbers."""
    with pytest.raises(UserError, match="127 real tokens are less than one batch of 128"):
        total_steps(127, 128, 8, 0.0)


def test_open_mixture_cuts_real_tokens_to_whole_batches(write_stream_of):
    """By hand: 300 of 310 tokens are 2 batches of 4 x 32, 8 windows; 100 synthetic tokens are 3 windows."""
    streams = {"real": write_stream_of("real", [31] * 10), "synthetic": write_stream_of("synthetic", [50, 50])}
    assert open_mixture(streams, 300, 0.5, 8, 0, (4, 32)).windows == {"real": 8, "synthetic": 3}
    assert open_mixture(streams, 310, 0.0, 8, 0, (4, 32)).windows == {"real": 8}


def test_open_mixture_refuses(write_stream_of):
    """More real tokens than there are, a stream of another tokenizer, a stream without one window."""
    real = write_stream_of("real", [31] * 10)
    with pytest.raises(UserError, match="holds 310 tokens, --real-tokens asks 311"):
        open_mixture({"real": real}, 311, 0.0, 8, 0, (4, 32))
    with pytest.raises(UserError, match="another tokenizer"):
        open_mixture({"real": real, "synthetic": write_stream_of("a", [99], tokenizer="b")}, 256, 0.5, 8, 0, (4, 32))
    with pytest.raises(UserError, match="shorter than one window of 32"):
        open_mixture({"real": real, "synthetic": write_stream_of("b", [31])}, 256, 0.5, 8, 0, (4, 32))


def test_batch_holds_the_windows_and_rows_of_its_places(write_stream_of):
    """Every sequence of a batch is the window that `places` names; rows change where documents end."""
    streams = {"real": write_stream_of("real", [40, 24], 1), "synthetic": write_stream_of("synthetic", [10, 30, 24], 2)}
    mixture = open_mixture(streams, 64, 0.5, 4, 3, (2, 32))
    windows = MixedWindows(streams, mixture, 32, 2, with_rows=True)
    rows = {"real": [0] * 40 + [1] * 24, "synthetic": [0] * 10 + [1] * 30 + [2] * 24}
    for step in range(4):
        ids, found_rows, _ = windows.batch(step)
        for place, (synthetic, window) in enumerate(zip(*mixture.places(2 * step, 2), strict=True)):
            name, part = "synthetic" if synthetic else "real", slice(32 * window, 32 * window + 32)
            assert ids[place].tolist() == streams[name].tokens[part].tolist()
            assert found_rows[place].tolist() == rows[name][part]
