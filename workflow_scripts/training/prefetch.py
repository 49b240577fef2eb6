"""Work that a thread does ahead of its use, and how long its user waited for it."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Prefetched(Generic[Item]):
    """Items of consecutive numbers below `end`, each made by `prepare(number)` while those before it are used."""

    def __init__(self, prepare: Callable[[int], Item], end: int, ahead: int = 4) -> None:
        self.prepare, self.end, self.ahead = prepare, end, ahead
        self.worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prefetch")
        self.pending: dict[int, Future[Item]] = {}
        self.waited_seconds = 0.0

    def take(self, number: int) -> Item:
        """The item of this number; whatever went wrong while it was made is raised here."""
        started = time.perf_counter()
        for n in range(number, min(number + self.ahead + 1, self.end)):
            if n not in self.pending:
                self.pending[n] = self.worker.submit(self.prepare, n)
        item = self.pending.pop(number).result()
        self.waited_seconds += time.perf_counter() - started
        return item
