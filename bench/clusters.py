"""The driver's work for 100,000 trials, and as many workbooks, on a cluster of 1,000 workers.

    python bench/clusters.py [--trials N] [--books N] [--workers N]

Nothing is trained and no book is judged, but all messages are real: there is a Dask scheduler, and
some processes with that many threads in total, which get tasks by name and send results back. Each
thread invents its result, where a worker would use a process of its own. The trials are drawn at
random, reported to Optuna and saved in files. Each book is a file of 30 kB that is read and sent;
its report has ten findings and sixty formulas, two of them unique. Then the grades, the JSON, the
page and the report of all books are written. The scheduler runs on the same machine, so the total
times are no better than elsewhere; the driver's own time is measured separately, tenth by tenth.
"""

from __future__ import annotations

import pickle
import random
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_SELF, getpagesize, getrusage
from time import perf_counter, process_time

from distributed import LocalCluster

from gradbook.audit.classes.marks import class_json
from gradbook.audit.classes.reports import StoredReports
from gradbook.audit.classes.scoring import Rubric, score_each
from gradbook.audit.classes.submissions import find_submissions
from gradbook.audit.findings import WRONG, BookReport, Finding, LossCurves, SheetReport
from gradbook.audit.many import TOGETHER, checked_by
from gradbook.audit.origin import Origin
from gradbook.files import write_whole
from gradbook.lab.study.run_study import DONE, Result, StudyFolder, StudyListener, Trial, study
from gradbook.lab.study.study_plan import read_plan
from gradbook.report.audit import audit_lines, grades
from gradbook.report.audit_page import audit_page
from gradbook.work import Outcome, Task, do
from gradbook.work.cluster import ClusterCrew
from gradbook.work.processes import MakeTask

PROCESSES = 4
BYTES = 30_000
LINKS = 10_000  # hard links to one file, of which a file system may allow 65,000
STUDY = """\
vary quick
epochs 1
schedule one cycle {0.1..1 log} warm 0.2
batch {128|256}
sampler random
"""


class Simulated(ClusterCrew):
    """A cluster with real messages, and results invented by threads."""

    def __init__(self, address: str, together: int = 1) -> None:
        super().__init__(address, together)
        self.do_all = all_made_up


class SimulatedTraining(Simulated):
    def give(self, name: str, task: Task, make_task: MakeTask | None = None) -> None:
        super().give(name, partial(trained, name))


def all_made_up(version: str, tasks: Sequence[bytes], *_: object) -> list[Outcome]:
    return [do(pickle.loads(task)) for task in tasks]


def trained(name: str) -> Result:
    return Result(DONE, accuracy=random.Random(name).random(), bits=name)


def judged(book: str) -> BookReport:
    why = "h1 is used instead of a_h1: the sum, not the result of the sigmoid"
    chance = random.Random()
    weights = tuple(f"w{k}" for k in range(1, 13))
    found = [
        Finding(
            "pre-activation",
            f"∂E/∂w{k}",
            f"w{k}",
            f"Z{k}:Z72",
            "=A1*B1",
            f"=A{chance.randrange(9)}*C1",
            why,
            fixes={f"Z{row}": f"=A{row}*C{row}" for row in range(k, 73)},
        )
        for k in range(1, 11)
    ]
    curve = LossCurves((0.3,) * 70, (0.3,) * 70)
    sheet = SheetReport("Sheet1", WRONG, "V3", "G1", weights, (3, 72), tuple(found), curve=curve)
    own = f"{chance.getrandbits(64):016x}"
    shared = {f"{k:032x}": f"Sheet1!Z{k} =A{k}*B{k}" for k in range(1, 59)}
    formulas = shared | {f"{own}{k:016x}": f"Sheet1!AA{k} =A{k}+B{k}" for k in (1, 2)}
    numbers = frozenset(f"{chance.random():.10g}" for _ in range(12))
    origin = Origin(f"Student {own}", own, numbers, formulas, own, own)
    return BookReport(book, WRONG, (sheet,), fingerprint=own, formulas=60, origin=origin)


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
            driver = get_context("spawn").Process(  # not in this process, which has the scheduler
                target=what, args=(cluster.scheduler_address, place, count, options.workers)
            )
            if count:
                driver.start()
                driver.join()
    return 0


def _trials(address: str, place: str, count: int, workers: int) -> None:
    folder = StudyFolder(Path(place, "study"))
    folder.begin(read_plan(f"{STUDY}trials {count}\nahead {workers}\n"))
    with _measured("trials", count) as tell:
        study(folder, folder.plan(), SimulatedTraining(address), 1, Watch(tell))


def _books(address: str, place: str, count: int, workers: int) -> None:
    folder = Path(place, "books")
    folder.mkdir()
    content = random.Random(0).randbytes(BYTES)
    for number in range(count):
        book = folder / f"{number}.xlsx"
        if number % LINKS == 0:
            book.write_bytes(content)
        else:
            book.hardlink_to(folder / f"{number // LINKS * LINKS}.xlsx")
    books = find_submissions([str(folder)])
    with StoredReports(books, Path(place, "record")) as reports:
        with _measured("workbooks", count) as tell:
            for done, (number, report) in enumerate(
                checked_by(Simulated(address, TOGETHER), books, judged), 1
            ):
                reports.put(number, report)
                tell(done)
        scores = score_each(reports, Rubric(20.0))
        for what, said in (
            ("rows of grades", lambda: grades(reports, scores)),
            ("books as JSON", lambda: class_json(reports, scores)),
            ("books on a page", lambda: audit_page(reports, scores)),
            ("books as a text", lambda: (f"{line}" for line in audit_lines(reports, 80, scores))),
        ):
            with _measured(what, count):
                write_whole(Path(place, "written"), said())


class Watch(StudyListener):
    """Counts the reported trials."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self.tell, self.count = tell, 0

    def trial_done(self, trial: Trial, best: Trial | None) -> None:
        self.count += 1
        self.tell(self.count)


@contextmanager
def _measured(what: str, count: int) -> Iterator[Callable[[int], None]]:
    """Print the time per item and the memory; yield a function to tell the number done."""
    began, before = perf_counter(), getrusage(RUSAGE_SELF)
    part, spent = max(count // 10, 1), process_time()

    def tell(done: int) -> None:
        nonlocal spent
        if done % part == 0:
            own, spent = process_time() - spent, process_time()
            print(f"  {done:,}: {1000 * own / part:.1f} ms, {_memory():,.0f} MB", flush=True)

    yield tell
    taken, after = perf_counter() - began, getrusage(RUSAGE_SELF)
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{count:,} {what}: {1000 * taken / count:.1f} ms each, {1000 * own / count:.1f} ms of the "
        f"driver's processor; {after.ru_maxrss / 1024:,.0f} MB at the most, "
        f"{before.ru_maxrss / 1024:,.0f} MB before",
        flush=True,
    )


def _memory() -> float:
    """The memory of this process in megabytes."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * getpagesize() / 2**20


if __name__ == "__main__":
    sys.exit(main())
