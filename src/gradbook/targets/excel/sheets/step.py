"""One step as a sheet: named numbers of a graph with their formulas, the exact slopes beside them.

Knows no program and no network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from xlsxwriter.utility import xl_cell_to_rowcol, xl_range, xl_rowcol_to_cell

from gradbook.cells.formula.syntax import (
    INFIX,
    LONGEST_FORMULA,
    Call,
    Expression,
    Infix,
    Number,
    Prefix,
    Reference,
    binding,
    read,
    write,
)
from gradbook.errors import LimitError
from gradbook.graph.node import Node
from gradbook.language import mark, tr
from gradbook.palette import ACTIVATION, ERROR, GRADIENT, INPUT, WEIGHT, Colour
from gradbook.targets.excel.live import LiveValue, Value, when
from gradbook.targets.excel.plan.gradient_check import AGREES, DIFFERS
from gradbook.targets.excel.sheets.look import (
    BAD,
    PLAIN,
    SMALL,
    Look,
    Page,
    content_of,
    new_workbook,
)
from gradbook.targets.excel.spellings import Speller

LOSS = "loss"  # the name of its cell
SECTIONS = {  # by kind: its title and its colour
    "input": (mark("What the step begins with"), INPUT),
    "weight": (mark("Weights"), WEIGHT),
    "forward": (mark("Forward"), ACTIVATION),
    "loss": (mark("Loss"), ERROR),
    "backward": (mark("Backward, as the program does it"), GRADIENT),
    "update": (mark("Weights after the step"), WEIGHT),
}
HEAD_ROWS = 2
WHERE, LABEL, FIRST = 0, 1, 2  # columns
FEWEST_ACROSS, MOST_ACROSS = 5, 8  # columns of numbers; a longer list goes down
NEAR = 1e-6  # up to this share, a gradient is the slope
FEWEST_TERMS = 3  # of a sum that is written by ranges
CELL = re.compile(r"\b([A-Z]{1,3}\d+)\b")
OF_ARRAYS = re.compile(r"\b(?!(?:EXP|LN|SQRT|TANH|SIN|COS)\()[A-Z]+\(")  # not number by number

Cells = dict[Node, tuple[int, int]]
Rows = list[tuple[str, Sequence[Node]]]  # each with its label


@dataclass(frozen=True)
class NumberGrid:
    """The numbers that a name has in the step."""

    kind: str  # one of SECTIONS
    name: str
    text: str  # the line that computes it; empty of what comes from outside
    where: str  # which line it is
    nodes: Any  # an array of nodes
    exact: tuple[Node, ...] = ()  # the loss's slopes
    by: str = ""  # what these are the slopes by

    def rows(self, name: str, nodes: Sequence[Node]) -> Rows:
        """Each row's label, such as z1[0], and its nodes."""
        shape = self.nodes.shape if len(nodes) == self.nodes.size else (len(nodes),)
        is_row = len(shape) == 1 and shape[0] <= MOST_ACROSS
        across = shape[-1] if len(shape) > 1 or is_row else 1
        places = np.ndindex(shape[:-1] if len(shape) > 1 or is_row else shape)
        labels = [f"{name}[{', '.join(map(str, place))}]" if place else name for place in places]
        return [(each, nodes[k * across : (k + 1) * across]) for k, each in enumerate(labels)]


def step_content(
    grids: Sequence[NumberGrid], values: Mapping[Node, Value], file: str, number: int
) -> bytes:
    """The content of the workbook's file."""
    look = Look(new_workbook())
    remark = tr(
        "Change an input or a weight: everything follows. On the right is the loss's exact slope "
        "by each number; red numbers differ from it."
    )
    title = tr("{file}: step {number} of its training", file=file, number=number)
    ordered = [grid for kind in SECTIONS for grid in grids if grid.kind == kind]
    _StepSheet(look.sheet("Step", title, remark), look, values, {}, {}).write(ordered)
    return content_of(look.workbook)


@dataclass(frozen=True)
class _StepSheet(Page):
    values: Mapping[Node, Value]
    ours: Cells  # of what the program computes
    exact: Cells  # of what exact slopes are computed from

    def write(self, grids: Sequence[NumberGrid]) -> None:
        loss = next(grid for grid in grids if grid.kind == "loss")
        lefts = [grid.rows(grid.name, list(grid.nodes.flat)) for grid in grids]
        rights = [g.rows(f"∂{loss.name}/∂{g.by}", g.exact) if g.exact else [] for g in grids]
        across = max(FEWEST_ACROSS, *(len(row) for rows in (*lefts, *rights) for _, row in rows))
        second = FIRST + across + 1  # the column of the slopes' labels
        self.sheet.freeze_panes(HEAD_ROWS, FIRST)
        self.sheet.set_column(FIRST, second + across, 11)
        labels = ([each for rows in side for each, _ in rows] for side in (lefts, rights))
        texts = [[grid.where for grid in grids], *labels]
        for column, words in zip((WHERE, LABEL, second), texts, strict=True):
            self.sheet.set_column(column, column, 4 + max(map(len, words), default=0))
        row, kind, tops = HEAD_ROWS, "", list[int]()
        for grid, left, right in zip(grids, lefts, rights, strict=True):
            if grid.kind != kind:
                row, kind = row + 2, grid.kind
                title = tr(SECTIONS[kind][0])
                self.look.underlined(self.sheet, row - 1, WHERE, second + across + 1, title)
                if any(each.exact for each in grids if each.kind == kind):
                    self.sheet.write_string(row - 1, second, tr("Exact slopes"), self.look.section)
            if grid.text:
                self.sheet.write_string(row, WHERE, grid.where, self.look.remark)
                self.sheet.write_string(row, LABEL, grid.text, self.look.text)
            tops.append(row := row + bool(grid.text))
            _place(left, row, FIRST, self.ours)
            if kind not in ("backward", "update"):
                _place(left, row, FIRST, self.exact)
            _place(right, row, second + 1, self.exact)
            row += max(len(left), len(right))
        for grid, top, left, right in zip(grids, tops, lefts, rights, strict=True):
            if right and grid.kind == "backward":  # first: one rule alone colours a cell
                areas = _area(left, top, FIRST), _area(right, top, second + 1)
                self._compare(grid, (top - 1, second), *areas)
            self._rows(left, top, LABEL, self.ours, SECTIONS[grid.kind][1])
            self._rows(right, top, second, self.exact, GRADIENT)
        self.named(LOSS, *self.ours[loss.nodes[()]])

    def _rows(self, rows: Rows, top: int, left: int, cells: Cells, tint: Colour) -> None:
        """Write labels, and beside them numbers that may be changed, or formulas."""
        look = self.look.value(tint, SMALL if tint in (GRADIENT, ERROR) else PLAIN)
        for row, (label, nodes) in enumerate(rows, top):
            self.sheet.write_string(row, left, label, self.look.name(tint))
            self.look.plain_zeros(self.sheet, row, left + 1, 1, len(nodes))
            for column, node in enumerate(nodes, left + 1):
                value, home = self.values[node], (row, column)
                if not node.inputs and cells.get(node) == home:
                    self.sheet.write_number(row, column, value, self.look.changeable(tint))
                else:
                    self.live(row, column, LiveValue.at(_formula(node, cells, home), value), look)

    def _compare(self, grid: NumberGrid, at: tuple[int, int], ours: str, exact: str) -> None:
        """Say whether the program's gradient is the exact slope; colour what differs."""
        first, other = (cells.partition(":")[0] for cells in (ours, exact))
        left, right = ([self.values[n] for n in part] for part in (grid.nodes.flat, grid.exact))
        near = NEAR * np.linalg.norm(right) + NEAR**2
        is_near = LiveValue.at(
            f"SQRT(SUMPRODUCT(({first if ours == f'{first}:{first}' else ours}-{exact})^2))"
            f"<={NEAR}*SQRT(SUMSQ({exact}))+{NEAR**2}",
            bool(np.linalg.norm(np.subtract(left, right)) <= near),
        )
        self.verdict(*at, 1, when(is_near, tr(AGREES), tr(DIFFERS)))
        for zeros in ({"num_format": "0"}, {}):
            red = {"bg_color": BAD.fill, "font_color": BAD.ink, **zeros}
            look = self.look.workbook.add_format(red)
            rule = f"ABS({first}-{other})>{NEAR}*MAX(ABS({first}),ABS({other}))+{NEAR**2}"
            rule = f"=AND({first}=0,{rule})" if zeros else f"={rule}"
            self.sheet.conditional_format(
                ours, {"type": "formula", "criteria": rule, "format": look}
            )


def _place(rows: Rows, top: int, left: int, cells: Cells) -> None:
    """Give each number a cell that has none."""
    for row, (_, nodes) in enumerate(rows, top):
        for column, node in enumerate(nodes, left):
            cells.setdefault(node, (row, column))


def _area(rows: Rows, top: int, left: int) -> str:
    return str(xl_range(top, left, top + len(rows) - 1, left + len(rows[0][1]) - 1))


def _formula(node: Node, cells: Cells, home: tuple[int, int]) -> str:
    """The formula without its =; what has a cell elsewhere is referred to."""

    def refer(part: Node) -> Reference | None:
        return Reference(xl_rowcol_to_cell(*cells[part])) if part in cells else None

    speller = Speller(refer, lambda part: Reference(""))
    is_elsewhere = cells.get(node, home) != home
    text = write(with_ranges(speller.mention(node) if is_elsewhere else speller.formula(node)))
    if len(text) >= LONGEST_FORMULA:
        raise LimitError(f"a formula of the step has {len(text):,} characters: take fewer samples")
    return text


def with_ranges(expression: Expression) -> Expression:
    """The formula with SUM, SUMPRODUCT and MMULT of ranges in place of long sums."""
    match expression:
        case Infix("+", Number(0.0), right):
            return with_ranges(right)
        case Infix("+", left, right):
            first, terms = left, [write(right)]
            while isinstance(first, Infix) and first.operator == "+":
                terms.insert(0, write(first.right))
                first = first.left
                total = _total([write(first), *terms])
                if total is not None:
                    return total
            left, right = with_ranges(left), with_ranges(right)
            negative = _opposite(right)
            return Infix("-", left, negative) if negative else Infix("+", left, right)
        case Infix(sign, left, right):
            return Infix(sign, with_ranges(left), with_ranges(right))
        case Prefix(sign, operand):
            return _opposite(with_ranges(operand)) or Prefix(sign, with_ranges(operand))
        case Call(function, arguments):
            return Call(function, tuple(part and with_ranges(part) for part in arguments))
    return expression


def _opposite(product: Expression) -> Expression | None:
    """A product without the minus sign that it begins with."""
    text = write(product)
    return read(text[1:]) if text.startswith("-") and binding(product) > INFIX["+"] else None


def _total(terms: Sequence[str]) -> Expression | None:
    """The sum of terms that differ only in cells side by side."""
    pieces = [CELL.split(term) for term in terms]
    is_alike = len({tuple(each[::2]) for each in pieces}) == 1
    if len(terms) < FEWEST_TERMS or not is_alike or OF_ARRAYS.search(terms[0]):
        return None
    sides, parts = list[tuple[int, int]](), pieces[0].copy()
    for place in range(1, len(parts), 2):
        cells = [xl_cell_to_rowcol(each[place]) for each in pieces]
        if len(set(cells)) == 1:
            continue
        high, wide = (max(k) - min(k) + 1 for k in zip(*cells, strict=True))
        top, left = cells[0]
        if cells != [(top + k // wide, left + k % wide) for k in range(high * wide)]:
            return None
        sides.append((high, wide))
        parts[place] = xl_range(*cells[0], *cells[-1])
    term, is_product = "".join(parts), parts[::2] == ["", "*", ""] and len(sides) == 2
    ranges = tuple(Reference(part) for part in (parts[1::2] if is_product else [term]))
    if len(set(sides)) == 1:
        return Call("SUM" if len(parts) == 3 and not parts[0] else "SUMPRODUCT", ranges)
    if is_product and sorted(sides) == [(1, len(terms)), (len(terms), 1)]:
        return Call("MMULT", ranges if sides[0][0] == 1 else ranges[::-1])
    return None
