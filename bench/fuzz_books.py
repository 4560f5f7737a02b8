"""Give `gradbook check` workbooks damaged in every way: does any of them stop it?

    python bench/fuzz_books.py [--count N] [--seed N] [--minutes M] [--keep FOLDER] [--ods]
    python bench/fuzz_books.py --only NUMBER

Each package has a number, counted from --seed, which determines how it is damaged: its bytes, its
XML, its zip or its formulas. It is checked in a process of its own, every third one also with
--fix, which judges it again, and --annotate. It prints verdicts, the most expensive books, and each
book that ended in an internal error in gradbook, or took more than 300 MB or 10 seconds of a
processor each time it was judged; these are kept in the folder, by their numbers.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import resource
import sys
import warnings
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from traceback import format_exc

sys.path.insert(0, str(Path(__file__).parents[1]))

from gradbook.audit.check_book import check
from gradbook.audit.copies.annotate import annotate
from gradbook.audit.copies.correct import correct
from gradbook.cli import main as command
from gradbook.errors import GradbookError
from tests.audit.material.mangled.bases import BASES, OPENED, Make, Parts, parts_of
from tests.audit.material.mangled.packages import mangled

LONGEST, LARGEST = 10.0, 300.0  # seconds of a processor, megabytes
PATIENCE, ROOM = 30, 3 * 2**30  # seconds and bytes, after which a check is ended
COPIED = 3  # every so many are also copied
FAULT = "internal error in gradbook"


@dataclass(frozen=True)
class Tried:
    """The result for a damaged book."""

    number: int
    how: str
    said: str  # its verdict, or why there is none
    trace: str
    seconds: float
    megabytes: float

    @property
    def fails(self) -> bool:
        longest = LONGEST * (2 if _is_copied(self.number) else 1)
        over = self.seconds > longest or self.megabytes > LARGEST
        return bool(self.trace) or over or self.said.startswith("ended")

    def __str__(self) -> str:
        took = f"{self.seconds:.1f} s, {self.megabytes:.0f} MB"
        return f"{self.number}: {self.how}: {self.said}, {took}"


def _is_copied(number: int) -> bool:
    """Whether it is also corrected, and so judged twice, and annotated."""
    return number % COPIED == 0


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--only", type=int, metavar="NUMBER", help="one book, with traceback")
    parser.add_argument("--ods", action="store_true", help="OpenDocument spreadsheets")
    parser.add_argument("--keep", type=Path, default=Path("out", "fuzz"), metavar="FOLDER")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    until = monotonic() + 60 * options.minutes
    only = options.only is not None
    first, many = (options.only, 1) if only else (options.seed, options.count)
    done: list[Tried] = []
    with TemporaryDirectory() as folder, contextlib.suppress(KeyboardInterrupt):
        makers = OPENED if options.ods else BASES
        bases = _bases(Path(folder), makers)
        _check_whole_ones(Path(folder, "book.xlsx"), makers)
        for number in islice(count(first), many):
            if monotonic() > until:
                break
            done.append(_tried(bases, number, Path(folder, "book.xlsx")))
            if done[-1].fails or only:
                _keep(bases, done[-1], options.keep)
    _show(done)


def _bases(folder: Path, makers: Mapping[str, Make]) -> dict[str, Parts]:
    found: dict[str, Parts] = {}
    for name, make in makers.items():
        make(folder / "base.xlsx")
        found[name] = parts_of(folder / "base.xlsx")
    return found


def _check_whole_ones(path: Path, makers: Mapping[str, Make]) -> None:
    """Load all that a check needs, before this process is copied for each package."""
    for make in makers.values():
        make(path)
        for number in range(2):
            _checked(path, number)


def _tried(bases: Mapping[str, Parts], number: int, path: Path) -> Tried:
    """Check one book in a copy of this process."""
    how, content = mangled(bases, number)
    path.write_bytes(content)
    told, tell = os.pipe()
    pid = os.fork()
    if not pid:
        _tell(path, tell, number)
    os.close(tell)
    with os.fdopen(told) as pipe:
        text = pipe.read()
    _, status, used = os.wait4(pid, 0)
    said, trace = json.loads(text) if text else (f"ended by {status}", "")
    seconds, megabytes = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    return Tried(number, how, said, trace, seconds, megabytes)


def _tell(path: Path, tell: int, number: int) -> None:
    """Check a book, report the result, and end; a failure is run again to see where."""
    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE))
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
    found = json.dumps(_checked(path, number))
    with os.fdopen(tell, "w") as pipe:
        pipe.write(found)
    os._exit(0)


def _checked(path: Path, number: int) -> tuple[str, str]:
    with TemporaryDirectory() as folder:
        words = [
            "check",
            str(path),
            "-o",
            f"{folder}/page.html",
            "-o",
            f"{folder}/grades.csv",
        ]
        words += ["--json"] if number % 2 else ["-v", "--hints"]
        if _is_copied(number):
            words += ["--fix", f"{folder}/fixed", "--annotate", f"{folder}/marked"]
        out, bad = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(bad):
            try:
                command._answer(words)
            except GradbookError as error:
                return f"refused: {error}", ""
            except Exception:
                return "failed", format_exc()
        both = out.getvalue() + bad.getvalue()
        if FAULT in both:
            return "failed", _where(path) or both[both.index(FAULT) :][:300]
        with Path(folder, "grades.csv").open(newline="", encoding="utf-8-sig") as grades:
            return next(csv.DictReader(grades))["verdict"], ""


def _where(path: Path) -> str:
    """The traceback of a fault that was reported on one line."""
    try:
        report = check(path)
        annotate(path, report)
        correct(path, report)
    except Exception:
        return format_exc()
    return ""


def _keep(bases: Mapping[str, Parts], tried: Tried, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{tried.number}.xlsx").write_bytes(mangled(bases, tried.number)[1])
    print(f"{tried}\n{tried.trace}", flush=True)


def _show(done: list[Tried]) -> None:
    verdicts = Counter(tried.said for tried in done).most_common()
    print(f"{len(done)} tried: " + ", ".join(f"{many} {said}" for said, many in verdicts))
    print(f"{sum(tried.fails for tried in done)} failed")
    if done:
        print(f"slowest  {max(done, key=lambda tried: tried.seconds)}")
        print(f"largest  {max(done, key=lambda tried: tried.megabytes)}")


if __name__ == "__main__":
    main()
