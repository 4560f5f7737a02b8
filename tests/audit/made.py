"""Workbooks for the audit to judge: small ones of random networks, re-laid as people lay them.

A `Table` is a book as plain cells: {sheet: {(row, column): number, text or "=formula"}}. The same
is made of a network's own workbook, moved, turned, renamed, and spoilt in one place.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from xlsxwriter import Workbook

from gradbook.audit.address import column_of, letters, row_of, sheet_of
from gradbook.audit.edits import rebuilt
from gradbook.audit.factors import factors, product
from gradbook.audit.pattern import inner
from gradbook.audit.read import read_book
from gradbook.net import parse
from gradbook.report.workbook import write_workbook
from gradbook.targets.excel.grammar import Expression, Infix, write
from gradbook.targets.excel.reader import read

Content = float | str
Cells = dict[tuple[int, int], Content]
KEPT = ("Network", "Training", "Samples")

REFERENCE = re.compile(
    r"(?:('(?:[^']|'')+'|[A-Za-z_][\w.]*)!)?(\$?)([A-Z]{1,3})(\$?)([1-9][0-9]{0,6})(?![\w(!])"
)


@dataclass
class Table:
    """A book as plain cells, and where its names point."""

    sheets: dict[str, Cells]
    names: dict[str, str] = field(default_factory=dict)

    def copy(self) -> Table:
        return Table({title: dict(cells) for title, cells in self.sheets.items()}, dict(self.names))

    def save(self, path: Path) -> Path:
        with Workbook(str(path)) as book:
            for title, cells in self.sheets.items():
                sheet = book.add_worksheet(title)
                for (row, column), content in cells.items():
                    if isinstance(content, str) and content.startswith("="):
                        sheet.write_formula(row, column, content)
                    else:
                        sheet.write(row, column, content)
            for name, where in self.names.items():
                book.define_name(name, f"={where}")
        return path


def table_of(text: str, epochs: int = 4) -> Table:
    """A network's own workbook as plain cells, but for the sheets that only show."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "book.xlsx")
        write_workbook(parse(text), path, epochs=epochs, rates=())
        book = read_book(path)
    sheets: dict[str, Cells] = {s.title: {} for s in book.sheets if s.title in KEPT}
    titles = [sheet.title for sheet in book.sheets]
    for cell in sorted(book.values.keys() | book.patterns.keys()):
        title = titles[sheet_of(cell)]
        if title in sheets:
            formula = book.formula(cell)
            value = book.values.get(cell, 0.0)
            shown = formula or (value if isinstance(value, str) else float(value or 0))
            sheets[title][row_of(cell), column_of(cell)] = shown
    used = {name: where for name, where in book.names.items() if "!" in where}
    kept = {
        name: where for name, where in used.items() if where.partition("!")[0].strip("'") in sheets
    }
    _leave_only_data(sheets["Network"])
    return Table(sheets, kept)


def _leave_only_data(cells: Cells) -> None:
    for place, content in list(cells.items()):
        if isinstance(content, str) and content.startswith("="):
            del cells[place]


# Moving -------------------------------------------------------------------------

Move = Callable[[str, int, int], tuple[str, int, int]]


def moved(table: Table, move: Move, turned: bool = False) -> Table:
    """Every cell elsewhere, and every formula with it."""
    found = Table({})
    for title, cells in table.sheets.items():
        for (row, column), content in cells.items():
            sheet, r, c = move(title, row, column)
            formula = isinstance(content, str) and content.startswith("=")
            shown = _followed(str(content), title, sheet, move, turned) if formula else content
            found.sheets.setdefault(sheet, {})[r, c] = shown
    for name, where in table.names.items():
        title = where.partition("!")[0].strip("'")
        shown = _followed(where, title, "", move, turned)
        found.names[name] = shown if "!" in shown else f"{title}!{shown}"
    return found


def _followed(formula: str, home: str, there: str, move: Move, turned: bool) -> str:
    last = [home, there]

    def follow(match: re.Match[str]) -> str:
        sheet = (match[1] or home).strip("'")
        before = formula[: match.start()]
        if before.endswith(":") and not match[1]:
            sheet = last[0]
        last[0] = sheet
        row, column = int(match[5]) - 1, _number(match[3])
        to, r, c = move(sheet, row, column)
        fix_column, fix_row = (match[4], match[2]) if turned else (match[2], match[4])
        prefix = "" if to == there or before.endswith(":") else f"'{to}'!"
        return f"{prefix}{fix_column}{letters(c)}{fix_row}{r + 1}"

    return REFERENCE.sub(follow, formula)


def _number(word: str) -> int:
    number = 0
    for letter in word:
        number = number * 26 + ord(letter) - 64
    return number - 1


def transposed(table: Table) -> Table:
    return moved(table, lambda sheet, row, column: (sheet, column, row), turned=True)


def offset(table: Table, down: int, right: int) -> Table:
    return moved(table, lambda sheet, row, column: (sheet, row + down, column + right))


def one_sheet(table: Table) -> Table:
    """Everything on one sheet, the tables beside each other."""
    width = 0
    starts: dict[str, int] = {}
    for title, cells in table.sheets.items():
        starts[title] = width
        width += max(column for _, column in cells) + 3
    return moved(table, lambda sheet, row, column: ("Sheet1", row, column + starts[sheet]))


def sheet_per_layer(table: Table) -> Table:
    """The columns of Training dealt over sheets."""

    def move(sheet: str, row: int, column: int) -> tuple[str, int, int]:
        return (
            (f"Part{column // 9}", row, column % 9) if sheet == "Training" else (sheet, row, column)
        )

    return moved(table, move)


def renamed(table: Table) -> Table:
    found = table.copy()
    for cells in found.sheets.values():
        for place, content in cells.items():
            if isinstance(content, str) and not content.startswith("="):
                cells[place] = content.replace("∂E/∂", "d").replace("E_total", "Err")
    return found


def without_headings(table: Table) -> Table:
    found = table.copy()
    for title, cells in found.sheets.items():
        found.sheets[title] = {
            place: content
            for place, content in cells.items()
            if not isinstance(content, str) or content.startswith("=")
        }
    return found


def shuffled(table: Table, draw: random.Random) -> Table:
    """Products with their factors in another order, each column in one."""
    found = table.copy()
    for cells in found.sheets.values():
        for place, content in cells.items():
            if isinstance(content, str) and content.startswith("="):
                seed = draw.getrandbits(30) if place[0] < 0 else place[1]
                cells[place] = "=" + write(_shuffled(read(content), random.Random(seed)))
    return found


def _shuffled(part: Expression, draw: random.Random) -> Expression:
    if isinstance(part, Infix) and part.operator == "*":
        split = factors(part)
        if split.sign > 0 and all(factor.above for factor in split.parts):
            order = list(split.parts)
            draw.shuffle(order)
            return product([f.__class__(_shuffled(f.part, draw), True) for f in order])
    return rebuilt(part, [_shuffled(piece, draw) for piece in inner(part)])


def without_names(table: Table) -> Table:
    """Cells instead of names, anchored."""
    found = table.copy()
    found.names = {}
    words = sorted(table.names, key=len, reverse=True)
    if not words:
        return found
    pattern = re.compile(r"(?<![\w.!])(" + "|".join(map(re.escape, words)) + r")(?![\w.(!])", re.I)
    for cells in found.sheets.values():
        for place, content in cells.items():
            if isinstance(content, str) and content.startswith("="):
                cells[place] = pattern.sub(lambda m: table.names[m[1].lower()], content)
    return found


STYLES: dict[str, Callable[[Table], Table]] = {
    "as written": lambda table: table,
    "no names": without_names,
    "transposed": transposed,
    "offset": lambda table: offset(without_names(table), 7, 5),
    "renamed": renamed,
    "no headings": without_headings,
    "other order": lambda table: shuffled(table, random.Random(1)),
    "one sheet": lambda table: one_sheet(without_names(table)),
    "sheet per layer": sheet_per_layer,
}


# Random networks ------------------------------------------------------------------


def random_network(draw: random.Random, samples: int = 1) -> str:
    """The text of a small network."""
    inputs = draw.randint(1, 3)
    lines = [f"input {inputs}"]
    for _ in range(draw.choice([0, 1, 1, 1, 2])):
        bias = draw.choice(["", " no bias", " no bias"])
        lines.append(f"dense {draw.randint(1, 3)}{bias}")
        lines.append(draw.choice(["sigmoid", "sigmoid", "tanh", "relu", "softplus"]))
    outputs = draw.randint(1, 3)
    lines.append(f"dense {outputs}{draw.choice(['', ' no bias'])}")
    ending = draw.choice(["half", "half", "mean", "binary", "cross"])
    if ending == "cross" and outputs > 1:
        lines += ["softmax", "loss cross-entropy"]
    elif ending == "binary":
        lines += ["sigmoid", "loss binary cross-entropy"]
    else:
        lines.append(draw.choice(["sigmoid", "tanh", "sigmoid"]))
        lines.append("loss half squared error" if ending == "half" else "loss mean squared error")
    lines.append(f"seed {draw.randint(1, 9999)}")
    for _ in range(samples):
        given = " ".join(f"{draw.uniform(0.1, 0.9):.2f}" for _ in range(inputs))
        if ending == "cross" and outputs > 1:
            hot = draw.randrange(outputs)
            wanted = " ".join(str(int(k == hot)) for k in range(outputs))
        else:
            wanted = " ".join(f"{draw.uniform(0.1, 0.9):.2f}" for _ in range(outputs))
        lines.append(f"sample {given} -> {wanted}")
    return "\n".join(lines)


@cache
def known_table(text: str, epochs: int = 4) -> Table:
    return table_of(text, epochs)
