"""The mistakes people make, planted: each gives a spoilt table and the cells it spoilt."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradbook.audit.address import letters
from gradbook.audit.edits import at, places, put, regrouped, shortened
from gradbook.audit.pattern import moved as copied
from gradbook.audit.search import Trial
from gradbook.targets.excel.grammar import Expression, Infix, Number, Prefix, Reference, write
from gradbook.targets.excel.reader import read
from tests.audit.made import Content, Table

TRAINING = "Training"
HEADINGS = 3  # the row of Training that holds them, counted from 0
FIRST = 4
OTHER_SHEET = re.compile(r"(Training![A-Z]+)([0-9]+)")


@dataclass(frozen=True)
class Spoilt:
    """A table with one fault: its kind, and the sheet and cells where it is."""

    table: Table
    kind: str
    sheet: str
    cells: frozenset[tuple[int, int]]


class Columns:
    """The columns of Training by what they hold."""

    def __init__(self, table: Table, sheet: str = TRAINING) -> None:
        self.table = table
        self.sheet = sheet
        self.cells = table.sheets[sheet]
        self.names = {
            str(content): column
            for (row, column), content in self.cells.items()
            if row == HEADINGS and isinstance(content, str)
        }
        self.last = max(row for row, _ in self.cells)

    def starting(self, *stems: str) -> list[int]:
        return [c for name, c in self.names.items() if name.startswith(stems)]

    @property
    def gradients(self) -> list[int]:
        return [c for c in self.starting("∂E/∂w", "∂E/∂b", "g_w", "g_b") if self._computed(c)]

    def _computed(self, column: int) -> bool:
        formula = self.formula(FIRST, column)
        return formula.startswith("=") and "SUM(" not in formula and len(formula) > 4

    @property
    def weights(self) -> list[int]:
        return [c for c in self.starting("w", "b") if self.formula(FIRST + 1, c).startswith("=")]

    @property
    def forward(self) -> list[int]:
        return [c for c in self.starting("h", "a_h", "o", "a_o") if self._computed(c)]

    def formula(self, row: int, column: int) -> str:
        return str(self.cells.get((row, column), ""))

    def rows(self, column: int) -> list[int]:
        return [r for r in range(FIRST, self.last + 1) if (r, column) in self.cells]


def spoilt(table: Table, draw: random.Random) -> Spoilt | None:
    """The table with one mistake drawn from the catalogue; None where it has no place for it."""
    kind = draw.choice(list(FAULTS))
    columns = Columns(table)
    return FAULTS[kind](columns, draw, kind)


def _whole(
    columns: Columns, kind: str, column: int, formula: Expression, rows: list[int] | None = None
) -> Spoilt:
    """A column with another formula, given for its first row."""
    if same_value(read(columns.formula(FIRST, column)), formula):
        return None
    rows = columns.rows(column) if rows is None else rows
    found = columns.table.copy()
    text = write(formula)
    for row in rows:
        found.sheets[columns.sheet][row, column] = "=" + _in_row(columns, column, row, text)
    return Spoilt(found, kind, columns.sheet, frozenset((row, column) for row in rows))


def _in_row(columns: Columns, column: int, row: int, text: str) -> str:
    """The formula as it stands in another row: what it says of its own row moves, and what it
    says of Training moves as the column's own formula does."""
    first, here = columns.formula(FIRST, column), columns.formula(row, column)
    epoch = next(
        (
            int(b[2]) - int(a[2])
            for a, b in zip(OTHER_SHEET.finditer(first), OTHER_SHEET.finditer(here), strict=False)
        ),
        0,
    )
    pieces = OTHER_SHEET.split(text)
    found = copied(pieces[0], row - FIRST, 0)
    for k in range(1, len(pieces), 3):
        found += f"{pieces[k]}{int(pieces[k + 1]) + epoch}" + copied(pieces[k + 2], row - FIRST, 0)
    return found


def same_value(a: Expression, b: Expression) -> bool:
    """Whether two formulas say the same in other words."""

    def value(part: Expression) -> Any:
        return np.random.default_rng(abs(hash(write(part)))).uniform(0.2, 0.9, 8)

    with np.errstate(all="ignore"):
        x, y = Trial(a, value).whole, Trial(b, value).whole
    return bool(np.allclose(x, y, rtol=1e-9, atol=0))


def _edit(  # noqa: PLR0911, PLR0912, PLR0915 - a catalogue, one case a mistake
    expression: Expression, draw: random.Random, columns: Columns, kind: str
) -> Expression | None:
    parts = list(places(expression))
    references = [(p, x) for p, x in parts if isinstance(x, Reference) and "!" not in x.text]
    match kind:
        case "reference":
            if not references:
                return None
            path, old = draw.choice(references)
            others = [
                f"{letters(c)}{FIRST + 1}"
                for c in columns.starting("w", "h", "a_", "o", "i", "t")
                if isinstance(columns.cells.get((FIRST, c)), str)
            ]
            new = draw.choice(others or [old.text])
            return None if new == old.text else put(expression, path, Reference(new))
        case "swapped":
            different = list({x.text: (p, x) for p, x in references}.values())
            if len(different) < 2:
                return None
            (p, x), (q, y) = draw.sample(different, 2)
            return put(put(expression, p, y), q, x)
        case "operator":
            signs = [(p, x) for p, x in parts if isinstance(x, Infix) and x.operator in "+-*"]
            if not signs:
                return None
            path, part = draw.choice(signs)
            new = draw.choice([s for s in "+-*" if s != part.operator])
            return put(expression, path, Infix(new, part.left, part.right))
        case "parentheses":
            options = [e for e in regrouped(expression) if write(e) != write(expression)]
            return draw.choice(options) if options else None
        case "sign":
            return Prefix("-", expression)
        case "factor":
            options = [short for short, _ in shortened(expression)]
            return draw.choice(options) if options else None
        case "number":
            numbers = [(p, x) for p, x in parts if isinstance(x, Number)]
            if not numbers:
                return None
            path, part = draw.choice(numbers)
            return put(
                expression,
                path,
                Number(draw.choice([v for v in (1.0, 2.0, 0.5) if v != part.value])),
            )
        case "blank":
            if not references:
                return None
            return put(expression, draw.choice(references)[0], Reference(f"ZZ{FIRST + 1}"))
        case "text":
            if not references:
                return None
            return put(expression, draw.choice(references)[0], Reference(f"B${HEADINGS + 1}"))
        case "frozen":
            turning = {letters(c) for c in columns.weights + columns.forward}
            moving = [(p, x) for p, x in references if x.text.rstrip("0123456789") in turning]
            if not moving:
                return None
            path, part = draw.choice(moving)
            word = part.text.rstrip("0123456789")
            return put(expression, path, Reference(f"{word}${FIRST + 1}"))
        case "new value":
            weights = {letters(c) for c in columns.weights}
            own = [(p, x) for p, x in references if x.text.rstrip("0123456789") in weights]
            if not own:
                return None
            path, part = draw.choice(own)
            word = part.text.rstrip("0123456789")
            return put(expression, path, Reference(f"{word}{FIRST + 2}"))
    raise AssertionError(kind)


def _gradient(edit: str) -> Callable[[Columns, random.Random, str], Spoilt | None]:
    def plant(columns: Columns, draw: random.Random, kind: str) -> Spoilt | None:
        if not columns.gradients:
            return None
        column = draw.choice(columns.gradients)
        new = _edit(read(columns.formula(FIRST, column)), draw, columns, edit)
        rows = columns.rows(column)
        if edit == "frozen":
            rows = rows[1:]
        if edit == "new value":
            rows = rows[:-1]
        return None if new is None else _whole(columns, kind, column, new, rows)

    return plant


def _forward(edit: str) -> Callable[[Columns, random.Random, str], Spoilt | None]:
    def plant(columns: Columns, draw: random.Random, kind: str) -> Spoilt | None:
        sums = [c for c in columns.starting("o", "h") if c in columns.forward]
        if not sums:
            return None
        column = draw.choice(sums)
        expression = read(columns.formula(FIRST, column))
        if edit == "pre-activation":
            cells = {letters(c): name for name, c in columns.names.items()}
            back = {
                f"{letters(c)}": letters(columns.names[name[2:]])
                for c, name in ((c, n) for n, c in columns.names.items())
                if name.startswith("a_h") and name[2:] in columns.names
            }
            options = [
                (p, x)
                for p, x in places(expression)
                if isinstance(x, Reference) and x.text.rstrip("0123456789") in back
            ]
            if not options or not cells:
                return None
            path, part = draw.choice(options)
            word = part.text.rstrip("0123456789")
            new: Expression | None = put(
                expression, path, Reference(back[word] + part.text[len(word) :])
            )
        else:
            new = _edit(expression, draw, columns, edit)
        return None if new is None else _whole(columns, kind, column, new)

    return plant


def _one_row(columns: Columns, draw: random.Random, kind: str) -> Spoilt | None:
    options = columns.gradients + columns.forward
    if not options:
        return None
    column = draw.choice(options)
    row = draw.choice(columns.rows(column)[1:-1])
    base = read(copied(columns.formula(FIRST, column), 0, 0))
    new = _edit(base, draw, columns, draw.choice(["reference", "operator", "sign"]))
    return None if new is None else _whole(columns, kind, column, new, [row])


def _pasted(which: str) -> Callable[[Columns, random.Random, str], Spoilt | None]:
    def plant(columns: Columns, draw: random.Random, kind: str) -> Spoilt | None:
        options = {
            "gradient": columns.gradients,
            "forward": columns.forward,
            "weight": columns.weights,
        }[which]
        if not options:
            return None
        column = draw.choice(options)
        rows = columns.rows(column)[1:]
        rows = (
            [draw.choice(rows[:-1] or rows)]
            if which != "gradient" or draw.random() < 0.5
            else rows[:2]
        )
        found = columns.table.copy()
        for row in rows:
            found.sheets[columns.sheet][row, column] = round(draw.uniform(0.1, 0.9), 6)
        return Spoilt(found, kind, columns.sheet, frozenset((row, column) for row in rows))

    return plant


def _update(
    change: Callable[[str, int, int, random.Random, Columns], Content | None],
) -> Callable[[Columns, random.Random, str], Spoilt | None]:
    def plant(columns: Columns, draw: random.Random, kind: str) -> Spoilt | None:
        column = draw.choice(columns.weights)
        rows = columns.rows(column)[1:]
        found = columns.table.copy()
        for k, row in enumerate(rows):
            new = change(columns.formula(row, column), k, row, draw, columns)
            if new is None:
                return None
            found.sheets[TRAINING][row, column] = new
        spoilt_rows = rows[1:] if kind == "drifting rate" else rows
        return Spoilt(found, kind, TRAINING, frozenset((row, column) for row in spoilt_rows))

    return plant


def _adds(formula: str, k: int, row: int, draw: random.Random, columns: Columns) -> Content | None:
    return formula.replace("-eta*", "+eta*") if "-eta*" in formula else None


def _drifts(
    formula: str, k: int, row: int, draw: random.Random, columns: Columns
) -> Content | None:
    return formula.replace("eta*", f"Network!C{5 + k}*") if "-eta*" in formula else None


def _other_cell(
    formula: str, k: int, row: int, draw: random.Random, columns: Columns
) -> Content | None:
    return formula.replace("eta*", "Network!$C$300*") if "-eta*" in formula else None


def _without_term(columns: Columns, draw: random.Random, kind: str) -> Spoilt | None:
    column = columns.names.get("E_total")
    if column is None:
        return None
    expression = read(columns.formula(FIRST, column))
    if not (isinstance(expression, Infix) and expression.operator == "+"):
        return None
    left = expression.left if draw.random() < 0.5 else expression.right
    return _whole(columns, kind, column, left)


def _blank_rate(columns: Columns, draw: random.Random, kind: str) -> Spoilt | None:
    found = columns.table.copy()
    del found.sheets["Network"][4, 2]
    return Spoilt(found, kind, "Network", frozenset({(4, 2)}))


FAULTS: dict[str, Callable[[Columns, random.Random, str], Spoilt | None]] = {
    "reference": _gradient("reference"),
    "swapped": _gradient("swapped"),
    "operator": _gradient("operator"),
    "parentheses": _gradient("parentheses"),
    "sign": _gradient("sign"),
    "factor": _gradient("factor"),
    "number": _gradient("number"),
    "blank": _gradient("blank"),
    "text": _gradient("text"),
    "frozen": _gradient("frozen"),
    "new value": _gradient("new value"),
    "pre-activation": _forward("pre-activation"),
    "forward reference": _forward("reference"),
    "one row": _one_row,
    "pasted gradient": _pasted("gradient"),
    "pasted forward": _pasted("forward"),
    "pasted weight": _pasted("weight"),
    "adds the gradient": _update(_adds),
    "drifting rate": _update(_drifts),
    "other rate": _update(_other_cell),
    "loss without a term": _without_term,
    "blank rate": _blank_rate,
}


def cells_of(words: str) -> Iterator[tuple[int, int]]:
    """Z33:Z100,AA5 as rows and columns."""
    from gradbook.audit.address import column_number

    for part in words.split(","):
        first, _, last = part.partition(":")
        corners = []
        for corner in (first, last or first):
            word = corner.rstrip("0123456789")
            corners.append((int(corner[len(word) :]) - 1, column_number(word)))
        (top, left), (bottom, right) = corners
        yield from ((r, c) for r in range(top, bottom + 1) for c in range(left, right + 1))


__all__ = ["FAULTS", "Spoilt", "at", "cells_of", "spoilt"]
