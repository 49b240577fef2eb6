"""A step neither waits for its data nor for the device."""

import threading

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from workflow_scripts.training.prefetch import Prefetched
from workflow_scripts.training.prepare import prepare
from workflow_scripts.training.trainer import Trainer


class Waits(TorchDispatchMode):
    """Notes operations whose results the host must wait for on a GPU."""

    def __init__(self) -> None:
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if any(word in str(function) for word in ("_local_scalar_dense", "nonzero", "is_nonzero", "equal.default")):
            self.found.append(str(function))
        return function(*args, **(kwargs or {}))


def test_waits_are_noticed():
    """The test below could fail."""
    with Waits() as waits:
        torch.ones(3).sum().item()
    assert waits.found


def test_a_step_does_not_wait_for_the_device(parse, tmp_path):
    """No number leaves the device, in clipping and in the optimizer neither, masked or not."""
    trainer = Trainer(prepare(parse(tmp_path, micro_batch_sequences=2)))
    with Waits() as waits:
        for number in range(3):
            trainer.step(number)
    assert not waits.found


def test_items_are_made_ahead_by_another_thread():
    """At most `ahead` more than asked for, none beyond the end, each once; from any number on."""
    made = []

    def make(number: int) -> tuple[int, int]:
        made.append(number)
        return number, threading.get_ident()

    items = Prefetched(make, end=9, ahead=3)
    for number in range(4, 9):
        found, thread = items.take(number)
        assert found == number and thread != threading.get_ident()
        items.worker.submit(lambda: None).result()  # what was asked of the thread is done
        assert made == list(range(4, min(number + 4, 9)))


def test_waiting_is_measured():
    """The first item takes its time; the next one was made meanwhile."""
    pause, event = 0.05, threading.Event()
    items = Prefetched(lambda number: event.wait(pause) or number, end=2)
    items.take(0)
    assert items.waited_seconds >= 0.9 * pause
    items.worker.submit(lambda: None).result()
    waited = items.waited_seconds
    items.take(1)
    assert items.waited_seconds - waited < 0.5 * pause


def test_what_went_wrong_ahead_is_raised():
    """In the thread that trains, with its own message."""
    items = Prefetched(lambda number: 1 // (2 - number), end=5)
    assert items.take(0) == 0 and items.take(1) == 1
    with pytest.raises(ZeroDivisionError):
        items.take(2)
