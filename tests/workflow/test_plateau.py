"""Where a pretraining has reached its plateau, on curves made by hand."""

import pytest

from workflow_scripts.scaling.plateau import plateau_at, smoothed


def test_running_mean_by_hand():
    assert smoothed([4.0, 2.0, 3.0, 1.0], 3).tolist() == pytest.approx([4, 3, 3, 2])


@pytest.mark.parametrize(
    ("losses", "place"),
    [
        ([4, 3, 2, 2, 2], 2),  # known when the second evaluation after it is no better
        ([4, 3, 2, 2], None),  # not known yet
        ([4, 3, 2, 2.1, 1.5, 1.5, 1.5], 4),  # one that is worse is none where the next one is better
        ([4, 3.97, 3.9601], 0),  # better by less than 1% in two evaluations
        ([4, 3.97, 3.94, 3.935], 1),  # better by 1.5%, and then by 0.9%
        ([2, 3, 4], 0),
        ([], None),
    ],
)
def test_first_place_after_which_nothing_is_better(losses, place):
    assert plateau_at(losses, patience=2, improvement=0.01, over=1) == place


def test_noise_is_smoothed():
    """A loss that falls under noise larger than its steps: a plateau at once, but for the running mean."""
    losses = [4.3, 3.8, 4.1, 3.6, 3.9, 3.4, 3.7]
    assert plateau_at(losses, patience=1, improvement=0.01, over=1) == 1
    assert plateau_at(losses, patience=1, improvement=0.01, over=2) is None
