"""A crew of other machines: the workers of a Dask cluster.

A task is sent under its name, so that one given twice runs once. Dask repeats the tasks of a
worker that dies, and gives a task up with which several have died.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from socket import create_connection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gradbook import __version__
from gradbook.errors import DataError, GradbookError, UsageError, one_line
from gradbook.files import read_text
from gradbook.language.message import Message
from gradbook.work import LostTask, Outcome, Task, do
from gradbook.work.processes import WorkCrew

if TYPE_CHECKING:
    from distributed import Client

MISSING = "a cluster needs Dask: pip install 'gradbook[cluster]'"
SCHEMES = ("tcp://", "tls://", "ws://", "wss://")
USUAL_PORT = 8786
LOGGERS = ("distributed", "distributed.client", "tornado.application")  # with their own levels
PATIENCE = 10.0  # seconds within which a scheduler must answer
LOOK_ROUND = 1.0  # seconds between checks that the scheduler still runs
ENDING = 5.0  # seconds for the scheduler to hear that this client has gone


class ClusterError(GradbookError):
    """The cluster can no longer be reached."""


class ClusterCrew(WorkCrew):
    """The workers of the scheduler at an address such as tcp://host:8786, or in its file."""

    def __init__(self, where: str) -> None:
        self.client = client_of(where)
        self.where = where
        self.under_way: dict[str, Any] = {}  # Dask's futures, by the names of the tasks
        self.settled: SimpleQueue[str] = SimpleQueue()  # names, put here by Dask's threads

    def give(self, name: str, task: Task) -> None:
        future = self.client.submit(partial(do, task), key=name, pure=True)
        self.under_way[name] = future
        future.add_done_callback(lambda _: self.settled.put(name))

    def forget(self, name: str) -> None:
        future = self.under_way.pop(name, None)
        if future is not None:
            future.cancel()

    def outcomes(self) -> Iterator[tuple[str, Outcome]]:
        for name in self._settled():
            future = self.under_way.pop(name, None)
            if future is not None:
                yield name, self._outcome(future)

    @property
    def at_work(self) -> int:
        return len(self.under_way)

    def end(self) -> None:
        with suppress(Exception):  # if it has already gone
            self.client.cancel(list(self.under_way.values()))
            self.client.close(ENDING)

    def _settled(self) -> list[str]:
        """The names of tasks that are done by now; waits until there is one."""
        names: list[str] = []
        while not names:
            with suppress(Empty):
                names.append(self.settled.get(timeout=LOOK_ROUND))
                while True:
                    names.append(self.settled.get_nowait())
            self._require_scheduler()
        return names

    def _outcome(self, future: Any) -> Outcome:
        try:
            outcome: Outcome = future.result()
            return outcome
        except Exception as error:
            self._require_scheduler()
            why = Message("it failed there ({error})", error=one_line(str(error)))
            return Outcome(error=LostTask(why))

    def _require_scheduler(self) -> None:
        while self.client.status == "connecting":
            time.sleep(LOOK_ROUND / 10)
        if self.client.status != "running":
            raise ClusterError(f"the scheduler at {self.where} is gone: start it again")


def client_of(where: str) -> Client:
    """A client of a scheduler; fails if a worker of it runs another version of gradbook."""
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError(MISSING) from error
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # problems are reported here
    address = _address_in(where) if where.endswith(".json") else where
    if not address.startswith(SCHEMES):
        raise UsageError(
            f"'{address}' isn't the address of a scheduler: write it like tcp://host:8786"
        )
    place = urlsplit(address)
    try:  # a client that finds no scheduler leaves threads behind
        create_connection((place.hostname or "", place.port or USUAL_PORT), PATIENCE).close()
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:  # TimeoutError is an OSError
        raise UsageError(
            f"no scheduler answers at {address}: start one with 'dask scheduler', and workers "
            "with 'dask worker'"
        ) from error
    try:
        _require_same(client, address)
    except BaseException:
        client.close()
        raise
    return client


def _address_in(file: str) -> str:
    """The address in a file by 'dask scheduler --scheduler-file'."""
    try:
        return str(json.loads(read_text(file))["address"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError("not the file of a Dask scheduler", file=file) from error


def _require_same(client: Client, where: str) -> None:
    """Refuse workers with other versions than ours, which would compute other bits."""
    try:
        client.wait_for_workers(1, PATIENCE)
    except TimeoutError as error:
        raise UsageError(
            f"{where} has no workers yet: start some with 'dask worker {where}'"
        ) from error
    for worker, version in client.run(_own_version, on_error="return").items():
        if version != __version__:
            theirs = f"gradbook {version}"
            if isinstance(version, Exception):
                theirs = f"no gradbook ({one_line(str(version))})"
            raise UsageError(
                f"{worker}, a worker of {where}, runs {theirs}, this computer {__version__}: "
                "install the same version"
            )


def _own_version() -> str:
    return __version__
