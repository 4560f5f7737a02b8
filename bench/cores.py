"""The core's verdicts on workbooks beside the audit's, held against truth.

    python bench/cores.py FOLDER [--only PATTERN]... [--core-alone] [--workers N]
    python bench/cores.py ../shared/workbooks/variations3

FOLDER is one of `bench/truths.py`. Each book that one of the two judges wrongly gets a line, with
both verdicts and the core's reason; the table follows. Workbooks are to move to the core that
programs are judged by; until its verdicts are as good, `gradbook check` doesn't use it.
"""

from __future__ import annotations

import sys
import warnings
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).parents[1]))

from truths import Truth, place_of, read_truths

from gradbook.audit.check_book import report_on
from gradbook.audit.findings import NO_NETWORK, RIGHT, WRONG
from gradbook.audit.sheets.book_steps import judge_book
from gradbook.cells.budget import budget_of_book
from gradbook.cells.evaluate import fill_in
from gradbook.cells.flow import Flow
from gradbook.cells.read import read_book

NAMES = {"no training": NO_NETWORK}


@dataclass(frozen=True)
class Beside:
    truth: Truth
    core: str
    audit: str
    why: str
    is_found: bool  # whether the core names a changed cell
    seconds: float  # of a processor, for the core
    audit_seconds: float


def main() -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", action="append", metavar="PATTERN", help="books by their names")
    parser.add_argument("--core-alone", action="store_true", help="don't ask the audit")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    truths = [
        truth
        for truth in read_truths(options.folder)
        if not options.only or any(fnmatch(truth.name, one) for one in options.only)
    ]
    results = []
    with ProcessPoolExecutor(options.workers) as pool:
        for each in pool.map(partial(judge, options.folder, options.core_alone), truths):
            results.append(each)
            if {each.core, each.audit or each.core} != {each.truth.verdict}:
                print(_line(each), flush=True)
    _print_table(results, options.core_alone)


def judge(folder: Path, core_alone: bool, truth: Truth) -> Beside:
    path = folder / f"{truth.name}.xlsx"
    begun = process_time()
    with budget_of_book():
        book = read_book(path)
        flow = Flow(book)
        fill_in(book, flow)
        judged = judge_book(book, flow)
    seconds, begun = process_time() - begun, process_time()
    audit = "" if core_alone else report_on(path).verdict
    word = NAMES.get(judged.word, judged.word)
    cells = ", ".join(map(book.name_of, judged.departing[:3]))
    why = " ".join(filter(None, (judged.why, cells)))
    blamed = {place_of(book, cell) for cell in (*judged.departing, *judged.blamed)}
    is_found = not blamed.isdisjoint(truth.cells)
    return Beside(truth, word, audit, why, is_found, seconds, process_time() - begun)


def _line(each: Beside) -> str:
    truth = each.truth
    audit = f", audit {each.audit}" if each.audit else ""
    return f"{truth.name}: {truth.verdict} ({truth.what}): core {each.core} {each.why}{audit}"


def _print_table(results: list[Beside], core_alone: bool) -> None:
    columns: dict[str, Callable[[Beside], str]] = {"core": lambda each: each.core}
    if not core_alone:
        columns["audit"] = lambda each: each.audit
    right = [each for each in results if each.truth.verdict == RIGHT]
    wrong = [each for each in results if each.truth.verdict == WRONG]
    print(f"{'':<32}{''.join(f'{name:>8}' for name in columns)}      of")
    rows: list[tuple[str, list[Beside], Callable[[Beside, str], bool]]] = [
        ("verdict is true", results, lambda each, word: word == each.truth.verdict),
        ("right ones condemned", right, lambda each, word: word == WRONG),
        ("wrong ones called right", wrong, lambda each, word: word == RIGHT),
    ]
    for words, books, is_one in rows:
        counts = [sum(is_one(each, word(each)) for each in books) for word in columns.values()]
        print(f"{words:<32}{''.join(f'{count:>8}' for count in counts)}{len(books):>8}")
    found = sum(each.is_found for each in wrong)
    print(f"{'wrong ones blamed in a changed cell':<40}{found} of {len(wrong)}, by the core")
    times = [("core", [each.seconds for each in results])]
    times += [] if core_alone else [("audit", [each.audit_seconds for each in results])]
    for name, seconds in times:
        middle = sorted(seconds)[len(seconds) // 2]
        print(f"{name}: {middle:.2f} s in the middle, {max(seconds):.1f} at most")


if __name__ == "__main__":
    main()
