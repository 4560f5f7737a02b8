"""Workbooks of random networks as plain cells, to be re-laid, spoilt and saved."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from xlsxwriter import Workbook

from gradbook.cells.formula.address import column_number, column_of, row_of, sheet_of
from gradbook.cells.read import read_book
from gradbook.net import parse
from gradbook.report.workbook import write_workbook

Content = float | str
Cells = dict[tuple[int, int], Content]
Spot = tuple[str, int, int]  # sheet, row, column
KEPT = ("Network", "Training", "Samples")
OLD_VALUES = b' fullCalcOnLoad="1"'  # without it, a file's values are what its program left


def cells_of(words: str) -> list[tuple[int, int]]:
    """Z33:Z100,AA5 as rows and columns."""
    found: list[tuple[int, int]] = []
    for part in words.split(","):
        first, _, last = part.partition(":")
        corners = []
        for corner in (first, last or first):
            word = corner.rstrip("0123456789")
            corners.append((int(corner[len(word) :]) - 1, column_number(word)))
        (top, left), (bottom, right) = corners
        found += [(r, c) for r in range(top, bottom + 1) for c in range(left, right + 1)]
    return found


@dataclass
class Table:
    """A book as plain cells, where its names point, and which of its cells are wrong.

    Its formulas' values are None while it has none: whoever opens it computes them.
    """

    sheets: dict[str, Cells]
    names: dict[str, str] = field(default_factory=dict)
    marked: frozenset[Spot] = frozenset()
    values: Mapping[Spot, float] | None = None

    def copy(self) -> Table:
        sheets = {title: dict(cells) for title, cells in self.sheets.items()}
        return Table(sheets, dict(self.names), self.marked, self.values)

    def save(self, path: Path) -> Path:
        with Workbook(str(path)) as book:
            for title, cells in self.sheets.items():
                sheet = book.add_worksheet(title)
                for (row, column), content in cells.items():
                    value = self.values.get((title, row, column), 0) if self.values else 0
                    if not isinstance(content, str) or content[:1] not in "={":
                        sheet.write(row, column, content)
                    elif content.startswith("{"):
                        area, _, formula = content[1:-1].partition("=")
                        sheet.write_array_formula(area, f"{{={formula}}}", value=value)
                        for r, c in cells_of(area)[1:] if self.values else ():
                            sheet.write(r, c, self.values[title, r, c])
                    else:
                        sheet.write_formula(row, column, content, value=value)
            for name, where in self.names.items():
                book.define_name(name, f"={where}")
        if self.values is not None:
            _keep_its_values(path)
        return path


def _keep_its_values(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert OLD_VALUES in parts["xl/workbook.xml"]
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(OLD_VALUES, b"")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


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
    names = {
        name: where
        for name, where in book.names.items()
        if "!" not in name and where.partition("!")[0].strip("'") in sheets
    }
    _leave_only_data(sheets["Network"])
    return Table(sheets, names)


def _leave_only_data(cells: Cells) -> None:
    for place, content in list(cells.items()):
        if isinstance(content, str) and content.startswith("="):
            del cells[place]


@cache
def known_table(text: str, epochs: int = 4) -> Table:
    return table_of(text, epochs)


# Random networks ------------------------------------------------------------------


def random_network(draw: random.Random, samples: int = 1) -> str:
    """The text of a small network."""
    inputs, outputs = draw.randint(1, 3), draw.randint(1, 3)
    ending = draw.choice(["half", "half", "half", "mean", "binary", "cross"])
    hot = ending == "cross" and outputs > 1
    lines = [f"input {inputs}"]
    for _ in range(draw.choice([0, 1, 1, 1, 2])):
        lines.append(f"dense {draw.randint(1, 3)}{_bias(draw)}")
        lines.append(draw.choice(["sigmoid", "sigmoid", "tanh", "relu", "softplus", "leaky relu"]))
    lines.append(f"dense {outputs}{_bias(draw)}")
    lines += _ending(draw, ending, hot)
    lines.append(draw.choice([*["update descent"] * 7, "update momentum 0.9", "decay 0.01"]))
    lines.append(f"seed {draw.randint(1, 9999)}")
    for _ in range(samples):
        given = " ".join(f"{draw.uniform(0.1, 0.9):.2f}" for _ in range(inputs))
        one = draw.randrange(outputs)
        wanted = [
            str(int(k == one)) if hot else f"{draw.uniform(0.1, 0.9):.2f}" for k in range(outputs)
        ]
        lines.append(f"sample {given} -> {' '.join(wanted)}")
    return "\n".join(lines)


def _bias(draw: random.Random) -> str:
    return draw.choice(["", "", " no bias", " no bias", " no bias", " shared bias"])


def _ending(draw: random.Random, ending: str, hot: bool) -> list[str]:
    """The last activation, and a loss that goes with it."""
    if hot:
        return ["softmax", "loss cross-entropy"]
    if ending == "binary":
        return ["sigmoid", "loss binary cross-entropy"]
    loss = "half" if ending == "half" else "mean"
    return [draw.choice(["sigmoid", "sigmoid", "tanh"]), f"loss {loss} squared error"]
