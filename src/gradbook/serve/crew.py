"""A few workers that run the tasks of a page, urgent ones first.

Every task runs in a process that may die of it; a task whose result nobody awaits is ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from queue import PriorityQueue
from threading import Event, Thread

from gradbook.interruption import uninterrupted
from gradbook.language import in_same_language
from gradbook.language.message import Message
from gradbook.work import LostTask, Outcome, Task
from gradbook.work.processes import Worker

LOOK_ROUND = 0.1  # seconds between checks whether a task is still wanted
URGENT, USUAL, LAST = 0, 1, 2
GIVEN_UP = Outcome(error=LostTask(Message("it was cancelled")))
Settled = Callable[[Outcome], None]


@dataclass(eq=False)
class Errand:
    """A task that was handed to a crew, and its outcome."""

    task: Task | None
    settled: Settled | None = None  # is called with the outcome, in a thread of the crew
    is_unwanted: bool = False
    _done: Event = field(default_factory=Event)
    _outcome: Outcome = GIVEN_UP

    def give_up(self) -> None:
        self.is_unwanted = True

    def outcome(self, is_wanted: Callable[[], bool]) -> Outcome:
        """The outcome, for which it waits as long as somebody wants it."""
        while not self._done.wait(LOOK_ROUND):
            if not is_wanted():
                self.give_up()
        return self._outcome

    def settle(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._done.set()
        if self.settled is not None and not self.is_unwanted:
            self.settled(outcome)


class Crew:
    """A number of workers, each looked after by a thread.

    All processes are started before any thread, which is quicker than the other way round.
    """

    def __init__(self, count_of_workers: int, longest: float) -> None:
        self._waiting: PriorityQueue[tuple[int, int, Errand]] = PriorityQueue()
        self._order = count()
        self._is_closing = False
        workers = [Worker(longest) for _ in range(count_of_workers)]
        self._threads = [
            Thread(target=self._look_after, args=(one,), daemon=True) for one in workers
        ]
        with uninterrupted():
            for thread in self._threads:
                thread.start()

    def submit(self, task: Task, settled: Settled | None = None, urgency: int = URGENT) -> Errand:
        job = Errand(in_same_language(task), settled)
        self._waiting.put((urgency, next(self._order), job))
        return job

    def close(self) -> None:
        """End all processes, whatever they are doing."""
        self._is_closing = True
        for _ in self._threads:
            self._waiting.put((LAST, next(self._order), Errand(None)))
        for thread in self._threads:
            thread.join()

    def _look_after(self, worker: Worker) -> None:
        try:
            while not self._is_closing:
                job = self._waiting.get()[2]
                if job.task is None:
                    return
                job.settle(GIVEN_UP if job.is_unwanted else self._done(worker, job))
        finally:
            worker.end()

    def _done(self, worker: Worker, job: Errand) -> Outcome:
        assert job.task is not None
        worker.give(job.task)
        while (outcome := worker.outcome(LOOK_ROUND)) is None:
            if self._is_closing:
                return GIVEN_UP
            if job.is_unwanted:
                worker.begin_anew()
                return GIVEN_UP
        return outcome
