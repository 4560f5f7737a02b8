"""A crew of other machines: a Dask cluster.

A task goes there under its name, so that one that is given twice is done once. Dask gives the tasks
of a machine that dies to another; a task that kills does so beside the machine's own process.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from gradbook import __version__
from gradbook.errors import one_line
from gradbook.work.apart import all_done, packed
from gradbook.work.crew import LONGEST, MOST_DEATHS, Sending, WorkCrew
from gradbook.work.machines import machines
from gradbook.work.processes import Lost, Outcome, Task
from gradbook.work.scheduler import ClusterError

LOOK_ROUND = 1.0  # seconds after which it is asked whether the scheduler is still there
COUNTED_FOR = 5.0  # seconds that a count of the cluster's threads holds
AHEAD = 2  # parcels for each thread: one that it does, one that waits for it there
LARGEST = 8 * 2**20  # bytes of a parcel to which another task is added, if there is for all
MOST_BYTES = 256 * 2**20  # of all parcels that are under way


@dataclass(frozen=True, eq=False)
class Parcel:
    """Tasks that go together, which Dask takes for one."""

    names: tuple[str, ...]
    sendings: tuple[Sending, ...]
    size: int  # bytes


class ClusterCrew(WorkCrew):
    """The workers of the scheduler at an address such as tcp://host:8786, or of cluster.yaml.

    As many as `together` tasks make a parcel: that takes Dask 1.6 ms, whatever there is in it.
    """

    def __init__(
        self,
        where: str,
        together: int = 1,
        longest: float = LONGEST,
        most_deaths: int = MOST_DEATHS,
    ) -> None:
        self.together, self.longest, self.most_deaths = together, longest, most_deaths
        self.all_done = all_done  # what a machine does with a parcel
        self.machines = machines(where)
        self.client = self.machines.client
        self.waiting = OrderedDict()
        self.under_way: dict[Any, Parcel] = {}  # by Dask's futures
        self.places: dict[str, Any] = {}  # which future each task is of
        self.settled: SimpleQueue[Any] = SimpleQueue()  # futures, put here by Dask's threads
        self.deaths: Counter[str] = Counter()  # of machines that were at a task
        self.size = 0  # bytes that are under way
        self.largest = LARGEST
        self.threads, self.counted = 1, 0.0

    def give(self, name: str, task: Task, sending: Sending | None = None) -> None:
        self.waiting[name] = sending or (lambda: task)

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

    # On the way there.

    @property
    def _most(self) -> int:
        """How many parcels the machines are given at once."""
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
        """The first of those that wait, so many at most; one that machines died of goes alone."""
        names: list[str] = []
        sendings: list[Sending] = []
        tasks: list[bytes] = []
        size = 0
        while self.waiting and len(names) < count and size < self.largest:
            name = next(iter(self.waiting))
            if names and self.deaths[name]:
                break
            names.append(name)
            sendings.append(self.waiting.pop(name))
            tasks.append(packed(sendings[-1]()))
            size += len(tasks[-1])
            if self.deaths[name]:
                break
        parcel = Parcel(tuple(names), tuple(sendings), size)
        done = partial(self.all_done, __version__, tasks, self.longest, self.most_deaths)
        future = self.client.submit(done, key=self._key(parcel), pure=True)
        self.under_way[future] = parcel
        self.places |= dict.fromkeys(names, future)
        self.size += size
        future.add_done_callback(self.settled.put)

    def _key(self, parcel: Parcel) -> str:
        first, more = parcel.names[0], len(parcel.names) - 1
        again = f" again {self.deaths[first]}" if self.deaths[first] else ""
        return f"{first} and {more} more" if more else f"{first}{again}"

    # On the way back.

    def _settled(self) -> list[Any]:
        """What is done by now, waited for."""
        found: list[Any] = []
        while not found:
            with suppress(Empty):
                found.append(self.settled.get(timeout=LOOK_ROUND))
                while True:
                    found.append(self.settled.get_nowait())
            self._require_scheduler()
        return [future for future in found if future in self.under_way]

    def _results(self, futures: Sequence[Any]) -> dict[Any, list[Outcome]]:
        """Of those whose results are still there."""
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
        """Its machines died again and again, or what they had done was lost with them: each task
        is given once more, alone."""
        from distributed import KilledWorker

        error = future.exception() if future.status == "error" else None
        for name, sending in reversed(list(zip(parcel.names, parcel.sendings, strict=True))):
            self.deaths[name] += 1
            if self.deaths[name] < self.most_deaths and isinstance(error, KilledWorker | None):
                self.waiting[name] = sending
                self.waiting.move_to_end(name, last=False)
            else:
                why = f"came to nothing there ({one_line(str(error))})"
                yield name, Outcome(error=Lost(why))

    def _require_scheduler(self) -> None:
        while self.client.status == "connecting":
            time.sleep(LOOK_ROUND / 10)
        if self.client.status != "running":
            where = self.machines.address
            raise ClusterError(f"the scheduler at {where} is gone: begin it again")
