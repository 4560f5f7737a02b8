"""Holds the audit against workbooks whose truth is known, and prints the table of its goals.

    python bench/truths.py FOLDER [--again] [--only PATTERN]... [--workers N]
    python bench/truths.py ../shared/workbooks/variations2 --again --only "net321*"

FOLDER has workbooks and a `truth.json`: for each book (its name without .xlsx) the verdict, "right"
or "wrong", `what` was changed, and in which `cells` ("Sheet1!Y8:Y37"). Each book that isn't judged
as it should be gets a line; the table follows, and if the truths name a `kind`, one by kinds.

With --again, a corrected copy of each wrong book is made as `gradbook check --fix` makes it, and
read by itself: only cells that were changed (or arrays with such cells) may differ from the wrong
book. If the folder has the clean book, too (`net321.xlsx` for `net321__otherx.xlsx`), each formula
of the copy must have the values of the clean book's, whatever numbers both start from.
"""

from __future__ import annotations

import json
import random
import sys
import warnings
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import partial
from math import isclose, isnan
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

sys.path.insert(0, str(Path(__file__).parents[1]))

from gradbook.audit.check_book import check_again, report_on
from gradbook.audit.copies.correct import corrections
from gradbook.audit.findings import RIGHT, WRONG, BookReport
from gradbook.cells.book import Book
from gradbook.cells.budget import BudgetSpent, budget_of_book
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address, name_of, sheet_of
from gradbook.cells.read import read_book
from tests.audit.material.made import cells_of
from tests.audit.material.mutants import blamed

Cell = tuple[str, int, int]  # the title of its sheet, its row and column

WORLDS = 3  # sets of numbers that a copy and its clean book start from
CLOSE = 1e-7  # relative difference of values that count as equal
MOST_NAMED = 3  # cells of a line


@dataclass(frozen=True)
class Truth:
    """What is true of a book."""

    name: str
    verdict: str
    what: str
    cells: frozenset[Cell]
    kind: str = ""


@dataclass(frozen=True)
class Judgement:
    """What the audit makes of a book, held against the truth."""

    truth: Truth
    verdict: str
    blamed: frozenset[Cell]
    words: str
    seconds: float  # of a processor, without the copy
    is_copied: bool = False
    objection: str = ""  # what is wrong with the copy

    @property
    def is_told(self) -> bool:
        return self.verdict == self.truth.verdict

    @property
    def is_found(self) -> bool:
        """Whether a changed cell is blamed."""
        return bool(self.blamed & self.truth.cells)

    @property
    def is_exact(self) -> bool:
        """Whether no cell is blamed that is right."""
        return self.is_found and self.blamed <= self.truth.cells

    @property
    def is_condemned(self) -> bool:
        return self.truth.verdict == RIGHT and (bool(self.blamed) or self.verdict == WRONG)

    @property
    def is_good(self) -> bool:
        is_judged = self.is_told and (self.is_exact or self.truth.verdict != WRONG)
        return is_judged and not self.is_condemned and not self.objection


def main() -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--again", action="store_true", help="read corrected copies, too")
    parser.add_argument("--only", action="append", metavar="PATTERN", help="books by their names")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    _print_tables(_judged(options), options.again)


def _judged(options: Namespace) -> list[Judgement]:
    """Each book's judgement; those that aren't good are printed at once."""
    truths = [
        truth
        for truth in read_truths(options.folder)
        if not options.only or any(fnmatch(truth.name, one) for one in options.only)
    ]
    judgements: list[Judgement] = []
    with ProcessPoolExecutor(options.workers) as pool:
        for judgement in pool.map(partial(judge, options.folder, options.again), truths):
            judgements.append(judgement)
            if not judgement.is_good:
                print(_line(judgement), flush=True)
    return judgements


def read_truths(folder: Path) -> list[Truth]:
    """The truths of a folder, by name."""
    every = json.loads((folder / "truth.json").read_text("utf-8"))
    return [
        Truth(name, one["truth"], one["what"], _cells(one["cells"]), one.get("kind", ""))
        for name, one in sorted(every.items())
    ]


def _cells(areas: Iterable[str]) -> frozenset[Cell]:
    """The cells of areas such as 'My sheet'!Y8:Y37."""
    parts = (area.rpartition("!")[::2] for area in areas)
    return frozenset((title.strip("'"), *cell) for title, area in parts for cell in cells_of(area))


# One book ---------------------------------------------------------------------


def judge(folder: Path, with_copy: bool, truth: Truth) -> Judgement:
    """Have a book judged, and read its corrected copy."""
    path = folder / f"{truth.name}.xlsx"
    truth = replace(truth, cells=_with_whole_arrays(read_book(path), truth.cells))
    begun = process_time()
    report = report_on(path)
    seconds = process_time() - begun
    found = frozenset(blamed(report))
    judgement = Judgement(truth, report.verdict, found, _words(report), seconds)
    if not with_copy or not report.findings:
        return judgement
    (correction,) = corrections([report], lambda books: map(check_again, books))
    if not correction.content:
        return judgement
    with TemporaryDirectory() as place:
        copy = Path(place, "copy.xlsx")
        copy.write_bytes(correction.content)
        clean = folder / f"{truth.name.partition('__')[0]}.xlsx"
        why = objection(truth, path, copy, clean)
    return replace(judgement, is_copied=True, objection=why)


def _words(report: BookReport) -> str:
    found = [f"{f.sheet}!{f.cells} {f.kind}" for f in report.findings]
    notes = [note for sheet in report.sheets for note in sheet.notes]
    said = found or ([] if report.verdict == RIGHT else [*notes, *report.notes, report.problem])
    return "; ".join(filter(None, said)) or report.verdict


def objection(truth: Truth, wrong: Path, copy: Path, clean: Path) -> str:
    """Why a corrected copy isn't right; '' if it is."""
    before, after = read_book(wrong), read_book(copy)
    every = before.patterns.keys() | after.patterns.keys()
    changed = sorted(c for c in every if _written(before, c) != _written(after, c))
    others = [_named(after, c) for c in changed if place_of(after, c) not in truth.cells]
    if others:
        return f"the copy changes {_listed(others)}"
    if clean.stem == truth.name or not clean.exists():
        return ""
    try:
        differing = _differing(after, read_book(clean))
    except BudgetSpent:
        return "the copy is too large to be read"
    return f"the copy isn't the clean book in {_listed(differing)}" if differing else ""


def _with_whole_arrays(book: Book, cells: frozenset[Cell]) -> frozenset[Cell]:
    """Cells, and all others of the array formulas that they belong to."""
    arrays: dict[Cell, set[Cell]] = defaultdict(set)
    for address, (down, across) in Flow(book).places_in_arrays.items():
        title, row, column = cell = place_of(book, address)
        arrays[title, row - down, column - across].add(cell)
    return cells.union(*(whole for whole in arrays.values() if whole & cells))


def _written(book: Book, cell: Address) -> str:
    """A cell's content without blanks: a book reads formulas that differ in them as the same."""
    return book.content(cell).replace(" ", "")


def place_of(book: Book, cell: Address) -> Cell:
    ((row, column),) = cells_of(name_of(cell))
    return book.sheets[sheet_of(cell)].title, row, column


def _named(book: Book, cell: Address) -> str:
    return f"{book.sheets[sheet_of(cell)].title}!{name_of(cell)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _differing(copy: Book, clean: Book) -> list[str]:
    """The cells in which two books compute different values from the same random numbers."""
    flows = Flow(copy), Flow(clean)
    formulas = sorted(copy.patterns.keys() | clean.patterns.keys())
    typed = {
        cell: value
        for cell, value in clean.values.items()
        if isinstance(value, float) and cell not in clean.patterns and cell not in copy.patterns
    }
    differing: set[Address] = set()
    for world in range(WORLDS):
        numbers = _nudged(typed, random.Random(world), also_whole=world % 2 == 1)
        values = []
        for book, flow in zip((copy, clean), flows, strict=True):
            with budget_of_book():
                cells = Evaluation(book, flow, numbers=numbers)
                values.append([cells.value(cell) for cell in formulas])
        differing |= {c for c, a, b in zip(formulas, *values, strict=True) if not _is_same(a, b)}
    return [_named(clean, cell) for cell in sorted(differing)]


def _nudged(
    typed: Mapping[Address, float], draw: random.Random, also_whole: bool
) -> dict[Address, float]:
    """Typed numbers, each a little larger or smaller; whole ones, such as counters and labels, only
    in some of the worlds."""
    return {
        cell: value * draw.uniform(0.9, 1.1) + draw.uniform(-0.01, 0.01)
        for cell, value in sorted(typed.items())
        if also_whole or not value.is_integer()
    }


def _is_same(one: float, other: float) -> bool:
    return (isnan(one) and isnan(other)) or isclose(one, other, rel_tol=CLOSE, abs_tol=1e-12)


# Tables -----------------------------------------------------------------------


def _line(judgement: Judgement) -> str:
    truth = judgement.truth
    said = judgement.objection or judgement.words
    return f"{truth.name}: {truth.verdict} ({truth.what}), said {judgement.verdict}: {said[:300]}"


def _print_tables(judgements: Sequence[Judgement], with_copies: bool) -> None:
    wrong = [one for one in judgements if one.truth.verdict == WRONG]
    right = [one for one in judgements if one.truth.verdict == RIGHT]
    copied = [one for one in judgements if one.is_copied]
    seconds = [one.seconds for one in judgements]
    slowest = max(judgements, key=lambda one: one.seconds)
    rows = [
        ("verdict is true", sum(one.is_told for one in judgements), len(judgements)),
        ("wrong ones blamed in a changed cell", sum(one.is_found for one in wrong), len(wrong)),
        ("… and in no cell that is right", sum(one.is_exact for one in wrong), len(wrong)),
        ("right ones condemned", sum(one.is_condemned for one in right), len(right)),
    ]
    if with_copies:
        rows.append(("wrong ones with a corrected copy", len(copied), len(wrong)))
        rows.append(("copies that are right", sum(not c.objection for c in copied), len(copied)))
    for words, count, of in rows:
        print(f"{words:<40}{count:>5} of {of}")
    print(
        f"{'processor seconds':<40}{sum(seconds):>5.0f}, the slowest "
        f"{slowest.seconds:.1f} ({slowest.truth.name})"
    )
    kinds: dict[str, list[Judgement]] = defaultdict(list)
    for one in judgements:
        kinds[one.truth.kind].append(one)
    if len(kinds) > 1:
        print(f"\n{'kind':<40}{'books':>6}{'good':>6}")
        for kind, ones in sorted(kinds.items()):
            print(f"{kind:<40}{len(ones):>6}{sum(one.is_good for one in ones):>6}")


if __name__ == "__main__":
    main()
