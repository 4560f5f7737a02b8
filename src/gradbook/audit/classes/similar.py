"""Books that are more alike than the rest of a class, with the evidence.

Whatever many books share comes from a template, a textbook or the task itself, and right formulas
in an exercise of ours could come from anybody: only wrong or typed cells count there. Whatever only
a few share is odd: a formula that hardly anybody else writes, start weights that only one student
was given. The report names the books and what they share, never who copied from whom.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import ceil

import numpy as np
from numpy.typing import NDArray

from gradbook.audit.findings import BookReport
from gradbook.audit.origin import Origin, shape_of
from gradbook.cells.formula.address import cells_of, name_of
from gradbook.language import mark
from gradbook.language.message import Message, message_count

FEW, FEWEST, MOST = 0.1, 2, 10  # share and counts of books: more common things aren't odd
SMALL = 6  # books; in a smaller class hardly anything is odd
ENOUGH, SHAPES = 3, 2  # odd formulas, and their shapes, that two books with equal numbers share
ENOUGH_ODD_FORMULAS = 8  # odd formulas that two books with other numbers share
MOST_OF_THEM = 0.75  # a share of the odd formulas of both
NEARLY_ALL = 0.9  # a share of all formulas of both, in a small class
NUMBER = re.compile(r"[0-9]{1,9}")  # an exercise's number
OWN_NUMBERS = 4  # odd numbers that a book needs to be recognised by its numbers
SHOWN = 3  # formulas to show
NONE = np.empty(0, np.int64)

Pair = tuple[int, int]
EXERCISES = mark("both are exercise {student}"), mark("all are exercise {student}")
BY = mark("both are by {student}"), mark("all are by {student}")
BEGAN = mark("both come from one file of {time}"), mark("all come from one file of {time}")
SAVED = mark("both were last saved by {name}"), mark("all were last saved by {name}")


@dataclass(frozen=True)
class Similar:
    """Books that are alike, and the evidence."""

    books: tuple[str, ...]
    evidence: tuple[str, ...]


def similar_books(reports: Sequence[BookReport]) -> list[Similar]:
    """Groups of books that are alike though their files differ, the largest first."""
    found = _Class(reports, [k for k, report in enumerate(reports) if report.origin.content])
    groups = sorted(_together(found.pairs), key=lambda group: (-len(group), group))
    told = []
    for group in groups:
        names = {report.book: report.fingerprint for report in found.reports_of(group)}
        if len(set(names.values())) > 1:
            told.append(Similar(tuple(names), tuple(found.evidence(group))))
    return told


class _Trace:
    """A book's features for comparing 100,000: formulas and numbers only as hashes."""

    __slots__ = "content", "created", "formulas", "numbers", "own_numbers", "saved_by", "student"

    def __init__(self, origin: Origin) -> None:
        self.student, self.content = origin.student, origin.content
        self.saved_by, self.created = origin.saved_by, origin.created
        self.numbers = hash(origin.numbers)
        has_own = len(origin.numbers) >= OWN_NUMBERS
        self.own_numbers = self.numbers if has_own else 0
        self.formulas = np.array([hash(formula) for formula in origin.formulas], np.int64)


@dataclass(frozen=True)
class _Class:
    reports: Sequence[BookReport]
    read: Sequence[int]  # the places of the readable ones

    @cached_property
    def traces(self) -> list[_Trace]:
        return [_Trace(self.reports[place].origin) for place in self.read]

    def reports_of(self, group: Iterable[int]) -> list[BookReport]:
        return [self.reports[self.read[number]] for number in group]

    @cached_property
    def few(self) -> int:
        return min(MOST, max(FEWEST, ceil(FEW * len(self.read))))

    def odd(self, said: str) -> Iterator[list[int]]:
        """Groups of books with the same value of a trace's field, if few books have that value."""
        found: defaultdict[object, list[int]] = defaultdict(list)
        for number, trace in enumerate(self.traces):
            found[getattr(trace, said)].append(number)
        for what, books in found.items():
            if what and 1 < len(books) <= self.few:
                yield books

    # Pairs ------------------------------------------------------------------

    @cached_property
    def pairs(self) -> set[Pair]:
        """The pairs of books that are alike."""
        return self._paired("student") | self._copied | self._of_one_hand

    def _paired(self, said: str) -> set[Pair]:
        return {pair for books in self.odd(said) for pair in combinations(books, 2)}

    @cached_property
    def _copied(self) -> set[Pair]:
        """Pairs with the same content, or with numbers that only one student was given."""
        same = self._paired("content")
        numbers = {pair for pair in self._paired("own_numbers") if self._has_own(pair[0])}
        if len(self.read) < SMALL:
            same = {pair for pair in same if self.traces[pair[0]].formulas.size}
            for one, other in numbers:
                a, b = (set(self.traces[k].formulas.tolist()) for k in (one, other))
                if len(a & b) / max(len(a | b), 1) >= NEARLY_ALL:
                    same.add((one, other))
            return same
        return numbers | {pair for pair in same if self.odd_formulas.count[pair[0]]}

    def _has_own(self, number: int) -> bool:
        """Whether a book has enough rare numbers; one that somebody changed isn't."""
        (report,) = self.reports_of([number])
        odd = sum(self._numbers[one] <= self.few for one in report.origin.numbers)
        return odd >= OWN_NUMBERS or len(self.read) < SMALL

    @cached_property
    def _numbers(self) -> Counter[str]:
        """Counts of books for each number in books whose numbers are all the same."""
        shared = {k for books in self.odd("own_numbers") for k in books}
        wanted = {n for report in self.reports_of(sorted(shared)) for n in report.origin.numbers}
        every = (self.reports[place].origin.numbers for place in self.read)
        return Counter(one for numbers in every for one in numbers & wanted)

    @cached_property
    def _of_one_hand(self) -> set[Pair]:
        """Pairs that share most of their odd formulas."""
        shared: defaultdict[Pair, list[int]] = defaultdict(list)
        for formula, books in self.odd_formulas.books.items():
            for pair in combinations(books, 2):
                shared[pair].append(formula)
        own = self.odd_formulas.count
        return {
            (one, other)
            for (one, other), formulas in shared.items()
            if len(formulas) >= MOST_OF_THEM * (own[one] + own[other] - len(formulas))
            and self._is_much(one, other, formulas)
        }

    def _is_much(self, one: int, other: int, formulas: Sequence[int]) -> bool:
        """Whether these are enough odd formulas of several kinds, not one repeated mistake."""
        same_numbers = self.traces[one].numbers == self.traces[other].numbers
        least = ENOUGH if same_numbers else ENOUGH_ODD_FORMULAS
        if len(formulas) < least:
            return False
        (report,) = self.reports_of([one])
        if len(_reasons(report, set(formulas))) < least:
            return False
        return len({shape_of(f) for f in report.origin.formulas if hash(f) in formulas}) >= SHAPES

    @cached_property
    def odd_formulas(self) -> _OddFormulas:
        """The formulas that few books have; none in a small class."""
        formulas = [trace.formulas for trace in self.traces]
        return _odd_formulas(formulas, self.few if len(self.read) >= SMALL else 0)

    # The evidence ---------------------------------------------------------

    def evidence(self, group: Sequence[int]) -> Iterator[str]:
        own, first = [self.traces[k] for k in group], self.reports_of(group[:1])[0].origin
        if _are_same(trace.content for trace in own):
            yield Message("the same numbers and formulas in every cell, in different files")
        elif _are_same(trace.own_numbers for trace in own):
            count = len(first.numbers)
            yield (
                Message("the same {count} numbers, which no other workbook has", count=count)
                if self._only(group, "own_numbers")
                else Message("the same {count} numbers", count=count)
            )
        books = self.odd_formulas.books
        formulas = [f for f in first.formulas if set(group) <= set(books.get(hash(f), ()))]
        if formulas:
            shown = "; ".join(first.formulas[formula] for formula in formulas[:SHOWN])
            more = " …" if len(formulas) > SHOWN else ""
            yield message_count(
                "{number} entry that hardly anyone else has: {formulas}",
                "{number} entries that hardly anyone else has: {formulas}",
                len(formulas),
                number=f"{len(formulas):,}",
                formulas=f"{shown}{more}",
            )
        several = len(group) > 2
        if _are_same(trace.student for trace in own):
            said = EXERCISES if NUMBER.fullmatch(first.student) else BY
            yield Message(said[several], student=first.student)
        if self._only(group, "created"):
            yield Message(BEGAN[several], time=first.created)
        if self._only(group, "saved_by"):
            yield Message(SAVED[several], name=first.saved_by)

    def _only(self, group: Sequence[int], said: str) -> bool:
        """Whether they have this field in common, and no other book of the class has it."""
        same = _are_same(getattr(self.traces[k], said) for k in group)
        count = self._counts[said][getattr(self.traces[group[0]], said)]
        return same and count == len(group) and len(self.read) > len(group)

    @cached_property
    def _counts(self) -> dict[str, Counter[object]]:
        """How many books have each value of a field."""
        asked = "own_numbers", "created", "saved_by"
        return {said: Counter(getattr(trace, said) for trace in self.traces) for said in asked}


def _reasons(report: BookReport, formulas: set[int]) -> set[object]:
    """The reasons for these formulas: one mistake in many columns is one reason."""
    mistakes = {
        (finding.sheet, name_of(cell)): (finding.kind, finding.edits)
        for finding in report.findings
        for cell in cells_of(finding.cells, 0)
    }
    found = set[object]()
    for formula, shown in report.origin.formulas.items():
        if hash(formula) in formulas:
            title, _, cell = shown.partition(" =")[0].rpartition("!")
            found.add(mistakes.get((title, cell), formula))
    return found


@dataclass(frozen=True)
class _OddFormulas:
    """Formulas that few books have."""

    count: list[int]  # how many each book has
    books: dict[int, list[int]]  # the books of each formula that several have


def _odd_formulas(formulas: Sequence[NDArray[np.int64]], few: int) -> _OddFormulas:
    """Find them as arrays of numbers, for a class of 100,000 has millions."""
    every, count = np.unique(np.concatenate([*formulas, NONE]), return_counts=True)
    is_odd, is_shared = count <= few, (count > 1) & (count <= few)
    found: defaultdict[int, list[int]] = defaultdict(list)
    counts = []
    for number, own in enumerate(formulas):
        places = np.searchsorted(every, own)
        counts.append(int(is_odd[places].sum()))
        for formula in own[is_shared[places]].tolist():
            found[formula].append(number)
    return _OddFormulas(counts, found)


def _are_same(said: Iterable[object]) -> bool:
    different = set(said)
    return len(different) == 1 and bool(*different)


def _together(pairs: set[Pair]) -> list[list[int]]:
    """Join pairs of books that are alike into groups."""
    group_of: dict[int, list[int]] = {}
    for pair in sorted(pairs):
        small, large = sorted((group_of.setdefault(k, [k]) for k in pair), key=len)
        if small is not large:
            large += small
            group_of |= dict.fromkeys(small, large)
    return [sorted(group) for group in {id(group): group for group in group_of.values()}.values()]
