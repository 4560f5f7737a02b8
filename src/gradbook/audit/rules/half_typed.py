"""Perceptrons of which a person decides whether to learn: 0 is typed where a sample was right.

What is typed is put into a formula, IF(y=t,0,η·t·x), so that the training can be held to the rule
like any other; then each decision is held against what its row shows.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
    sheet_of,
)
from gradbook.audit.formula.expression import EditKind
from gradbook.audit.formula.pattern import CellReference, Pattern
from gradbook.audit.rules.perceptron import find_perceptrons
from gradbook.audit.rules.perceptron_findings import perceptron_report
from gradbook.audit.rules.rule_form import could_step
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.language.message import Message
from gradbook.targets.excel.language import Infix

FORMULA = EditKind.FORMULA.value
FEWEST = 4  # rows
_DECISION = re.compile(r"(?<==)IF\([A-Z]+[0-9]+=[A-Z]+[0-9]+,0,(.*)\)$")
ENOUGH = 0.7  # of the decisions are right, or they are none
MOST = 2_000  # rows that are looked at


@dataclass(frozen=True)
class TypedRow:
    """A sample's row: what its weights were, by what they change, and what its output is."""

    weights: tuple[Address, ...]  # after the update
    changes: tuple[Address, ...]
    output: Address


def half_typed_reports(book: Book, flow: Flow) -> list[SheetReport]:
    """A report on each such training; none where there is nothing of the kind."""
    rows = list(_rows(book, flow))
    typed = [row for row in rows if any(c not in book.patterns for c in row.changes)]
    if len(rows) < FEWEST or not typed or len(typed) == len(rows):
        return []
    usual = _usual(book, rows)
    for target in _targets(book, rows, usual):
        said = [_decides_well(book, row, target) for row in rows]
        if sum(said) >= ENOUGH * len(rows):
            made = _with_formulas(book, rows, usual, target)
            found = [perceptron_report(p) for p in find_perceptrons(made, Flow(made))]
            if found:
                bad = [row for row, is_good in zip(rows, said, strict=True) if not is_good]
                return [_with_decisions(book, found[0], bad, usual, target), *found[1:]]
    return []


def _rows(book: Book, flow: Flow) -> Iterator[TypedRow]:
    """The rows in which several weights each become what they were plus another cell."""
    found: defaultdict[tuple[int, int], list[tuple[Address, Address, Address]]] = defaultdict(list)
    for cell, pattern in book.in_sight().items():
        pair = _sum_of_two(pattern, cell)
        if pair and flow.plain(pair[0]) & ~LAST_ROW == cell & ~LAST_ROW:
            found[sheet_of(cell), row_of(cell)].append((cell, *pair))
    for (sheet, row), updates in sorted(found.items())[:MOST]:
        before = {base for _, base, _ in updates}
        here = (c for c in book.patterns if sheet_of(c) == sheet and row_of(c) == row)
        sums = {c for c in here if before <= set(flow.sources(c))}
        outputs = sorted(
            user for c in sums for user in flow.users.get(c, ()) if could_step(book.patterns[user])
        )
        if sums and outputs:
            cells, _, changes = zip(*updates, strict=True)
            yield TypedRow(cells, changes, outputs[0])


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
    for row in rows:
        for cell in row.changes:
            if cell in book.patterns:
                found[column_of(cell)][book.patterns[cell]] += 1
    return {column: counts.most_common(1)[0][0] for column, counts in found.items()}


def _targets(book: Book, rows: Sequence[TypedRow], usual: Mapping[int, Pattern]) -> list[int]:
    """The columns that may hold targets: all changes of a row are made of them."""
    if any(column_of(cell) not in usual for row in rows for cell in row.changes):
        return []
    named = [
        {
            column_of(at)
            for place in usual[column_of(cell)].places
            if isinstance(place, CellReference)
            and (at := place.at(cell)) is not None
            and row_of(at) == row_of(cell)
        }
        for cell in rows[0].changes
    ]
    return sorted(set.intersection(*named))


def _target(row: TypedRow, column: int) -> Address:
    """The target that stands in a row."""
    return row.output - column_of(row.output) + column


def _decides_well(book: Book, row: TypedRow, target: int) -> bool:
    """Whether weights change where the output isn't the target, and only there."""
    values = [book.values.get(cell) for cell in (row.output, _target(row, target))]
    changes = any(cell in book.patterns or book.values.get(cell) != 0 for cell in row.changes)
    return None not in values and changes == (values[0] != values[1])


def _with_formulas(
    book: Book, rows: Sequence[TypedRow], usual: Mapping[int, Pattern], target: int
) -> Book:
    """The book with each decision as a formula, and each weight that is typed again carried on."""
    patterns, typed = dict(book.patterns), dict(book.typed)
    for row in rows:
        wanted = name_of(_target(row, target))
        for column, pattern in usual.items():
            cell = row.output - column_of(row.output) + column
            if cell in patterns and patterns[cell] is not pattern:
                continue
            said = pattern.text_at(cell)
            text = f"IF({name_of(row.output)}={wanted},0,{said})"
            typed[cell] = book.content(cell).removeprefix("=")
            patterns[cell] = book.reader.pattern(text, cell)
    for cell, pattern in book.patterns.items():
        pair = _sum_of_two(pattern, cell)
        if pair and book.is_blank(pair[1]):  # a row that only hands the weights on
            patterns[cell] = book.reader.pattern(name_of(pair[0]), cell)
    latest: dict[int, Address] = {}
    for weight in (cell for row in rows for cell in row.weights):
        start, last = weight - ROW, latest.get(weight & ~LAST_ROW)
        is_last = last is not None and book.values.get(start) == book.values.get(last)
        if last is not None and is_last and start not in patterns:
            patterns[start] = book.reader.pattern(name_of(last), start)
        latest[weight & ~LAST_ROW] = weight
    return replace(book, patterns=patterns, typed=typed)


def _with_decisions(
    book: Book,
    report: SheetReport,
    bad: Sequence[TypedRow],
    usual: Mapping[int, Pattern],
    target: int,
) -> SheetReport:
    """The report in the sheet's own formulas, with what is wrong about decisions."""
    report = replace(report, findings=tuple(map(_without_decision, report.findings)))
    findings = tuple(f for row in bad for f in _bad_decision(book, row, usual, target))
    if not findings:
        return report
    return replace(report, verdict=WRONG, findings=(*report.findings, *findings))


def _without_decision(finding: Finding) -> Finding:
    """A finding that offers what belongs there where weights change."""
    plain = {cell: _DECISION.sub(r"\1", formula) for cell, formula in finding.fixes.items()}
    return replace(finding, expected=_DECISION.sub(r"\1", finding.expected), fixes=plain)


def _bad_decision(
    book: Book, row: TypedRow, usual: Mapping[int, Pattern], target: int
) -> Iterator[Finding]:
    output, wanted = name_of(row.output), name_of(_target(row, target))
    is_right = book.values.get(row.output) == book.values.get(_target(row, target))
    for cell, weight in zip(row.changes, row.weights, strict=True):
        called = book.label(weight, DOWN) or name_of(weight)
        if is_right:
            right = book.reader.pattern("0", cell)
            why = Message(
                "{output} is {target} here, so no weight changes", output=output, target=wanted
            )
        else:
            right = usual[column_of(cell)]
            why = Message(
                "{output} isn't {target} here, so the weights change",
                output=output,
                target=wanted,
            )
        if book.content(cell) != (f"={right.text_at(cell)}" if not is_right else "0"):
            kind = PASTED if cell not in book.patterns else FORMULA
            yield finding_in(book, [cell], kind, f"{CHANGE}{called}", why, called, right)
