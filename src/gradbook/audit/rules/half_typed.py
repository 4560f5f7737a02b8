"""Perceptrons in which a person decides whether to learn, typing 0 for samples that were right.

The typed numbers are replaced by a formula, IF(y=t,0,η·t·x), so that the training can be compared
with the rule; then each decision is compared with its row.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from gradbook.audit.findings import CHANGE, PASTED, WRONG, Finding, SheetReport, finding_in
from gradbook.audit.rules.perceptron import find_perceptrons
from gradbook.audit.rules.perceptron_findings import perceptron_report
from gradbook.audit.rules.perceptron_updates import bases, could_step
from gradbook.cells.book import Book
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import DOWN, LAST_ROW, ROW, Address, column_of, name_of, row_of
from gradbook.cells.formula.expression import EditKind
from gradbook.cells.formula.pattern import Pattern
from gradbook.language.message import Message

FORMULA = EditKind.FORMULA.value
FEWEST = 4  # rows
_DECISION = re.compile(r"(?<==)IF\([A-Z]+[0-9]+=[A-Z]+[0-9]+,0,(.*)\)$")
SHARE_OF_DECISIONS = 0.7  # of the decisions must be right to count as decisions
MOST_ROWS = 2_000  # rows to examine


@dataclass(frozen=True)
class TypedRow:
    """A sample's row: its weights, their changes, and its output."""

    weights: tuple[Address, ...]  # after the update
    changes: tuple[Address, ...]
    output: Address

    def at(self, column: int) -> Address:
        return self.output - column_of(self.output) + column

    def is_misjudged(self, book: Book, target: int) -> bool | None:
        """Whether the output differs from the target in this column; None if one is blank."""
        output, wanted = (book.values.get(cell) for cell in (self.output, self.at(target)))
        return None if output is None or wanted is None else output != wanted


def half_typed_reports(book: Book, flow: Flow) -> list[SheetReport]:
    """A report on each such training."""
    rows = list(_rows(book, flow))
    formulas: defaultdict[int, Counter[Pattern]] = defaultdict(Counter)
    for cell in (cell for row in rows for cell in row.changes if cell in book.patterns):
        formulas[column_of(cell)][book.patterns[cell]] += 1
    usual = {column: counts.most_common(1)[0][0] for column, counts in formulas.items()}
    columns = {column_of(cell) for row in rows for cell in row.changes}
    typed = sum(not book.patterns.keys() >= set(row.changes) for row in rows)
    if len(rows) < FEWEST or not 0 < typed < len(rows) or columns != usual.keys():
        return []
    named = (flow.mentioned_cells(usual[column_of(c)].places, c) for c in rows[0].changes)
    own = ({column_of(at) for at in cells if rows[0].at(column_of(at)) == at} for cells in named)
    learns = {
        row: any(cell in book.patterns or book.values.get(cell) != 0 for cell in row.changes)
        for row in rows
    }
    wrong = {
        target: [row for row in rows if learns[row] != row.is_misjudged(book, target)]
        for target in sorted(set.intersection(*own))
    }
    target = min(wrong, key=lambda column: len(wrong[column]), default=None)
    if target is None or len(wrong[target]) > (1 - SHARE_OF_DECISIONS) * len(rows):
        return []
    filled = _with_formulas(book, rows, target, usual)
    found = [perceptron_report(perceptron) for perceptron in find_perceptrons(filled, Flow(filled))]
    decisions = [f for row in wrong[target] for f in _findings(book, row, target, usual)]
    for first in found[:1]:
        plain = [  # with the formulas for rows in which the weights change
            replace(
                finding,
                expected=_DECISION.sub(r"\1", finding.expected),
                fixes={cell: _DECISION.sub(r"\1", fix) for cell, fix in finding.fixes.items()},
            )
            for finding in first.findings
        ]
        verdict = WRONG if decisions else first.verdict
        found[0] = replace(first, verdict=verdict, findings=(*plain, *decisions))
    return found


def _rows(book: Book, flow: Flow) -> Iterator[TypedRow]:
    """The rows in which several weights each become their previous value plus another cell."""
    found: defaultdict[Address, list[tuple[Address, Address, Address]]] = defaultdict(list)
    for cell, pattern in book.in_sight().items():
        pair = _sum_of_two(pattern, cell)
        if pair and flow.plain(pair[0]) & ~LAST_ROW == cell & ~LAST_ROW:
            found[cell - column_of(cell)].append((cell, *pair))
    for _, updates in sorted(found.items())[:MOST_ROWS]:
        cells, before, changes = zip(*updates, strict=True)
        sums = [c for c in flow.users.get(before[0], ()) if set(before) <= set(flow.sources(c))]
        users = (user for c in sums for user in flow.users.get(c, ()))
        outputs = [user for user in users if could_step(book.patterns[user])]
        if outputs:
            yield TypedRow(cells, changes, min(outputs))


def _sum_of_two(pattern: Pattern, cell: Address) -> tuple[Address, Address] | None:
    """The weight above and the cell added to it; None for any other formula."""
    ends = [end for place in bases(pattern) if (end := place.at(cell)) is not None]
    if len(ends) != 2 or len(pattern.places) != 2:
        return None
    above, beside = sorted(ends, key=row_of)
    return (above, beside) if row_of(above) + 1 == row_of(cell) == row_of(beside) else None


def _with_formulas(
    book: Book, rows: Iterable[TypedRow], target: int, usual: Mapping[int, Pattern]
) -> Book:
    """The workbook with decisions as formulas, and retyped weights as references to the last."""
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
        if pair and book.is_blank(pair[1]):  # a row that only repeats the weights
            patterns[cell] = pattern(name_of(pair[0]), cell)
    return replace(book, patterns=patterns, typed=typed)


def _findings(
    book: Book, row: TypedRow, target: int, usual: Mapping[int, Pattern]
) -> Iterator[Finding]:
    """The findings in a row in which the decision whether to learn was wrong."""
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
