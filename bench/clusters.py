"""What the driver does for 100,000 trials, and as many workbooks, on a cluster of 1,000 workers.

    python bench/clusters.py [--trials N] [--books N] [--workers N]

Nothing is trained and no book is judged; all messages are real: a Dask scheduler, some processes
with so many threads together, tasks that go there by name and results that come back. Each thread
makes its answer up, where a worker would have a process of its own for it. The trials are drawn at
random, told to Optuna and kept in files; each book is a file of 30 kB that is read and sent, and
its report has ten findings. What the scheduler does meanwhile is on the same machine's cores, so
the time for each is no better than it would be elsewhere; the driver's own is counted apart.
"""

from __future__ import annotations

import pickle
import random
import sys
import tempfile
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter

from distributed import LocalCluster

from gradbook.audit.findings.findings import WRONG, BookReport, Finding, SheetReport
from gradbook.audit.many import TOGETHER, checked_by
from gradbook.lab.study.folder import StudyFolder
from gradbook.lab.study.plan import read
from gradbook.lab.study.study import StudyListener, study
from gradbook.lab.study.trial import DONE, Result
from gradbook.work.cluster import ClusterCrew
from gradbook.work.crew import Sending
from gradbook.work.processes import Outcome, Task, outcome_of

PROCESSES = 4
BYTES = 30_000
STUDY = """\
vary quick
epochs 1
schedule one cycle {0.1..1 log} warm 0.2
batch {128|256}
sampler random
"""


class Simulated(ClusterCrew):
    """Real messages; answers that are made up by threads."""

    def __init__(self, address: str, together: int = 1) -> None:
        super().__init__(address, together)
        self.all_done = all_made_up


class SimulatedTraining(Simulated):
    def give(self, name: str, task: Task, sending: Sending | None = None) -> None:
        super().give(name, partial(trained, name))


def all_made_up(version: str, tasks: Sequence[bytes], *_: object) -> list[Outcome]:
    return [outcome_of(pickle.loads(task)) for task in tasks]


def trained(name: str) -> Result:
    return Result(DONE, accuracy=random.Random(name).random(), bits=name)


def judged(book: str) -> BookReport:
    why = "h1 is used where a_h1 belongs: the sum, not what the sigmoid makes of it"
    found = [
        Finding("pre-activation", f"∂E/∂w{k}", f"w{k}", f"Z{k}:Z72", "=A1*B1", "=A1*C1", why)
        for k in range(1, 11)
    ]
    return BookReport(book, WRONG, (SheetReport("Sheet1", WRONG, findings=tuple(found)),))


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--books", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=1_000)
    options = parser.parse_args()
    threads = -(-options.workers // PROCESSES)
    quiet = {"dashboard_address": None, "silence_logs": 60, "memory_limit": None}
    with (
        tempfile.TemporaryDirectory() as place,
        LocalCluster(n_workers=PROCESSES, threads_per_worker=threads, **quiet) as cluster,
    ):
        for count, what in ((options.trials, _trials), (options.books, _books)):
            driver = get_context("spawn").Process(  # apart from the scheduler, which is in this one
                target=what, args=(cluster.scheduler_address, place, count, options.workers)
            )
            if count:
                driver.start()
                driver.join()
    return 0


def _trials(address: str, place: str, count: int, workers: int) -> None:
    folder = StudyFolder(Path(place, "study"))
    folder.begin(read(f"{STUDY}trials {count}\nahead {workers}\n"))
    with _measured("trials", count):
        study(folder, folder.plan(), SimulatedTraining(address), 1, StudyListener())


def _books(address: str, place: str, count: int, workers: int) -> None:
    book = Path(place, "book.xlsx")
    book.write_bytes(random.Random(0).randbytes(BYTES))
    with _measured("workbooks", count):
        found = Counter(
            report.verdict
            for _, report in checked_by(Simulated(address, TOGETHER), [str(book)] * count, judged)
        )
    assert found == {WRONG: count}


@contextmanager
def _measured(what: str, count: int) -> Iterator[None]:
    began, before = perf_counter(), getrusage(RUSAGE_SELF)
    yield
    spent, after = perf_counter() - began, getrusage(RUSAGE_SELF)
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{count:,} {what}: {1000 * spent / count:.1f} ms each, {1000 * own / count:.1f} ms of the "
        f"driver's processor; {after.ru_maxrss / 1024:,.0f} MB at the most, "
        f"{before.ru_maxrss / 1024:,.0f} MB before",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
