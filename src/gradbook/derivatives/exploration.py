"""A result as a page computes it again, from numbers that are moved: lines, slopes, labels, looks.

The formulas between the numbers and the result become one graph, in which each cell is a named
node. Cells that are copies of each other, side by side, are one group: a row of years.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from math import floor, isfinite, log10

from gradbook.cells.book import Book
from gradbook.cells.formula.address import ROW, Address, column_of, name_of, sheet_of
from gradbook.cells.formula.expression import parts
from gradbook.cells.formula.syntax import Infix, Number, Reference
from gradbook.cells.number_formats import NumberFormat, number_formats
from gradbook.cells.slopes import Slopes
from gradbook.derivatives.labels import Known, label
from gradbook.derivatives.moved_cells import MovedCells
from gradbook.derivatives.public_book import Derivatives, bounded
from gradbook.derivatives.sensitivities import step_of
from gradbook.graph.node import Node
from gradbook.net.formula_reader import FormulaReader
from gradbook.net.formulas import Formulas
from gradbook.targets.page.lines import Line, write_linked

JUMPING = re.compile(
    r"\b(IF|IFS|IFERROR|SWITCH|CHOOSE|INDEX|MATCH|XMATCH|[VHX]?LOOKUP|OFFSET|INDIRECT|SUMIFS?|"
    r"COUNTIFS?|AVERAGEIFS?|M?ROUND|ROUNDUP|ROUNDDOWN|INT|TRUNC|FLOOR|CEILING|EVEN|ODD|QUOTIENT|"
    r"MOD|MIN|MAX|ABS|SIGN|MEDIAN|LARGE|SMALL|RANK|when|min|max|abs)\b(?=\()"
)
FEWEST_STEPS, MOST_STEPS = 10, 1_000  # of the last digit, in a number


@dataclass(frozen=True)
class ExploredValue:
    """A number that is moved, or a formula that follows."""

    label: str
    place: str  # the cell's name; '' in a text
    line: int  # of the table
    form: NumberFormat  # -1 decimals if its size decides
    formula: str = ""  # as it is written; '' of a number that is moved
    jumps: str = ""  # the function by which it may have no slope
    value: float = 0.0  # of a number that is moved, as are those below
    step: float = 0.0
    note: str = ""  # what a reader has to know of it
    is_header: bool = False  # such as Year 1, 2, 3: it comes last


@dataclass(frozen=True)
class ExploredGroup:
    """Cells that are shown as one."""

    label: str
    place: str
    values: tuple[int, ...]  # their places among inputs and formulas


@dataclass(frozen=True)
class Exploration:
    """A result, and all that it is computed from."""

    title: str
    inputs: tuple[ExploredValue, ...]  # the most sensitive first
    formulas: tuple[ExploredValue, ...]  # each after its sources; the last is the result
    groups: tuple[ExploredGroup, ...]
    lines: Sequence[Line]
    links: Sequence[tuple[int, int, int]]  # from, to, among inputs and formulas; their slope's line


# A workbook -----------------------------------------------------------------------


def exploration_of(derivatives: Derivatives) -> Exploration:
    """The exploration of a workbook's result."""
    with bounded(derivatives.result.book.path):
        return _ExploredBook(derivatives).exploration()


class _ExploredBook:
    """A workbook's result, and what a page has to know of each cell behind it."""

    def __init__(self, derivatives: Derivatives) -> None:
        self.book, self.path = derivatives.slopes.book, derivatives.result.book.path
        self.moved = MovedCells(derivatives.slopes)
        self.known = {entry.cell: entry for entry in derivatives.inputs}
        others = (cell for cell in self.moved.inputs if cell not in self.known)
        self.inputs = [*self.known, *others]
        self.cells = [*self.inputs, *self.moved.formulas]
        known: Known = {}
        self.labels = {cell: label(self.book, cell, known) for cell in self.cells}
        self.forms = _forms(derivatives, self.labels)
        self.table = write_linked([self.moved.nodes[cell] for cell in self.cells])

    def exploration(self) -> Exploration:
        return Exploration(
            self.path.name,
            tuple(map(self.input, self.inputs)),
            tuple(map(self.formula, self.moved.formulas)),
            tuple(_groups(self.book, self.cells, self.moved.formulas, self.labels)),
            self.table.lines,
            self.table.links,
        )

    def formula(self, cell: Address) -> ExploredValue:
        formula = self.book.formula(cell)
        return ExploredValue(
            label=self.labels[cell],
            place=self.book.name_of(cell),
            line=self.table.places[self.moved.nodes[cell]],
            form=self.forms[cell],
            formula=formula,
            jumps=_jumps(formula),
        )

    def input(self, cell: Address) -> ExploredValue:
        entry, value = self.known.get(cell), self.moved.value(cell)
        is_header = entry is not None and entry.header is not None
        is_count = entry is not None and entry.by_one
        is_whole = is_header or is_count or cell in self.moved.positions
        form, step = _steps(value, self.forms[cell], is_whole)
        note = entry.note if entry and (is_header or is_count) else ""
        known = replace(self.formula(cell), value=value, form=form, step=step, note=note)
        return replace(known, is_header=is_header)


def _jumps(formula: str) -> str:
    match = JUMPING.search(formula)
    return match[1] if match else ""


# Formulas as a text -----------------------------------------------------------------


def exploration_of_formulas(formulas: Formulas) -> Exploration:
    """The exploration of formulas that somebody typed."""
    reader = FormulaReader(formulas)
    result = reader.result()
    named = {node: str(node.name) for node in result.graph.nodes if node.name}
    order = sorted((node for node in named if node.inputs), key=lambda node: node.index)
    inputs = [node for node in named if not node.inputs]
    table = write_linked([*inputs, *order])

    def explored(node: Node) -> ExploredValue:
        name = named[node]
        formula = formulas.formulas.get(name, "")
        return ExploredValue(
            name, "", table.places[node], NumberFormat(-1), formula, _jumps(formula)
        )

    def moved(node: Node) -> ExploredValue:
        (value, *_) = formulas.numbers[named[node]]
        form, step = _steps(value, NumberFormat(-1), False)
        return replace(explored(node), value=value, form=form, step=step)

    return Exploration(
        formulas.name or f"{formulas.result} = {formulas.formulas[formulas.result]}",
        tuple(map(moved, inputs)),
        tuple(map(explored, order)),
        tuple(ExploredGroup(named[it], "", (k,)) for k, it in enumerate([*inputs, *order])),
        table.lines,
        table.links,
    )


# Groups -----------------------------------------------------------------------------


def _groups(
    book: Book, cells: Sequence[Address], formulas: Sequence[Address], labels: Mapping[Address, str]
) -> Iterator[ExploredGroup]:
    """Formulas side by side that are copies or share their label, and each other cell alone."""

    def is_copy(a: Address, b: Address) -> bool:
        return book.patterns[a] is book.patterns[b]

    def is_row(a: Address, b: Address) -> bool:
        return b == a + 1 and (is_copy(a, b) or labels[a] == labels[b] != "")

    rows = list(_runs(sorted(formulas), is_row))
    alone = [run[0] for run in rows if len(run) == 1]
    down = sorted(alone, key=lambda cell: (sheet_of(cell), column_of(cell), cell))
    runs = [run for run in rows if len(run) > 1]
    runs += _runs(down, lambda a, b: b == a + ROW and is_copy(a, b))
    runs += [[cell] for cell in cells if cell not in book.patterns]
    places = {cell: k for k, cell in enumerate(cells)}
    for run in runs:
        first, last = run[0], run[-1]
        pieces = [labels[cell].split(", ") for cell in run]
        shared = (piece for piece in pieces[0] if all(piece in other for other in pieces))
        called = labels[first] if first == last else ", ".join(shared)
        area = name_of(first) if first == last else f"{name_of(first)}:{name_of(last)}"
        title = book.sheets[sheet_of(first)].title
        yield ExploredGroup(called, f"{title} {area}", tuple(places[cell] for cell in run))


def _runs(
    cells: Sequence[Address], belongs: Callable[[Address, Address], bool]
) -> Iterator[list[Address]]:
    """The cells in runs, each of which belongs to the one before it."""
    run: list[Address] = []
    for cell in cells:
        if run and not belongs(run[-1], cell):
            yield run
            run = []
        run.append(cell)
    if run:
        yield run


# How numbers look ---------------------------------------------------------------------


def _forms(derivatives: Derivatives, labels: Mapping[Address, str]) -> dict[Address, NumberFormat]:
    """The cells' own formats; where there are none, percentages by their words and by the numbers
    to which they are added."""
    slopes, book = derivatives.slopes, derivatives.slopes.book
    known = dict(number_formats(book, derivatives.result.book.path, labels))
    values = {cell: slopes.cells.value(cell) for cell in labels}
    shares = {cell for cell, words in labels.items() if "%" in words} - known.keys()
    shares |= {cell for cell, form in known.items() if form.is_percent}
    shares |= set(_added_to_shares(slopes, shares)) - known.keys()
    for cell in labels:
        if cell not in known:
            is_share = cell in shares and abs(values[cell]) <= 1
            known[cell] = NumberFormat(-1, is_percent=is_share)
    return known


def _added_to_shares(slopes: Slopes, shares: Set[Address]) -> Iterator[Address]:
    """Cells that formulas add to a percentage or to 1, as they do with rates."""
    book = slopes.book
    for cell in slopes.order:
        expression = book.read_typed(cell).expression
        for part in parts(expression) if expression else ():
            if isinstance(part, Infix) and part.operator in ("+", "-"):
                sides = [_cell(book, side, cell) for side in (part.left, part.right)]
                if not shares.isdisjoint(sides) or Number(1.0) in (part.left, part.right):
                    yield from (side for side in sides if side and slopes.cells.of(side))


def _cell(book: Book, part: object, home: Address) -> Address | None:
    return book.reader.cell(part.text, home) if isinstance(part, Reference) else None


def _steps(value: float, form: NumberFormat, is_whole: bool) -> tuple[NumberFormat, float]:
    """How a number that is moved is shown, and its step: its last digit or, if there are too many
    or too few of those, one that suits its size."""
    if is_whole or form.is_date:
        return replace(form, decimals=0), 1.0
    times = 100 if form.is_percent else 1
    size = abs(value) * times if isfinite(value) else 0.0
    decimals = form.decimals
    if decimals < 0:
        decimals = max(len(f"{size:.10f}".rstrip("0").partition(".")[2]), int(form.is_percent))
    step = 10.0**-decimals
    if size and not FEWEST_STEPS <= size / step <= MOST_STEPS:
        step = step_of(size)
        decimals = max(decimals, -floor(log10(step)))
    return replace(form, decimals=decimals), float(f"{step / times:.10g}")
