"""Books of a class that are alike beyond what a class has in common, with the evidence.

What many have comes from a template, a textbook or the task itself. What only a few have is odd: a
formula that hardly anybody else writes so, start weights that one student alone was given. Told are
the books and what they share, never who had it of whom.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import ceil

from gradbook.audit.findings.findings import BookReport
from gradbook.audit.workbook.origin import Origin, shape_of

FEW, FEWEST, MOST = 0.1, 2, 10  # what more books than this share of a class have is nothing odd
SMALL = 6  # books: in a smaller class hardly anything is odd
ENOUGH, SHAPES = 3, 2  # odd formulas that two books share, if they share their numbers too
MANY = 8  # odd formulas that they share, whatever their numbers
MOST_OF_THEM = 0.75  # of the odd formulas of both
NEARLY_ALL = 0.9  # of all formulas of both, in a small class
OWN_NUMBERS = 4  # different numbers; with fewer a book has none of its own
SHOWN = 3  # formulas that are told

Pair = tuple[int, int]


@dataclass(frozen=True)
class Similar:
    """Books that are alike, and what speaks for that."""

    books: tuple[str, ...]
    evidence: tuple[str, ...]


def similar_books(reports: Sequence[BookReport]) -> list[Similar]:
    """Groups of books that are alike though their files differ, the largest first."""
    read = [report for report in reports if report.origin.content]
    found = _Class(read)
    groups = [sorted(group) for group in _together(found.pairs)]
    return [
        Similar(tuple(read[k].book for k in group), tuple(found.evidence(group)))
        for group in sorted(groups, key=lambda group: (-len(group), group))
        if len({read[k].fingerprint for k in group}) > 1
    ]


@dataclass(frozen=True)
class _Class:
    reports: Sequence[BookReport]

    @cached_property
    def origins(self) -> list[Origin]:
        return [report.origin for report in self.reports]

    @cached_property
    def few(self) -> int:
        return min(MOST, max(FEWEST, ceil(FEW * len(self.reports))))

    def odd(self, said: Callable[[Origin], object]) -> Iterator[list[int]]:
        """The books of which something is the same, where that is odd."""
        found: defaultdict[object, list[int]] = defaultdict(list)
        for number, origin in enumerate(self.origins):
            found[said(origin)].append(number)
        for what, books in found.items():
            if what and 1 < len(books) <= self.few:
                yield books

    # Pairs ------------------------------------------------------------------

    @cached_property
    def pairs(self) -> set[Pair]:
        """Two and two that are alike."""
        of_one_name = self._paired(lambda origin: origin.student)
        return of_one_name | self._copied | self._of_one_hand

    def _paired(self, said: Callable[[Origin], object]) -> set[Pair]:
        return {pair for books in self.odd(said) for pair in combinations(books, 2)}

    @cached_property
    def _copied(self) -> set[Pair]:
        """With the same content, or with numbers that only one student was given."""
        same = self._paired(lambda origin: origin.content)
        numbers = self._paired(_own_numbers)
        if len(self.reports) < SMALL:
            return same | {pair for pair in numbers if self._shared(*pair) >= NEARLY_ALL}
        return numbers | {pair for pair in same if self._has_odd_formulas(pair[0])}

    def _has_odd_formulas(self, number: int) -> bool:
        """Whether a book has anything that isn't everybody's."""
        return not self.odd_formulas.keys().isdisjoint(self.origins[number].formulas)

    def _shared(self, one: int, other: int) -> float:
        a, b = (self.origins[k].formulas.keys() for k in (one, other))
        return len(a & b) / max(len(a | b), 1)

    @cached_property
    def _of_one_hand(self) -> set[Pair]:
        """With the same odd formulas, and hardly an odd one that isn't the same."""
        shared: defaultdict[Pair, list[str]] = defaultdict(list)
        for formula, books in self.odd_formulas.items():
            for pair in combinations(books, 2):
                shared[pair].append(formula)
        own = Counter(k for books in self.odd_formulas.values() for k in books)
        return {
            (one, other)
            for (one, other), formulas in shared.items()
            if len(formulas) >= MOST_OF_THEM * (own[one] + own[other] - len(formulas))
            and self._is_much(one, other, formulas)
        }

    def _is_much(self, one: int, other: int, formulas: Sequence[str]) -> bool:
        """Several formulas of several kinds: one mistake, made in every column, is no evidence."""
        if len({shape_of(formula) for formula in formulas}) < SHAPES:
            return False
        same_numbers = self.origins[one].numbers == self.origins[other].numbers
        return len(formulas) >= (ENOUGH if same_numbers else MANY)

    @cached_property
    def odd_formulas(self) -> dict[str, list[int]]:
        """Formulas that few have, with who has them; none in a small class."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        if len(self.reports) >= SMALL:
            for number, origin in enumerate(self.origins):
                for formula in origin.formulas:
                    found[formula].append(number)
        return {formula: books for formula, books in found.items() if len(books) <= self.few}

    # What speaks for it -----------------------------------------------------

    def evidence(self, group: Sequence[int]) -> Iterator[str]:
        own = [self.origins[k] for k in group]
        both = "both" if len(group) == 2 else "all"
        if _are_same(origin.content for origin in own):
            yield "the same numbers and formulas in every cell, in different files"
        elif _are_same(map(_own_numbers, own)):
            alone = ", which no other book has" if self._only(group, _own_numbers) else ""
            yield f"the same {len(own[0].numbers)} numbers{alone}"
        formulas = [f for f, books in self.odd_formulas.items() if set(group) <= set(books)]
        if formulas:
            shown = "; ".join(own[0].formulas[formula] for formula in formulas[:SHOWN])
            more = " …" if len(formulas) > SHOWN else ""
            yield f"{len(formulas):,} formulas that hardly anyone else has: {shown}{more}"
        if _are_same(origin.student for origin in own):
            yield f"the name inside {both} is {own[0].student}"
        if self._only(group, lambda origin: origin.created):
            yield f"{both} began as one file, of {own[0].created}"
        if self._only(group, lambda origin: origin.saved_by):
            yield f"{both} were last saved by {own[0].saved_by}"

    def _only(self, group: Sequence[int], said: Callable[[Origin], object]) -> bool:
        """Whether they say the same, and nobody else does in a class that isn't small."""
        same = _are_same(said(self.origins[k]) for k in group)
        wanted = said(self.origins[group[0]])
        count = sum(said(origin) == wanted for origin in self.origins)
        return same and count == len(group) and len(self.reports) > len(group)


def _own_numbers(origin: Origin) -> frozenset[str]:
    return origin.numbers if len(origin.numbers) >= OWN_NUMBERS else frozenset()


def _are_same(said: Iterable[object]) -> bool:
    different = set(said)
    return len(different) == 1 and bool(*different)


def _together(pairs: set[Pair]) -> list[set[int]]:
    """Those that are alike two and two, together."""
    groups: list[set[int]] = []
    for pair in sorted(pairs):
        met = [group for group in groups if not group.isdisjoint(pair)]
        groups = [group for group in groups if group.isdisjoint(pair)]
        groups.append(set(pair).union(*met))
    return groups
