"""A crew of other machines: a Dask cluster, and what its machines do with the tasks they get.

A task is sent under its name, so that one given twice runs once. Dask gives the tasks of a
machine that dies to another one. Each machine runs a task in a separate process: a task that
crashes loses only itself, and the other tasks there continue.
"""

from __future__ import annotations

import pickle
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import current_process
from queue import Empty, SimpleQueue
from threading import local
from typing import Any

from gradbook import __version__
from gradbook.errors import UsageError, one_line
from gradbook.language.message import Message
from gradbook.work import LostTask, Outcome, Task
from gradbook.work.machines import ClusterError, reach_machines
from gradbook.work.processes import LONGEST, MOST_DEATHS, MakeTask, WorkCrew, Worker

# On a machine of the cluster ------------------------------------------------------

ANSWERED_WITHIN = 60.0  # seconds
_own = local()  # each thread of the machine's process has a worker of its own, and keeps it


def do_all(version: str, tasks: Sequence[bytes], longest: float, most_deaths: int) -> list[Outcome]:
    """Do the pickled tasks of a gradbook of this version, one after the other."""
    if version != __version__:  # a machine that joined after the versions were checked
        versions = f"a machine of the cluster runs gradbook {__version__}, this one {version}"
        return [Outcome(error=UsageError(f"{versions}: install the same version"))] * len(tasks)
    return [_do(task, longest, most_deaths) for task in tasks]


def _do(task: bytes, longest: float, most_deaths: int) -> Outcome:
    worker = _own_worker(longest)
    outcome = None
    for _ in range(most_deaths):
        worker.give(partial(_unpickle_and_do, task))
        while (outcome := worker.outcome(ANSWERED_WITHIN)) is None:
            pass
        if not isinstance(outcome.error, LostTask):
            break
    assert outcome
    return outcome


def _own_worker(longest: float) -> Worker:
    if current_process().daemon:  # Dask's workers are, and daemons can't start processes
        current_process().daemon = False
    if not hasattr(_own, "worker"):
        _own.worker = Worker(longest)
    worker: Worker = _own.worker
    worker.longest = longest
    return worker


def _unpickle_and_do(task: bytes) -> object:
    return pickle.loads(task)()


# The crew -------------------------------------------------------------------------

LOOK_ROUND = 1.0  # seconds between checks that the scheduler still runs
COUNTED_FOR = 5.0  # seconds for which a count of the cluster's threads is used
AHEAD = 2  # parcels per thread: one that it works on, one that waits there
LARGEST = 8 * 2**20  # bytes: a smaller parcel may get another task, if MOST_BYTES allows it
MOST_BYTES = 256 * 2**20  # of all parcels that are under way


@dataclass(frozen=True, eq=False)
class Parcel:
    """Tasks that are sent together, as one task of Dask's."""

    names: tuple[str, ...]
    makers: tuple[MakeTask, ...]
    size: int  # bytes


class ClusterCrew(WorkCrew):
    """The workers of the scheduler at an address such as tcp://host:8786, or of cluster.yaml.

    Up to `together` tasks make a parcel: Dask takes 1.6 ms for each, whatever its content.
    """

    def __init__(
        self,
        where: str,
        together: int = 1,
        longest: float = LONGEST,
        most_deaths: int = MOST_DEATHS,
    ) -> None:
        self.together, self.longest, self.most_deaths = together, longest, most_deaths
        self.do_all = do_all  # what a machine does with a parcel
        self.machines = reach_machines(where)
        self.client = self.machines.client
        self.waiting = OrderedDict()
        self.under_way: dict[Any, Parcel] = {}  # by Dask's futures
        self.places: dict[str, Any] = {}  # the future of each task
        self.settled: SimpleQueue[Any] = SimpleQueue()  # futures, put here by Dask's threads
        self.deaths: Counter[str] = Counter()  # of machines during a task
        self.size = 0  # bytes that are under way
        self.largest = LARGEST
        self.threads, self.counted = 1, 0.0

    def give(self, name: str, task: Task, make_task: MakeTask | None = None) -> None:
        self.waiting[name] = make_task or (lambda: task)

    def forget(self, name: str) -> None:
        self.waiting.pop(name, None)
        future = self.places.get(name)
        if future is not None and len(self.under_way[future].names) == 1:
            self._received(future)
            future.cancel()

    def outcomes(self) -> Iterator[tuple[str, Outcome]]:
        self._begin()
        done = self._settled()
        results = self._results([one for one in done if one.status == "finished"])
        for future in done:
            parcel = self._received(future)
            if future in results:
                yield from zip(parcel.names, results[future], strict=True)
            else:
                yield from self._died(parcel, future)
        self._begin()

    @property
    def at_work(self) -> int:
        return min(len(self.places), self._most // AHEAD * self.together)

    def end(self) -> None:
        if self.client.status == "running":
            self.client.cancel(list(self.under_way))
        self.machines.end()

    def reads(self, path: str) -> bool:
        return self.machines.find(path)

    # Sending.

    @property
    def _most(self) -> int:
        """How many parcels the machines may have at once."""
        if time.monotonic() > self.counted + COUNTED_FOR:
            self._require_scheduler()
            self.threads = max(sum(self.client.nthreads().values()), 1)
            self.counted = time.monotonic()
        return AHEAD * self.threads

    def _begin(self) -> None:
        most = self._most
        self.largest = min(LARGEST, MOST_BYTES // most)
        while self.waiting and len(self.under_way) < most and self.size < MOST_BYTES:
            self._send(max(min(len(self.waiting) // most, self.together), 1))

    def _send(self, count: int) -> None:
        """Send at most `count` of the first tasks; one during which machines died is sent alone."""
        names: list[str] = []
        makers: list[MakeTask] = []
        tasks: list[bytes] = []
        size = 0
        while self.waiting and len(names) < count and size < self.largest:
            name = next(iter(self.waiting))
            if names and self.deaths[name]:
                break
            names.append(name)
            makers.append(self.waiting.pop(name))
            tasks.append(pickle.dumps(makers[-1](), pickle.HIGHEST_PROTOCOL))
            size += len(tasks[-1])
            if self.deaths[name]:
                break
        parcel = Parcel(tuple(names), tuple(makers), size)
        done = partial(self.do_all, __version__, tasks, self.longest, self.most_deaths)
        future = self.client.submit(done, key=self._key(parcel), pure=True)
        self.under_way[future] = parcel
        self.places |= dict.fromkeys(names, future)
        self.size += size
        future.add_done_callback(self.settled.put)

    def _key(self, parcel: Parcel) -> str:
        first, more = parcel.names[0], len(parcel.names) - 1
        again = f" again {self.deaths[first]}" if self.deaths[first] else ""
        return f"{first} and {more} more" if more else f"{first}{again}"

    # Receiving.

    def _settled(self) -> list[Any]:
        """The futures that are done by now; waits until there is one."""
        results: list[Any] = []
        while not results:
            with suppress(Empty):
                results.append(self.settled.get(timeout=LOOK_ROUND))
                while True:
                    results.append(self.settled.get_nowait())
            self._require_scheduler()
        return [future for future in results if future in self.under_way]

    def _results(self, futures: Sequence[Any]) -> dict[Any, list[Outcome]]:
        """The results that are still available."""
        with suppress(Exception):
            return dict(zip(futures, self.client.gather(list(futures)), strict=True))
        found = {}
        for future in futures:
            with suppress(Exception):
                found[future] = future.result()
        self._require_scheduler()
        return found

    def _received(self, future: Any) -> Parcel:
        parcel = self.under_way.pop(future)
        self.size -= parcel.size
        for name in parcel.names:
            del self.places[name]
        return parcel

    def _died(self, parcel: Parcel, future: Any) -> Iterator[tuple[str, Outcome]]:
        """Send each task once more, alone: machines died repeatedly, or results were lost with
        them.
        """
        from distributed import KilledWorker

        error = future.exception() if future.status == "error" else None
        for name, make_task in reversed(list(zip(parcel.names, parcel.makers, strict=True))):
            self.deaths[name] += 1
            if self.deaths[name] < self.most_deaths and isinstance(error, KilledWorker | None):
                self.waiting[name] = make_task
                self.waiting.move_to_end(name, last=False)
            else:
                why = Message("it failed there ({error})", error=one_line(str(error)))
                yield name, Outcome(error=LostTask(why))

    def _require_scheduler(self) -> None:
        while self.client.status == "connecting":
            time.sleep(LOOK_ROUND / 10)
        if self.client.status != "running":
            where = self.machines.address
            raise ClusterError(f"the scheduler at {where} is gone: start it again")
