"""Work in separate processes, which may crash or be ended, and crews of such processes.

A worker does one task at a time: a function without arguments, which can be sent to another
process. A worker that crashes or takes too long is replaced, and only its task gets no answer. A
crew does many tasks, each under a name; their outcomes come in any order.
"""

from __future__ import annotations

import gc
import os
from abc import ABC, abstractmethod
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context
from threading import Thread
from time import monotonic, sleep
from typing import Any, Self
from weakref import finalize

from gradbook import system
from gradbook.errors import UsageError
from gradbook.interruption import uninterrupted
from gradbook.language.message import Message, message_count
from gradbook.work import LostTask, Outcome, Task, do

try:
    from multiprocessing.connection import Connection, wait
except ImportError as error:  # as in a browser
    raise UsageError(
        "this needs to start processes, which this Python can't do: run it in a Python "
        "outside the browser"
    ) from error

# A worker and its task ------------------------------------------------------------

LOOK_ROUND = 1.0  # seconds between an idle worker's checks whether it is still needed


class Worker:
    """A process that does one task at a time, each for at most `longest` seconds."""

    def __init__(self, longest: float) -> None:
        self.longest = longest
        self.is_busy = False
        self.until = 0.0
        self._start()

    def _start(self) -> None:
        context: Any = get_context("fork" if system.may_be_copied() else "spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, os.getpid()), daemon=True)
        with uninterrupted():
            self.process.start()
            self._left_alone = finalize(self, _end_left_alone, self.process, os.getpid())
        theirs.close()

    def give(self, task: Task) -> None:
        self.is_busy, self.until = True, monotonic() + self.longest
        with suppress(OSError):  # the process is gone, which is noticed when no answer comes
            self.pipe.send(task)

    def outcome(self, patience: float = 0.0) -> Outcome | None:
        """The outcome of its task, awaited for `patience` seconds; None while it is at work."""
        left = max(self.until - monotonic(), 0.0)
        is_ready = bool(wait([self.pipe], min(patience, left)))
        if not is_ready and monotonic() < self.until:
            return None
        lost = LostTask(
            message_count(
                "it takes longer than {count} second",
                "it takes longer than {count} seconds",
                round(self.longest),
            )
        )
        if is_ready:
            try:
                received: Outcome = self.pipe.recv()
                self.is_busy = False
                return received
            except (EOFError, OSError):
                lost = LostTask(Message("there isn't enough memory for it"))
        self.begin_anew()
        return Outcome(error=lost)

    def begin_anew(self) -> None:
        """Start another process in its place, ready for a task."""
        self.end()
        self.is_busy = False
        self._start()

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.process.join()
        self.process.close()
        self._left_alone.detach()
        self.pipe.close()


def next_outcomes(workers: Sequence[Worker]) -> Iterator[tuple[Worker, Outcome]]:
    """The next outcomes of these workers, some of which are busy; waits until there is one."""
    busy = [worker for worker in workers if worker.is_busy]
    patience = min(worker.until for worker in busy) - monotonic()
    wait([worker.pipe for worker in busy], max(patience, 0.0))
    for worker in busy:
        outcome = worker.outcome()
        if outcome is not None:
            yield worker, outcome


def _end_left_alone(process: Any, parent: int) -> None:
    """End a worker whose start was interrupted before it was recorded: no other signal reaches it,
    and Python would wait for it forever.
    """
    if os.getpid() == parent:
        with suppress(ValueError):  # it has ended already
            process.kill()


def _end_with(parent: int) -> None:
    """End this process once its parent is gone, because then nobody waits for its answer."""
    while os.getppid() == parent:
        sleep(LOOK_ROUND)
    os._exit(1)


def _work(pipe: Connection, parent: int) -> None:
    """Do the tasks that come, as long as the parent lives; it may be gone before we begin."""
    Thread(target=_end_with, args=(parent,), daemon=True).start()
    gc.freeze()  # what is loaded stays, and a task leaves few cycles behind
    try:
        while os.getppid() == parent:
            if pipe.poll(LOOK_ROUND):
                pipe.send(do(pipe.recv()))
    except (EOFError, OSError):
        return


# Crews ----------------------------------------------------------------------------

MOST_DEATHS = 4
LONGEST = 7 * 24 * 3600.0  # seconds for one task


class WorkCrew(ABC):
    """Something that does tasks. A task whose process dies is repeated by another process, up to a
    limit; then it is lost.
    """

    @abstractmethod
    def give(self, name: str, task: Task) -> None:
        """Take a task; tasks begin in the order given."""

    @abstractmethod
    def forget(self, name: str) -> None:
        """Drop a task that isn't needed. If it is begun already, its outcome may still come."""

    @abstractmethod
    def outcomes(self) -> Iterator[tuple[str, Outcome]]:
        """The outcomes so far, with their names; waits if there is none yet."""

    def do_all(self, tasks: Iterable[tuple[str, Task]]) -> Iterator[tuple[str, Outcome]]:
        """Do tasks of different names; the outcomes come in any order."""
        left = 0
        for name, task in tasks:
            self.give(name, task)
            left += 1
        while left:
            for pair in self.outcomes():
                left -= 1
                yield pair

    @property
    @abstractmethod
    def at_work(self) -> int:
        """How many tasks are running."""

    @abstractmethod
    def end(self) -> None:
        """End all running tasks; a second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class ProcessCrew(WorkCrew):
    """Some processes of this machine."""

    def __init__(self, most: int, longest: float = LONGEST, most_deaths: int = MOST_DEATHS) -> None:
        self.most, self.longest, self.most_deaths = most, longest, most_deaths
        self.workers: list[Worker] = []
        self.waiting: OrderedDict[str, Task] = OrderedDict()  # tasks that haven't begun
        self.doing: dict[Worker, tuple[str, Task]] = {}
        self.deaths: Counter[str] = Counter()

    def give(self, name: str, task: Task) -> None:
        self.waiting[name] = task
        self._begin()

    def forget(self, name: str) -> None:
        self.waiting.pop(name, None)

    def outcomes(self) -> Iterator[tuple[str, Outcome]]:
        self._begin()
        finished = []
        for worker, outcome in next_outcomes(list(self.doing)):
            name, task = self.doing.pop(worker)
            died = isinstance(outcome.error, LostTask)
            if died:
                self.deaths[name] += 1
            if died and self.deaths[name] < self.most_deaths:
                self.waiting[name] = task
                self.waiting.move_to_end(name, last=False)
            else:
                finished.append((name, outcome))
        self._begin()
        yield from finished

    @property
    def at_work(self) -> int:
        return len(self.doing)

    def end(self) -> None:
        while self.workers:
            self.workers.pop().end()

    def _begin(self) -> None:
        wanted = min(self.most, len(self.waiting) + len(self.doing))
        while len(self.workers) < wanted:
            self.workers.append(Worker(self.longest))
        for worker in self.workers:
            if worker not in self.doing and self.waiting:
                self.doing[worker] = self.waiting.popitem(last=False)
                worker.give(self.doing[worker][1])
