"""A sheet that keeps what it is told, by the words that xlsxwriter has for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from xlsxwriter.utility import xl_cell_to_rowcol

from gradbook.targets.excel.opendocument.charts import OpenChart
from gradbook.targets.excel.opendocument.styles import PageSetup, Properties

Area = tuple[int, int, int, int]  # first row, first column, last row, last column
Value = str | float | bool | None


class OpenCell(NamedTuple):
    """What stands in a cell: a value, a formula with what it comes to, or nothing but its look."""

    style: OpenFormat | None
    value: Value = None
    formula: str = ""
    link: str = ""


@dataclass(frozen=True, eq=False)
class OpenFormat:
    """A look of cells, which many share."""

    properties: Properties
    number: int


class OpenNote(NamedTuple):
    """A remark that a heading opens."""

    text: str
    options: Mapping[str, Any]


class OpenPicture(NamedTuple):
    """An image over the cells, from a cell on."""

    content: bytes
    options: Mapping[str, Any]


class OpenSheet:
    """One sheet, as it is told by whoever fills it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: dict[int, dict[int, OpenCell]] = defaultdict(dict)
        self.notes: dict[tuple[int, int], OpenNote] = {}
        self.over: dict[tuple[int, int], OpenChart | OpenPicture] = {}
        self.merged: dict[tuple[int, int], tuple[int, int]] = {}  # rows and columns
        self.rules: dict[Area, list[dict[str, Any]]] = defaultdict(list)
        self.asked: list[tuple[Area, dict[str, Any]]] = []  # what may be typed in
        self.widths: dict[int, float] = {}
        self.heights: dict[int, float] = {}
        self.breaks: dict[str, set[int]] = {"row": set(), "column": set()}
        self.repeated: dict[str, tuple[int, int]] = {}
        self.frozen: tuple[int, int] | None = None
        self.zoom = 100
        self.has_grid = True
        self.is_hidden = False
        self.page = PageSetup()

    # Cells -------------------------------------------------------------------

    def write_string(
        self, row: int, column: int, text: str, style: OpenFormat | None = None
    ) -> None:
        self.rows[row][column] = OpenCell(style, str(text) or None)

    def write_number(
        self, row: int, column: int, number: float, style: OpenFormat | None = None
    ) -> None:
        self.rows[row][column] = OpenCell(style, float(number))

    def write_blank(self, row: int, column: int, _: None, style: OpenFormat | None = None) -> None:
        self.rows[row][column] = OpenCell(style)

    def write_formula(
        self,
        row: int,
        column: int,
        formula: str,
        style: OpenFormat | None = None,
        value: Value = 0.0,
    ) -> None:
        told = value if isinstance(value, str | bool) or value is None else float(value)
        self.rows[row][column] = OpenCell(style, told, formula)

    def write(self, row: int, column: int, content: Value, style: OpenFormat | None = None) -> None:
        if content is None or content == "":
            self.write_blank(row, column, None, style)
        elif isinstance(content, str):
            self.write_string(row, column, content, style)
        else:
            self.write_number(row, column, content, style)

    def write_url(self, row: int, column: int, place: str, style: OpenFormat, words: str) -> None:
        """A link to another sheet of the book: internal:'Learning rates'!A1."""
        sheet, _, cell = place.removeprefix("internal:").rpartition("!")
        self.rows[row][column] = OpenCell(style, words, link=f"#{sheet}.{cell}")

    def merge_range(
        self, row: int, column: int, last: int, end: int, text: str, style: OpenFormat
    ) -> None:
        for y in range(row, last + 1):
            for x in range(column, end + 1):
                self.write_blank(y, x, None, style)
        self.merged[row, column] = (last - row + 1, end - column + 1)
        self.write(row, column, text, style)

    def write_comment(self, row: int, column: int, text: str, options: Mapping[str, Any]) -> None:
        self.notes[row, column] = OpenNote(text, options)

    def insert_chart(self, row: int, column: int, chart: OpenChart, _: object = None) -> None:
        self.over[row, column] = chart

    def insert_image(self, row: int, column: int, _: str, options: Mapping[str, Any]) -> None:
        content: bytes = options["image_data"].getvalue()
        self.over[row, column] = OpenPicture(content, options)

    # Rules -------------------------------------------------------------------

    def conditional_format(self, *told: Any) -> None:
        """Cells and the rule for them, the cells by four numbers or as A1:B2."""
        *place, rule = told
        self.rules[_area(place)].append(rule)

    def data_validation(self, *told: Any) -> None:
        *place, rule = told
        self.asked.append((_area(place), rule))

    # How it lies on screen and paper -----------------------------------------

    def set_column(self, first: int, last: int, width: float) -> None:
        self.widths |= dict.fromkeys(range(first, last + 1), width)

    def set_row(self, row: int, height: float) -> None:
        self.heights[row] = height

    def freeze_panes(self, row: int, column: int) -> None:
        self.frozen = row, column

    def set_zoom(self, per_cent: int) -> None:
        self.zoom = per_cent

    def hide(self) -> None:
        self.is_hidden = True

    def hide_gridlines(self, _: int) -> None:
        self.has_grid = False

    def ignore_errors(self, _: Mapping[str, str]) -> None:
        """LibreOffice marks no cells as doubtful."""

    def set_landscape(self) -> None:
        self.page.is_wide = True

    def set_portrait(self) -> None:
        self.page.is_wide = False

    def set_paper(self, number: int) -> None:
        self.page.paper = number

    def fit_to_pages(self, across: int, down: int) -> None:
        self.page.across, self.page.down, self.page.scale = across, down, None

    def set_print_scale(self, per_cent: int) -> None:
        self.page.scale = per_cent

    def set_margins(self, **inches: float) -> None:
        self.page.margins = inches

    def set_footer(self, words: str) -> None:
        self.page.footer = words

    def repeat_rows(self, first: int, last: int | None = None) -> None:
        self.repeated["row"] = first, first if last is None else last

    def repeat_columns(self, first: int, last: int) -> None:
        self.repeated["column"] = first, last

    def set_h_pagebreaks(self, rows: Sequence[int]) -> None:
        self.breaks["row"] = set(rows)

    def set_v_pagebreaks(self, columns: Sequence[int]) -> None:
        self.breaks["column"] = set(columns)


def _area(place: Sequence[Any]) -> Area:
    if len(place) == 4:
        first, left, last, right = map(int, place)
        return first, left, last, right
    begin, _, end = str(place[0]).partition(":")
    return *xl_cell_to_rowcol(begin), *xl_cell_to_rowcol(end or begin)
