"""What a machine of a cluster does with tasks: each in a process beside, which may die of it.

So a task that kills costs itself alone: the machine's own process, and what others do there, go on.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from functools import partial
from multiprocessing import current_process
from threading import local

from gradbook import __version__
from gradbook.errors import UsageError
from gradbook.work.processes import Lost, Outcome, Task, Worker

LOOK_ROUND = 60.0  # seconds
_own = local()  # each thread of the machine's process has a worker of its own, and keeps it


def packed(task: Task) -> bytes:
    return pickle.dumps(task, pickle.HIGHEST_PROTOCOL)


def all_done(
    version: str, tasks: Sequence[bytes], longest: float, most_deaths: int
) -> list[Outcome]:
    """What packed tasks of a gradbook of this version come to, one after the other."""
    if version != __version__:  # a machine that came later than those that were asked
        said = f"a machine of the cluster runs gradbook {__version__}, this is {version}"
        return [Outcome(error=UsageError(f"{said}: install the same"))] * len(tasks)
    return [_done(task, longest, most_deaths) for task in tasks]


def _done(task: bytes, longest: float, most_deaths: int) -> Outcome:
    worker = _worker(longest)
    found = _answer(worker, partial(_unpacked, task))
    for _ in range(most_deaths - 1):
        if not isinstance(found.error, Lost):
            break
        found = _answer(worker, partial(_unpacked, task))
    return found


def _answer(worker: Worker, task: Task) -> Outcome:
    worker.give(task)
    while (found := worker.outcome(LOOK_ROUND)) is None:
        pass
    return found


def _worker(longest: float) -> Worker:
    if current_process().daemon:  # as Dask begins its workers, which may then begin nothing
        current_process().daemon = False
    if not hasattr(_own, "worker"):
        _own.worker = Worker(longest)
    worker: Worker = _own.worker
    worker.longest = longest
    return worker


def _unpacked(task: bytes) -> object:
    return pickle.loads(task)()
