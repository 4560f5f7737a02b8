"""A crew does tasks that have names: they are given in any number, and outcomes come as they may.

A task whose process dies is given to another one, and after some deaths it is lost.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, Self

from gradbook.work.processes import Lost, Outcome, Task, Worker, outcomes

MOST_DEATHS = 4
MOST_WAITING = 10_000  # tasks; of more, whoever gives them keeps those that aren't due yet
LONGEST = 7 * 24 * 3600.0  # seconds for one task
Sending = Callable[[], Task]


class WorkCrew(ABC):
    """Who does tasks."""

    waiting: OrderedDict[str, Any]  # what was given and isn't begun

    @property
    def room(self) -> int:
        """How many more tasks may be given at once where there are very many."""
        return max(MOST_WAITING - len(self.waiting), 0)

    @abstractmethod
    def give(self, name: str, task: Task, sending: Sending | None = None) -> None:
        """A task to be done; those that were given first are begun first. For a machine that has
        none of this one's files, `sending` makes the same task, whenever it goes there."""

    @abstractmethod
    def forget(self, name: str) -> None:
        """It isn't needed any more. If it is begun already, its outcome may come all the same."""

    @abstractmethod
    def outcomes(self) -> Iterator[tuple[str, Outcome]]:
        """What is done by now, by its name; if nothing is, waited for."""

    def reads(self, path: str) -> bool:
        """Whether whoever does a task finds this file where it is."""
        return True

    @property
    @abstractmethod
    def at_work(self) -> int:
        """How many tasks are under way."""

    @abstractmethod
    def end(self) -> None:
        """Whatever is under way; twice is no matter."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class ProcessCrew(WorkCrew):
    """Some processes of this machine."""

    def __init__(self, most: int, longest: float = LONGEST, most_deaths: int = MOST_DEATHS) -> None:
        self.most, self.longest, self.most_deaths = most, longest, most_deaths
        self.workers: list[Worker] = []
        self.waiting = OrderedDict()
        self.doing: dict[Worker, tuple[str, Task]] = {}
        self.deaths: Counter[str] = Counter()

    def give(self, name: str, task: Task, sending: Sending | None = None) -> None:
        self.waiting[name] = task
        self._begin()

    def forget(self, name: str) -> None:
        self.waiting.pop(name, None)

    def outcomes(self) -> Iterator[tuple[str, Outcome]]:
        self._begin()
        found = []
        for worker, outcome in outcomes(list(self.doing)):
            name, task = self.doing.pop(worker)
            died = isinstance(outcome.error, Lost)
            if died:
                self.deaths[name] += 1
            if died and self.deaths[name] < self.most_deaths:
                self.waiting[name] = task
                self.waiting.move_to_end(name, last=False)
            else:
                found.append((name, outcome))
        self._begin()
        yield from found

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
