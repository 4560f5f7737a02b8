"""A crew of other machines: a Dask cluster that is there already.

A task goes there under its name, so that one that is given twice is done once. Dask gives the tasks
of a machine that dies to another; one that kills several is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from socket import create_connection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gradbook import __version__
from gradbook.errors import UsageError, one_line
from gradbook.work.crew import WorkCrew
from gradbook.work.processes import Lost, Outcome, Task, outcome_of

if TYPE_CHECKING:
    from distributed import Client

MISSING = "a cluster needs Dask: pip install 'gradbook[cluster]'"
SCHEMES = ("tcp://", "tls://", "ws://", "wss://")
USUAL_PORT = 8786
PATIENCE = 10.0  # seconds until a scheduler must have answered


class ClusterCrew(WorkCrew):
    """The workers of the scheduler at an address such as tcp://host:8786."""

    def __init__(self, address: str) -> None:
        self.client = _client(address)
        try:
            _require_same(self.client, address)
        except UsageError:
            self.client.close()
            raise
        self.futures: dict[Any, str] = {}

    def give(self, name: str, task: Task) -> None:
        future = self.client.submit(partial(outcome_of, task), key=name, pure=True)
        self.futures[future] = name

    def forget(self, name: str) -> None:
        for future in [one for one, own in self.futures.items() if own == name]:
            del self.futures[future]
            future.cancel()

    def outcomes(self) -> Iterator[tuple[str, Outcome]]:
        from distributed import wait

        with self.client.as_current():
            done, _ = wait(list(self.futures), return_when="FIRST_COMPLETED")
        for future in done:
            name = self.futures.pop(future)
            error = future.exception()
            lost = Outcome(error=Lost(f"came to nothing there ({one_line(str(error))})"))
            yield name, lost if error else future.result()

    @property
    def at_work(self) -> int:
        threads: dict[str, int] = self.client.nthreads()
        return min(len(self.futures), sum(threads.values()))

    def end(self) -> None:
        for future in self.futures:
            future.cancel()
        self.client.close()


def is_address(where: str) -> bool:
    return where.startswith(SCHEMES)


def _client(address: str) -> Client:
    if not is_address(address):
        raise UsageError(f"'{address}' is no scheduler: write it like tcp://host:8786")
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError(MISSING) from error
    place = urlsplit(address)
    try:  # a client that finds nobody leaves threads behind
        create_connection((place.hostname or "", place.port or USUAL_PORT), PATIENCE).close()
        return Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:  # TimeoutError is an OSError
        raise UsageError(
            f"no scheduler answers at {address}: begin one with 'dask scheduler', "
            "and workers with 'dask worker'"
        ) from error


def _require_same(client: Client, address: str) -> None:
    """Refuse machines whose programs are others than here: they would come to other bits."""
    from distributed import __version__ as ours

    theirs = client.get_versions()["scheduler"]["packages"]["distributed"]
    if theirs != ours:
        raise UsageError(f"{address} runs distributed {theirs}, this is {ours}: install the same")
    try:
        client.wait_for_workers(1, PATIENCE)
        found = client.run(_own_version)
    except TimeoutError as error:
        raise UsageError(
            f"{address} has no workers yet: begin some with 'dask worker {address}'"
        ) from error
    except Exception as error:
        raise UsageError(
            f"a machine of {address} has no gradbook of today: install it there"
        ) from error
    others = sorted({version for version in found.values() if version != __version__})
    if others:
        raise UsageError(
            f"{address} runs gradbook {', '.join(others)}, this is {__version__}: install the same"
        )


def _own_version() -> str:
    return __version__
