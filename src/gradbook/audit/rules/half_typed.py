"""Perceptrons of which a person decides whether to learn: 0 is typed where a sample was right.

What is typed is put into a formula, IF(y=t,0,η·t·x), so that the training can be held to the rule
like any other; then each decision is held against what its row shows.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gradbook.audit.findings import CHANGE, PASTED, WRONG, Finding, SheetReport, finding_in
from gradbook.audit.formula.address import (
    DOWN,
    LAST_ROW,
    ROW,
    Address,
    column_of,
    name_of,
    row_of,
)
from gradbook.audit.formula.expression import EditKind
from gradbook.audit.formula.pattern import CellReference, Pattern
from gradbook.audit.rules.perceptron import find_perceptrons
from gradbook.audit.rules.perceptron_findings import perceptron_report
from gradbook.audit.rules.updates import could_step
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.language.message import Message
from gradbook.targets.excel.language import Infix

FORMULA = EditKind.FORMULA.value
FEWEST = 4  # rows
_DECISION = re.compile(r"(?<==)IF\([A-Z]+[0-9]+=[A-Z]+[0-9]+,0,(.*)\)$")
ENOUGH = 0.7  # of the decisions are right, or they are none
MOST = 2_000  # rows that are looked at


def half_typed_reports(book: Book, flow: Flow) -> list[SheetReport]:
    """A report on each such training; none where there is nothing of the kind."""
    rows = list(_rows(book, flow))
    typed = sum(not book.patterns.keys() >= set(row.changes) for row in rows)
    if len(rows) < FEWEST or not 0 < typed < len(rows):
        return []
    usual = _usual(book, rows)
    for target in _targets(rows, usual):
        wrong = [row for row in rows if row.is_learnt_from(book) != row.is_misjudged(book, target)]
        if len(wrong) > (1 - ENOUGH) * len(rows):
            continue
        filled = _with_formulas(book, rows, target, usual)
        found = [perceptron_report(p) for p in find_perceptrons(filled, Flow(filled))]
        if found:
            findings = map(_without_decision, found[0].findings)
            decisions = [f for row in wrong for f in _findings(book, row, target, usual)]
            verdict = WRONG if decisions else found[0].verdict
            first = replace(found[0], verdict=verdict, findings=(*findings, *decisions))
            return [first, *found[1:]]
    return []


# Rows ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class TypedRow:
    """A sample's row: what its weights are, by what they change, and what its output is."""

    weights: tuple[Address, ...]  # after the update
    changes: tuple[Address, ...]
    output: Address

    def at(self, column: int) -> Address:
        return self.output - column_of(self.output) + column

    def is_learnt_from(self, book: Book) -> bool:
        return any(c in book.patterns or book.values.get(c) != 0 for c in self.changes)

    def is_misjudged(self, book: Book, target: int) -> bool | None:
        """Whether the output isn't the target, which is in some column; None where one is blank."""
        output, wanted = (book.values.get(cell) for cell in (self.output, self.at(target)))
        return None if output is None or wanted is None else output != wanted


def _rows(book: Book, flow: Flow) -> Iterator[TypedRow]:
    """The rows in which several weights each become what they were plus another cell."""
    found: defaultdict[Address, list[tuple[Address, Address, Address]]] = defaultdict(list)
    for cell, pattern in book.in_sight().items():
        pair = _sum_of_two(pattern, cell)
        if pair and flow.plain(pair[0]) & ~LAST_ROW == cell & ~LAST_ROW:
            found[cell - column_of(cell)].append((cell, *pair))
    for _, updates in sorted(found.items())[:MOST]:
        cells, before, changes = zip(*updates, strict=True)
        sums = [c for c in flow.users.get(before[0], ()) if set(before) <= set(flow.sources(c))]
        users = (user for c in sums for user in flow.users.get(c, ()))
        outputs = [user for user in users if could_step(book.patterns[user])]
        if outputs:
            yield TypedRow(cells, changes, min(outputs))


def _sum_of_two(pattern: Pattern, cell: Address) -> tuple[Address, Address] | None:
    """The weight above and what is added to it; None of any other formula."""
    form = pattern.form.expression if pattern.form else None
    if not isinstance(form, Infix) or form.operator != "+" or len(pattern.places) != 2:
        return None
    ends = [p.at(cell) if isinstance(p, CellReference) else None for p in pattern.places]
    above = [end for end in ends if end is not None and row_of(end) == row_of(cell) - 1]
    beside = [end for end in ends if end is not None and row_of(end) == row_of(cell)]
    return (above[0], beside[0]) if len(above) == len(beside) == 1 else None


def _usual(book: Book, rows: Sequence[TypedRow]) -> dict[int, Pattern]:
    """By what formula each column of changes is computed, where it is."""
    found: defaultdict[int, Counter[Pattern]] = defaultdict(Counter)
    for cell in (cell for row in rows for cell in row.changes if cell in book.patterns):
        found[column_of(cell)][book.patterns[cell]] += 1
    return {column: counts.most_common(1)[0][0] for column, counts in found.items()}


def _targets(rows: Sequence[TypedRow], usual: Mapping[int, Pattern]) -> list[int]:
    """The columns that may hold targets: all changes of a row are made of them."""
    if any(column_of(cell) not in usual for row in rows for cell in row.changes):
        return []
    named: list[set[int]] = []
    for cell in rows[0].changes:
        places = usual[column_of(cell)].places
        cells = [place.at(cell) for place in places if isinstance(place, CellReference)]
        named.append({column_of(c) for c in cells if c is not None and row_of(c) == row_of(cell)})
    return sorted(set.intersection(*named))


# Decisions ----------------------------------------------------------------------------


def _findings(
    book: Book, row: TypedRow, target: int, usual: Mapping[int, Pattern]
) -> Iterator[Finding]:
    """What is wrong in each cell of a row in which it was decided wrongly whether to learn."""
    here = {"output": name_of(row.output), "target": name_of(row.at(target))}
    learns = row.is_misjudged(book, target)
    why = (
        Message("{output} isn't {target} here, so the weights change", **here)
        if learns
        else Message("{output} is {target} here, so no weight changes", **here)
    )
    for cell, weight in zip(row.changes, row.weights, strict=True):
        name = book.label(weight, DOWN) or name_of(weight)
        right = usual[column_of(cell)] if learns else book.reader.pattern("0", cell)
        if book.content(cell) != (f"={right.text_at(cell)}" if learns else "0"):
            kind = FORMULA if cell in book.patterns else PASTED
            yield finding_in(book, [cell], kind, f"{CHANGE}{name}", why, name, right)


def _with_formulas(
    book: Book, rows: Iterable[TypedRow], target: int, usual: Mapping[int, Pattern]
) -> Book:
    """The book with each decision as a formula, and each weight that is typed again carried on."""
    patterns, typed, pattern = dict(book.patterns), dict(book.typed), book.reader.pattern
    latest: dict[int, Address] = {}
    for row in rows:
        is_right = f"{name_of(row.output)}={name_of(row.at(target))}"
        for column, change in usual.items():
            cell = row.at(column)
            if patterns.get(cell, change) is change:
                typed[cell] = book.content(cell).removeprefix("=")
                patterns[cell] = pattern(f"IF({is_right},0,{change.text_at(cell)})", cell)
        for weight in row.weights:
            start, last = weight - ROW, latest.get(weight & ~LAST_ROW)
            is_again = last is not None and book.values.get(start) == book.values.get(last)
            if last is not None and is_again and start not in patterns:
                patterns[start] = pattern(name_of(last), start)
            latest[weight & ~LAST_ROW] = weight
    for cell, said in book.patterns.items():
        pair = _sum_of_two(said, cell)
        if pair and book.is_blank(pair[1]):  # a row that only hands the weights on
            patterns[cell] = pattern(name_of(pair[0]), cell)
    return replace(book, patterns=patterns, typed=typed)


def _without_decision(finding: Finding) -> Finding:
    """A finding that offers what belongs there where weights change."""
    plain = {cell: _DECISION.sub(r"\1", formula) for cell, formula in finding.fixes.items()}
    return replace(finding, expected=_DECISION.sub(r"\1", finding.expected), fixes=plain)
