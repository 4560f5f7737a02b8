"""The catalogue of mistakes, planted: each gives a spoilt table that marks the cells it spoilt."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from gradbook.cells.formula.pattern import move_formula as copied
from gradbook.cells.formula.syntax import Expression, Infix, read, write
from tests.audit.material.edits import EDITS
from tests.audit.material.made import Content, Table
from tests.audit.material.tables import (
    FIRST,
    TRAINING,
    Columns,
    all_values,
    leads_back,
    same_everywhere,
)

OTHER_SHEET = re.compile(r"(Training![A-Z]+)([0-9]+)")

Fault = Callable[[Columns, random.Random], Table | None]
Contents = dict[tuple[int, int], Content | None]


def planted(columns: Columns, contents: Contents) -> Table | None:
    """The table with other contents, those cells marked; None where that changes nothing."""
    found = columns.table.copy()
    for place, content in contents.items():
        found.sheets[columns.sheet].pop(place, None)
        if content is not None:
            found.sheets[columns.sheet][place] = content
    spots = frozenset((columns.sheet, *place) for place in contents)
    if not spots or leads_back(found, spots) or same_everywhere(columns.table, found, spots):
        return None
    found.marked |= spots
    return found


def _down(columns: Columns, column: int, formula: Expression, rows: Sequence[int]) -> Table | None:
    """A column with another formula, given for its first row."""
    text = write(formula)
    return planted(
        columns, {(row, column): "=" + in_row(columns, column, row, text) for row in rows}
    )


def in_row(columns: Columns, column: int, row: int, text: str) -> str:
    """The formula as it stands in another row: what it says of its own row moves, and what it
    says of Training moves as the column's own formula does."""
    first, here = columns.formula(FIRST, column), columns.formula(row, column)
    pairs = zip(OTHER_SHEET.finditer(first), OTHER_SHEET.finditer(here), strict=False)
    epoch = next((int(b[2]) - int(a[2]) for a, b in pairs), 0)
    pieces = OTHER_SHEET.split(text)
    found = copied(pieces[0], row - FIRST, 0)
    for k in range(1, len(pieces), 3):
        found += f"{pieces[k]}{int(pieces[k + 1]) + epoch}" + copied(pieces[k + 2], row - FIRST, 0)
    return found


# Inside a formula -----------------------------------------------------------------


def _in_column(of: Callable[[Columns], list[int]], edit: str) -> Fault:
    """A column of some kind, all of it with the same mistake."""

    def plant(columns: Columns, draw: random.Random) -> Table | None:
        options = of(columns)
        if not options:
            return None
        column = draw.choice(options)
        new = EDITS[edit](read(columns.formula(FIRST, column)), draw, columns)
        rows = columns.rows(column)
        if edit == "frozen":
            rows = rows[1:]
        if edit == "new value":
            rows = rows[:-1]
        return None if new is None else _down(columns, column, new, rows)

    return plant


def _gradients(columns: Columns) -> list[int]:
    return columns.gradients


def _deltas(columns: Columns) -> list[int]:
    return columns.deltas


def _sums(columns: Columns) -> list[int]:
    return columns.sums


def _activations(columns: Columns) -> list[int]:
    return columns.activations


def _errors(columns: Columns) -> list[int]:
    return columns.errors


def _one_row(columns: Columns, draw: random.Random) -> Table | None:
    options = columns.gradients + columns.forward
    if not options:
        return None
    column = draw.choice(options)
    row = draw.choice(columns.rows(column)[1:-1])
    edit = EDITS[draw.choice(["reference", "operator", "sign"])]
    new = edit(read(columns.formula(FIRST, column)), draw, columns)
    return None if new is None else _down(columns, column, new, [row])


def _update_in_forward(columns: Columns, draw: random.Random) -> Table | None:
    """An update pasted into one row of a forward column, as it lands there."""
    options = columns.forward
    if not options or columns.sheet != TRAINING:
        return None
    column, source = draw.choice(options), draw.choice(columns.weights)
    row = draw.choice(columns.rows(column)[1:])
    return planted(
        columns,
        {(row, column): copied(columns.formula(row, source), 0, column - source)},
    )


def _without_term(columns: Columns, draw: random.Random) -> Table | None:
    column = columns.names.get("E_total")
    expression = read(columns.formula(FIRST, column)) if column is not None else None
    if column is None or not (isinstance(expression, Infix) and expression.operator == "+"):
        return None
    left = expression.left if draw.random() < 0.5 else expression.right
    return _down(columns, column, left, columns.rows(column))


# Values over formulas ---------------------------------------------------------------


def _pasted(of: Callable[[Columns], list[int]], whole: float) -> Fault:
    """Numbers over formulas: in a cell or two, or now and then over the whole column."""

    def plant(columns: Columns, draw: random.Random) -> Table | None:
        options = of(columns)
        if not options:
            return None
        column = draw.choice(options)
        rows = columns.rows(column)
        if draw.random() < whole:
            values = all_values(columns.table)
            contents: Contents = {(row, column): values[columns.sheet, row, column] for row in rows}
            return planted(columns, contents)
        rows = rows[1:3] if draw.random() < 0.3 else [draw.choice(rows[1:-1])]
        return planted(columns, {(row, column): round(draw.uniform(0.1, 0.9), 6) for row in rows})

    return plant


def _stale(columns: Columns, draw: random.Random) -> Table | None:
    """A value that the file kept from before its formula, or what that is made of, was changed."""
    options = columns.gradients + columns.forward
    if not options:
        return None
    column = draw.choice(options)
    rows = draw.choice([columns.rows(column)[1:], [draw.choice(columns.rows(column))]])
    values = all_values(columns.table)
    spots = [(columns.sheet, row, column) for row in rows]
    if any(abs(values[spot]) < 1e-6 for spot in spots):
        return None
    by = draw.choice([0.5, 1.001, 3.0])
    old = {**values, **{spot: by * values[spot] for spot in spots}}
    return replace(columns.table.copy(), values=old, marked=frozenset(spots))


# Updates ----------------------------------------------------------------------------


def _update(change: Callable[[str, int], str | None], later: int = 0) -> Fault:
    """Every update of one weight spoilt; those before `later` happen to be right."""

    def plant(columns: Columns, draw: random.Random) -> Table | None:
        column = draw.choice(columns.weights)
        contents: Contents = {}
        for k, row in enumerate(columns.rows(column)[1:]):
            new = change(columns.formula(row, column), k)
            if new is None:
                return None
            if k >= later:
                contents[row, column] = new
        return planted(columns, contents)

    return plant


def _adds(formula: str, k: int) -> str | None:
    return formula.replace("-eta*", "+eta*") if "-eta*" in formula else None


def _drifts(formula: str, k: int) -> str | None:
    return formula.replace("eta*", f"Network!C{5 + k}*") if "-eta*" in formula else None


def _other_cell(formula: str, k: int) -> str | None:
    return formula.replace("eta*", "Network!$C$300*") if "-eta*" in formula else None


def _blank_rate(columns: Columns, draw: random.Random) -> Table | None:
    return planted(Columns(columns.table, "Network"), {(4, 2): None})


def _other_gradient(columns: Columns, draw: random.Random) -> Table | None:
    """An update that takes the gradient of another weight."""
    if len(columns.weights) < 2:
        return None
    column, other = draw.sample(columns.weights, 2)
    contents: Contents = {}
    for row in columns.rows(column)[1:]:
        own, theirs = columns.formula(row, column), columns.formula(row, other)
        head, times, _ = own.partition("-eta*")
        gradient = theirs.partition("-eta*")[2]
        if not times or not re.fullmatch("[A-Z]+[0-9]+", gradient):
            return None
        contents[row, column] = head + times + gradient
    return planted(columns, contents)


GRADIENT_EDITS = [name for name in EDITS if name != "activation"]
SUM_EDITS = ["pre-activation", "reference", "operator", "swapped", "blank", "frozen", "factor"]
FAULTS: dict[str, Fault] = {
    **{edit: _in_column(_gradients, edit) for edit in GRADIENT_EDITS},
    **{f"sum: {edit}": _in_column(_sums, edit) for edit in SUM_EDITS},
    **{f"delta: {edit}": _in_column(_deltas, edit) for edit in ("reference", "operator", "factor")},
    "activation": _in_column(_activations, "activation"),
    "error: one target": _in_column(_errors, "one target"),
    "error: number": _in_column(_errors, "number"),
    "one row": _one_row,
    "update in forward": _update_in_forward,
    "pasted gradient": _pasted(_gradients, 0.2),
    "pasted forward": _pasted(lambda columns: columns.forward, 0),
    "pasted forward column": _pasted(lambda columns: columns.forward, 1),
    "pasted weight": _pasted(lambda columns: columns.weights, 0),
    "stale value": _stale,
    "adds the gradient": _update(_adds),
    "drifting rate": _update(_drifts, later=1),
    "other rate": _update(_other_cell),
    "other gradient": _other_gradient,
    "loss without a term": _without_term,
    "blank rate": _blank_rate,
}
OF_TRAINING = {  # what has its place there even where the samples have a sheet of their own
    *("update in forward", "pasted weight", "adds the gradient", "drifting rate", "other rate"),
    *("other gradient", "loss without a term", "blank rate"),
}


__all__ = ["FAULTS", "OF_TRAINING"]
