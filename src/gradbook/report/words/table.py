"""Tables of words and whole numbers: for a terminal, as Markdown, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Cell = str | int | None

RULE, GAP = "─", "  "


def thousands(cell: Cell) -> str:
    """12,345; nothing where there is nothing."""
    return "" if cell is None else f"{cell:,}" if isinstance(cell, int) else cell


@dataclass(frozen=True)
class Column:
    """A heading, how its cells are spelled, and how soon the column goes where space is short."""

    title: str
    key: str  # the heading where a program reads
    words: bool = False  # stand left, as words do; numbers stand right
    spell: Callable[[Cell], str] = thousands
    spare: int = 0  # the highest go first; 0 stays


@dataclass(frozen=True)
class Table:
    """Columns, a row of cells for each thing, and a last row that sums up."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] = ()

    @property
    def spelled(self) -> list[tuple[str, ...]]:
        """The rows, and the total if there is one, in words."""
        rows = [*self.rows, self.total] if self.total else list(self.rows)
        return [tuple(c.spell(x) for c, x in zip(self.columns, row, strict=True)) for row in rows]

    def without(self, place: int) -> Table:
        """The table less one column."""

        def less(row: Sequence[Cell]) -> tuple[Cell, ...]:
            return tuple(cell for k, cell in enumerate(row) if k != place)

        columns = tuple(column for k, column in enumerate(self.columns) if k != place)
        return Table(columns, tuple(map(less, self.rows)), less(self.total))


def fitted(table: Table, width: int) -> tuple[Table, tuple[str, ...]]:
    """The table with as many columns as the width holds, and the titles of those left out."""
    left_out: list[str] = []
    while sum(_widths(table)) + len(GAP) * (len(table.columns) - 1) > width:
        spare = [column.spare for column in table.columns]
        if not any(spare):
            break
        place = spare.index(max(spare))
        left_out.insert(0, table.columns[place].title)
        table = table.without(place)
    return table, tuple(left_out)


def text(table: Table) -> str:
    """For a terminal: a rule under the headings, another above the total."""
    widths = _widths(table)

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.ljust(width) if column.words else cell.rjust(width)
            for cell, width, column in zip(cells, widths, table.columns, strict=True)
        )
        return GAP.join(padded).rstrip()

    rule = RULE * (sum(widths) + len(GAP) * (len(widths) - 1))
    lines = [line([column.title for column in table.columns]), rule, *map(line, table.spelled)]
    if table.total:
        lines.insert(-1, rule)
    return "\n".join(lines) + "\n"


def markdown(table: Table) -> str:
    """For a page on a code host; the total stands in bold."""
    sides = [":--" if column.words else "--:" for column in table.columns]
    rows = table.spelled
    if table.total:
        rows[-1] = tuple(f"**{cell}**" if cell else "" for cell in rows[-1])
    lines = [[column.title for column in table.columns], sides, *rows]
    return "".join("| " + " | ".join(map(_unpiped, line)) + " |\n" for line in lines)


def comma_separated(table: Table) -> str:
    """For programs: keys as headings, plain numbers, no total."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow([column.key for column in table.columns])
    writer.writerows(["" if cell is None else cell for cell in row] for row in table.rows)
    return made.getvalue()


def _widths(table: Table) -> list[int]:
    rows = [tuple(column.title for column in table.columns), *table.spelled]
    return [max(map(len, cells)) for cells in zip(*rows, strict=True)]


def _unpiped(cell: str) -> str:
    return cell.replace("|", r"\|")
