"""Plants mistakes in workbooks of random networks: does the audit find and repair them?

    python bench/mutants.py [--mutants N] [--clean N] [--seed N] [--record FILE] [--show]
                            [--books FOLDER] [--without NAME]... [--each]

A mutant counts as found if the audit blames exactly the spoilt cells, and as repaired if the
suggested formulas make the book right again. Any finding in a clean book is a false alarm. A
mutation that changes no value, whatever numbers the book starts from, isn't a mistake, and another
is drawn. With --record the outcomes are kept in a file and not tried again: the run can be stopped,
and runs with other seeds can share the file.

--without turns off a heuristic of the audit (--without list prints their names, from
heuristics.py). --each turns off one after the other, wherever it made a difference, and prints what
is lost without it; --books adds the workbooks of a folder, and prints how many of them are then
judged differently.
"""

from __future__ import annotations

import json
import random
import sys
import warnings
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from heuristics import HEURISTICS, watched, without

from gradbook.audit.check_book import check
from gradbook.audit.findings import record_of
from tests.audit.material.faults import FAULTS
from tests.audit.material.mutants import clean_book, drawn_style, tried

Record = dict[str, Any]
Number = int | str  # the number that a book is drawn from, or its path


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=2000)
    parser.add_argument("--clean", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", type=Path, help="file of outcomes, one per line")
    parser.add_argument("--show", action="store_true", help="only print the recorded outcomes")
    parser.add_argument("--books", type=Path, help="a folder with workbooks")
    parser.add_argument("--without", action="append", default=[], metavar="NAME")
    parser.add_argument("--each", action="store_true", help="turn off each heuristic in turn")
    options = parser.parse_args()
    if "list" in options.without:
        print(*HEURISTICS, sep="\n")
        return
    unknown = set(options.without) - HEURISTICS.keys()
    if unknown:
        parser.error(f"no heuristic is called {', '.join(sorted(unknown))}")
    warnings.simplefilter("ignore")
    records = Records(options.record)
    if not options.show:
        with TemporaryDirectory() as folder:
            _run(options, Path(folder, "book.xlsx"), records)
    if options.each:
        _show_each(records)
    else:
        _show(records.of("+".join(options.without)))


class Records:
    """Outcomes by a book's sort, its number, and the heuristic turned off."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path and path.exists() else []
        every = [{"without": "", **json.loads(line)} for line in lines]
        self.known = {(r["sort"], r["number"], r["without"]): r for r in every}

    def asked(self, sort: str, number: Number, off: str, ask: Callable[[], Record]) -> Record:
        """The recorded outcome; if there is none, the audit runs."""
        key = sort, number, off
        if key not in self.known:
            new = self.known[key] = {"sort": sort, "number": number, "without": off, **ask()}
            if self.path is not None:
                with self.path.open("a") as file:
                    file.write(json.dumps(new, ensure_ascii=False) + "\n")
        return self.known[key]

    def of(self, off: str) -> list[Record]:
        return [r for r in self.known.values() if r["without"] == off]


def _run(options: Namespace, path: Path, records: Records) -> None:
    def asked(sort: str, number: Number, *off: str) -> Record:
        with without(*off):
            return ASK[sort](path, number)

    def asked_watching(sort: str, number: Number) -> Record:
        with watched() as seen:
            return {**ASK[sort](path, number), "by": sorted(seen)}

    for case in _cases(options, records):
        if options.each:
            plain = records.asked(*case, "", partial(asked_watching, *case))
            for name in plain["by"]:
                records.asked(*case, name, partial(asked, *case, name))
        else:
            off = options.without
            records.asked(*case, "+".join(off), partial(asked, *case, *off))


def _cases(options: Namespace, records: Records) -> Iterator[tuple[str, Number]]:
    """The requested number of books; if a network has no place for a fault, another is drawn."""
    yield from (("clean", options.seed + k) for k in range(options.clean))
    off = "" if options.each else "+".join(options.without)
    planted = 0
    for number in count(options.seed):
        if planted >= options.mutants:
            break
        yield "mutant", number
        planted += records.known["mutant", number, off]["kind"] is not None
    if options.books is not None:
        yield from (("book", str(book)) for book in sorted(options.books.glob("*.xls*")))


def _ask_mutant(path: Path, number: int) -> Record:
    begun = process_time()
    outcome = tried(path, number)
    if outcome is None:
        return {"kind": None}
    return {
        "kind": outcome.kind,
        "style": " / ".join(outcome.style),
        "found": outcome.found,
        "repaired": outcome.repaired,
        "seconds": round(process_time() - begun, 2),
        "said": outcome.words,
    }


def _ask_clean(path: Path, number: int) -> Record:
    style = drawn_style(random.Random(number))
    verdict = clean_book(path, number, style).verdict
    return {"style": " / ".join(style), "verdict": verdict}


def _ask_book(_: Path, number: str) -> Record:
    return {"said": record_of(check(number))}


ASK: dict[str, Callable[[Path, Any], Record]] = {
    "mutant": _ask_mutant,
    "clean": _ask_clean,
    "book": _ask_book,
}


def _show(records: list[Record]) -> None:
    mutants = [r for r in records if r["sort"] == "mutant" and r["kind"] is not None]
    clean = [r for r in records if r["sort"] == "clean"]
    planted = Counter(r["kind"] for r in mutants)
    found = Counter(r["kind"] for r in mutants if r["found"])
    repaired = Counter(r["kind"] for r in mutants if r["repaired"])
    print(f"{'fault':<26}{'planted':>8}{'found':>8}{'repaired':>10}")
    for kind in FAULTS:
        print(f"{kind:<26}{planted[kind]:>8}{found[kind]:>8}{repaired[kind]:>10}")
    every = max(len(mutants), 1)
    shares = f"{found.total() / every:>8.1%}{repaired.total() / every:>10.1%}"
    print(f"{'all':<26}{len(mutants):>8}{shares}")
    alarms = sum(r["verdict"] != "right" for r in clean)
    print(f"{alarms} false alarms in {len(clean)} clean books")


def _show_each(records: Records) -> None:
    """The effect of each heuristic, as a table for README.md."""
    plain = {(r["sort"], r["number"]): r for r in records.of("")}
    every = [_judged(r) for r in plain.values()]
    print("| without | did something in | found | repaired | false alarms | said otherwise |")
    print("|---|---|---|---|---|---|")
    print(f"| nothing | | {' | '.join(str(sum(r[k] for r in every)) for k in range(3))} | |")
    for name in HEURISTICS:
        others = records.of(name)
        lost = [0, 0, 0, 0]
        for new in others:
            old = plain[new["sort"], new["number"]]
            for k, (now, before) in enumerate(zip(_judged(new), _judged(old), strict=True)):
                lost[k] += now - before
            lost[3] += new.get("said") != old.get("said")
        shown = " | ".join(f"{n:+d}" if n else "" for n in lost[:3])
        print(f"| {name} | {len(others)} | {shown} | {lost[3] or ''} |")
    kinds = Counter(sort for (sort, _), r in plain.items() if r.get("kind", "") is not None)
    print(f"\n{kinds['mutant']} mutants, {kinds['clean']} clean books, {kinds['book']} others")


def _judged(record: Record) -> tuple[bool, bool, bool]:
    """Whether a mutant was found, whether it was repaired, whether a clean book was blamed."""
    alarm = record["sort"] == "clean" and record["verdict"] != "right"
    return record.get("found", False), record.get("repaired", False), alarm


if __name__ == "__main__":
    main()
