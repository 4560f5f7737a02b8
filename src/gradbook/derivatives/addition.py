"""A workbook's package to which sheets with derivatives are added: their titles and formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import path as paths
from pathlib import Path

from gradbook.cells.book import Book, quote_title
from gradbook.cells.formula.address import Address, name_of, sheet_of
from gradbook.cells.patch import Patch, free_title
from gradbook.cells.slopes import Slopes
from gradbook.cells.styles import CellLook, Styles
from gradbook.errors import FileError, UsageError


def require_other_file(source: Path, out: Path) -> None:
    """Refuse a copy that has another ending than the workbook, or is the workbook itself."""
    if out.suffix.lower() != source.suffix.lower():
        raise UsageError(
            f"{out}: a copy of {source.name} is written with its own ending, {source.suffix}"
        )
    if out.exists() and paths.samefile(source, out):
        raise FileError(f"can't write {out}: the workbook is read from it: name another file")


@dataclass
class Addition:
    """A workbook's package to which sheets are added."""

    patch: Patch
    slopes: Slopes
    styles: Styles
    titles: list[str]  # of all sheets so far
    mirrors: dict[int, str] = field(default_factory=dict)  # by sheet: its mirror's title
    values: Mapping[Address, float] = field(default_factory=dict)

    @property
    def book(self) -> Book:
        return self.slopes.book

    def title(self, wanted: str) -> str:
        """An unused title, which is taken from now on."""
        title = free_title(wanted, self.titles)
        self.titles.append(title)
        return title

    def style(self, **look: object) -> str:
        """The number of a format."""
        return self.styles.format(CellLook(**{"down": "center", **look}))  # type: ignore[arg-type]

    def mirrored(self, cell: Address) -> str:
        """The name of the cell with the slope by a cell."""
        return f"{quote_title(self.mirrors[sheet_of(cell)])}!{name_of(cell)}"

    def slope(self, cell: Address) -> str:
        """The text of the slope by a cell in a formula."""
        on_the_way = cell == self.slopes.result or cell in self.slopes.terms
        return self.mirrored(cell) if on_the_way else "0"
