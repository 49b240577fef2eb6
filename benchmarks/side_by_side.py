"""Run the same measurement in several processes that start their timed part together, as side-by-side students do."""

import multiprocessing
from collections.abc import Callable

Run = Callable[..., dict]  # (wait, *arguments): calls wait() when it is ready for the timed part


def side_by_side(run: Run, processes: int, *arguments) -> list[dict]:
    """What each process found; one process runs right here. Raises RuntimeError when one of them fails."""
    if processes == 1:
        return [run(lambda: None, *arguments)]
    context = multiprocessing.get_context("spawn")
    barrier, queue = context.Barrier(processes), context.Queue()
    workers = [context.Process(target=_work, args=(run, barrier, queue, arguments)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    found = [queue.get() for _ in workers]
    for worker in workers:
        worker.join()
    if None in found:
        raise RuntimeError(f"{found.count(None)} of {processes} processes failed")
    return found


def _work(run: Run, barrier, queue, arguments: tuple) -> None:
    found = None
    try:
        found = run(barrier.wait, *arguments)
    finally:
        if found is None:
            barrier.abort()
        queue.put(found)
