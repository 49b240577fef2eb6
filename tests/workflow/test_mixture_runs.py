"""Students of mixtures: their budgets, shares, and natural tokens that are seen once."""

import pytest
from pydantic import ValidationError

from workflow_scripts.config.mixture_runs import mixture_students, natural_tokens
from workflow_scripts.config.models import Rows, Training
from workflow_scripts.training.mixing import Mixture

TRAINING = Training(student="tiny", context=8, batch_sequences=2, mixing_block_sequences=10)
ROWS = {"stream": ["hq"], "mixing_ratio": [0, 0.33, 1], "budget_tokens": [800], "lr": [0.003], "weight_decay": [0.1]}


def students(**changes):
    """Students of rows."""
    return list(mixture_students(Rows(**(ROWS | changes)), TRAINING))


def test_a_share_of_nothing_is_natural_text():
    """Whichever kind asks for it, it is one and the same student; a share of 1 has no natural tokens."""
    none, some, all_of_it = students()
    assert (none.stream, none.mixing_ratio, none.run_id) == ("real", 0.0, "real-T800-lr0.003-wd0.1-s0")
    assert (some.stream, some.real_tokens) == ("hq", 67 * 8 + 8)  # 67 of 100 sequences, in whole batches of 2
    assert (all_of_it.mixing_ratio, all_of_it.real_tokens) == (1.0, 0)
    assert students(stream=["txbk"], mixing_ratio=[0])[0] == none


def test_batches_of_their_own_are_in_the_name():
    """Two students that differ in their batch alone are two rows."""
    assert students(batch_sequences=1)[0].run_id == "real-T800-b1-lr0.003-wd0.1-s0"
    assert students(batch_sequences=2)[0].batch_sequences == 0, "the scale's own batch is not said"


@pytest.mark.parametrize("share", [0.1, 0.33, 0.5, 0.67, 0.9])
@pytest.mark.parametrize("sequences", [1, 9, 10, 11, 128, 250])
def test_no_natural_window_is_seen_twice(share, sequences):
    """The share of natural windows is enough in every block, also in one that the budget cuts."""
    real = natural_tokens(sequences * 8, share, 1, 8, TRAINING.mixing_block_sequences) // 8
    for seed in range(3):
        mixture = Mixture(seed, share, TRAINING.mixing_block_sequences, {"real": real, "synthetic": 7})
        synthetic, window = mixture.places(0, sequences)
        natural = window[~synthetic].tolist()
        assert len(set(natural)) == len(natural)


def test_all_synthetic():
    """At a share of 1 no natural window is asked for, and a short stream starts again."""
    synthetic, window = Mixture(0, 1.0, 10, {"real": 0, "synthetic": 4}).places(0, 8)
    assert synthetic.all()
    assert sorted(window[:4]) == [0, 1, 2, 3] and window[:4].tolist() == window[4:].tolist()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lr": None}, "budget_tokens needs lr"),
        ({"real_epochs": [2]}, "real_epochs does not go with budget_tokens"),
        ({"budget_tokens": None}, "mixing_ratio 1 needs budget_tokens"),
    ],
)
def test_rows_that_make_no_sense(changes, message):
    """Each is refused with the key to change."""
    with pytest.raises(ValidationError, match=message):
        Rows(**(ROWS | changes))
