"""The appearance of the sheets: fills, fonts, number formats, charts, and their common parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from string import Formatter
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.chart import Chart
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.utility import quote_sheetname, xl_rowcol_to_cell, xl_rowcol_to_cell_fast
from xlsxwriter.worksheet import CellFormulaTuple, Worksheet

from gradbook.files import said_plainly
from gradbook.folders import temporary_folder
from gradbook.graph.names import Name
from gradbook.language import tr
from gradbook.palette import GRADIENT, MEMORY, PAPER, QUIET, RATE, Colour, colour_of
from gradbook.targets.excel.live import LiveValue
from gradbook.targets.excel.plan.cell_layout import cell_value
from gradbook.targets.excel.plan.gradient_check import AGREES, DIFFERS, NO_NUMBER, OPEN, SUMMARIES

PLAIN = "0.000000"
SMALL = "[>=0.0001]0.000000;[<=-0.0001]-0.000000;0.00E+00"  # tiny numbers keep their digits
SMALL_IN_FULL = "[>=0.0001]0.0000000000;[<=-0.0001]-0.0000000000;0.00000E+00"
WHOLE = "0"
GIVEN_DIGITS = {"k": WHOLE, "i": "General", "t": "General"}
GOOD = Colour("agrees", "#D5F2DA", "#00602A", "", "")
BAD = Colour("differs", "#FBD9D6", "#9A1C1C", "", "")
TO_DO = Colour("to fill in", "#FFF6BF", "#6B5200", "", "")
FONT = "Calibri"
Kinds = Sequence[tuple[str, Colour]]
NO_MISTAKES = (
    "formula_differs",
    "formula_range",
    "empty_cell_reference",
    "eval_error",
    "number_stored_as_text",  # a student's number
)


AS_TEXT = {"strings_to_urls": False, "strings_to_formulas": False}  # even if a name looks like one


class _Content(BytesIO):
    """An abandoned workbook closes its zip file when it is garbage-collected, perhaps after this
    object; if this were closed by then, that would print an error.
    """

    def close(self) -> None:
        """Do nothing: there is only memory to release."""


def new_workbook() -> Workbook:
    workbook = Workbook(_Content(), AS_TEXT)
    workbook.worksheet_class = FormulaSheet
    return workbook


def content_of(workbook: Workbook) -> bytes:
    """The finished file. A temporary folder holds the sheets, since large ones fill the memory."""
    with temporary_folder() as folder, said_plainly("write to", folder):
        workbook.tmpdir = str(folder)
        try:
            workbook.close()
        except FileCreateError as error:
            raise error.args[0] from error
    content: BytesIO = workbook.filename
    return content.getvalue()


class FormulaSheet(Worksheet):  # type: ignore[misc]
    """A sheet that writes formulas unchanged.

    Ours contain no functions that need a prefix, and searching for them takes most of the time.
    Most cells are a formula with a number and a format, for which much else needn't be asked.
    """

    def write_formula(
        self, row: int, col: int, formula: str, cell_format: Format, value: float | str = 0
    ) -> int:
        beyond: int = self._check_dimensions(row, col)
        if not beyond:
            self.table[row][col] = CellFormulaTuple(formula.removeprefix("="), cell_format, value)
        return beyond

    def _write_cell(self, row: int, col: int, cell: Any) -> None:
        if not (isinstance(cell, CellFormulaTuple) and isinstance(cell.value, float)):
            super()._write_cell(row, col, cell)
            return
        place, style = xl_rowcol_to_cell_fast(row, col), cell.format._get_xf_index()
        formula = self._escape_data(cell.formula)
        self.fh.write(f'<c r="{place}" s="{style}"><f>{formula}</f><v>{cell.value}</v></c>')


class Look:
    """The formats of one workbook, each created once."""

    def __init__(self, workbook: Workbook) -> None:
        self.workbook = workbook
        self._made: dict[frozenset[tuple[str, Any]], Format] = {}

    def style(self, **properties: Any) -> Format:
        key = frozenset(properties.items())
        if key not in self._made:
            usual = {"font_name": FONT, "font_color": PAPER.ink, "valign": "vcenter"}
            self._made[key] = self.workbook.add_format({**usual, **properties})
        return self._made[key]

    def sheet(
        self,
        name: str,
        title: str,
        remark: str,
        left: int = 0,
        repeated: tuple[int, int] | None = None,
    ) -> Worksheet:
        """Add a sheet with its title and a remark below it."""
        sheet = self.workbook.add_worksheet(name)
        page(sheet, repeated)
        sheet.write_string(0, left, title, self.title)
        sheet.write_string(1, left, remark, self.remark)
        sheet.set_row(0, 28 if left else 26)
        return sheet

    def underlined(self, sheet: Worksheet, row: int, column: int, across: int, title: str) -> None:
        """Write a section's title, with a line below it across this many columns."""
        sheet.write_string(row, column, title, self.section)
        for place in range(column + 1, column + across):
            sheet.write_blank(row, place, None, self.section)

    @property
    def title(self) -> Format:
        return self.style(bold=True, font_size=18)

    @property
    def section(self) -> Format:
        return self.style(bold=True, font_size=12, bottom=1, bottom_color=QUIET.ink)

    @property
    def text(self) -> Format:
        return self.style()

    @property
    def remark(self) -> Format:
        return self.style(font_color=QUIET.ink)

    def heading(self, colour: Colour, **more: Any) -> Format:
        return self.style(
            bold=True,
            align="center",
            bg_color=colour.fill,
            font_color=colour.ink,
            bottom=1,
            bottom_color=colour.ink,
            **more,
        )

    def name(self, colour: Colour) -> Format:
        """The format of a quantity's name before its value."""
        return self.style(bold=True, bg_color=colour.fill, font_color=colour.ink, indent=1)

    def value(self, colour: Colour, digits: str = PLAIN, **more: Any) -> Format:
        return self.style(
            bg_color=colour.fill,
            num_format=digits,
            bottom=4,
            bottom_color=QUIET.fill,
            **more,
        )

    @property
    def count(self) -> Format:
        """The format of an epoch's or a sample's number."""
        return self.value(PAPER, WHOLE, align="center")

    def changeable(self, colour: Colour, digits: str = "General") -> Format:
        """The format of a cell that users may change."""
        return self.style(
            bg_color="#FFFFFF",
            bold=True,
            font_color=colour.ink,
            num_format=digits,
            border=2,
            border_color=colour.ink,
            align="center",
        )

    def to_fill_in(self, digits: str = PLAIN) -> Format:
        return self.style(bg_color=TO_DO.fill, num_format=digits, border=4, border_color=TO_DO.ink)

    def verdict(self) -> Format:
        return self.style(bold=True, align="center")

    def plain_zeros(self, sheet: Worksheet, top: int, left: int, rows: int, across: int) -> None:
        """Show zero as 0 and not as 0.00E+00."""
        zero = self.workbook.add_format({"num_format": "0"})
        rule = {"type": "cell", "criteria": "==", "value": 0, "format": zero}
        sheet.conditional_format(top, left, top + rows - 1, left + across - 1, rule)

    def colour_verdicts(self, sheet: Worksheet, cells: str, kinds: Kinds | None = None) -> None:
        """Set a colour for each word that the cells may contain; the first match counts."""
        if kinds is None:  # those of the verdicts on gradients
            colours = {DIFFERS: BAD, OPEN: TO_DO, NO_NUMBER: TO_DO, AGREES: GOOD}
            kinds = [(tr(word), colour) for word, colour in colours.items()]
        for word, colour in kinds:
            painted = self.workbook.add_format({"bg_color": colour.fill, "font_color": colour.ink})
            rule = {"type": "text", "criteria": "containing", "value": word, "format": painted}
            sheet.conditional_format(cells, {**rule, "stop_if_true": True})


@dataclass(frozen=True)
class Page:
    """A sheet to write, with what several sheets have in common."""

    sheet: Worksheet
    look: Look

    def live(self, row: int, column: int, content: LiveValue, style: Format) -> None:
        """Write a formula and its result."""
        value = content.value
        shown = value if isinstance(value, str) else cell_value(value)
        self.sheet.write_formula(row, column, content.formula, style, shown)

    def headings(self, row: int, column: int, headings: Iterable[tuple[str, Colour]]) -> None:
        """Write words side by side, each in its colour."""
        for place, (words, tint) in enumerate(headings, column):
            self.sheet.write_string(row, place, tr(words), self.look.heading(tint))

    def counted(self, row: int, column: int, most: int) -> None:
        """Write the numbers from 1, below each other."""
        for place in range(most):
            self.sheet.write_number(row + place, column, place + 1, self.look.count)

    def named(self, name: str, row: int, column: int) -> None:
        """Give a cell a name."""
        cell = xl_rowcol_to_cell(row, column, row_abs=True, col_abs=True)
        self.look.workbook.define_name(name, f"={quote_sheetname(self.sheet.get_name())}!{cell}")

    def asked(
        self,
        row: int,
        column: int,
        words: str,
        value: float,
        name: str,
        rule: dict[str, object] | None = None,
        tint: Colour = RATE,
    ) -> None:
        """Write a label, and beside it a cell that users may change."""
        self.sheet.write_string(row, column, words, self.look.name(tint))
        self.sheet.write_number(row, column + 1, value, self.look.changeable(tint))
        self.named(name, row, column + 1)
        if rule:
            self.sheet.data_validation(row, column + 1, row, column + 1, rule)

    def verdict(
        self, row: int, column: int, across: int, content: LiveValue, kinds: Kinds | None = None
    ) -> None:
        """Write a verdict in bold, in the colour of its words."""
        style = self.look.verdict()
        if across > 1:
            self.sheet.merge_range(row, column, row, column + across - 1, "", style)
        self.live(row, column, content, style)
        self.look.colour_verdicts(self.sheet, xl_rowcol_to_cell(row, column), kinds)


def colour(name: Name | None) -> Colour:
    """The colour of a value's kind."""
    return colour_of(name.stem, owned=name.of is not None) if name else QUIET


def number_format(name: Name | None) -> str:
    """The number format of a value."""
    if name is not None and name.stem in GIVEN_DIGITS:
        return GIVEN_DIGITS[name.stem]
    small = colour(name) in (GRADIENT, MEMORY) or (name is not None and name.stem == "E")
    return SMALL if small else PLAIN


def page(sheet: Worksheet, repeated: tuple[int, int] | None = None, high: int = 0) -> None:
    """Set up printing: landscape, one page wide, with these rows repeated on each page."""
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, high)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    page_of = tr("page {page} of {pages}", page="&P", pages="&N")
    sheet.set_footer(f"&L&8&F, &A&R&8{page_of}")
    sheet.hide_gridlines(2)
    sheet.ignore_errors(dict.fromkeys(NO_MISTAKES, "A1:XFD1048576"))
    if repeated is not None:
        sheet.repeat_rows(*repeated)


def summary_kinds() -> Kinds:
    """For each summary, its colour and words that no summary of another colour contains."""
    colours = {AGREES: GOOD, DIFFERS: BAD, OPEN: TO_DO, NO_NUMBER: TO_DO}
    messages = [(tr(message), colours[kind]) for message, kind in SUMMARIES.items()]
    kinds = []
    for message, tint in messages:
        others = [other for other, colour in messages if colour is not tint]
        between_names = (words.strip() for words, *_ in Formatter().parse(message))
        pieces = sorted(filter(None, between_names), key=len, reverse=True)
        telling = (piece for piece in pieces if not any(piece in other for other in others))
        kinds.append((next(telling, pieces[0]), tint))
    return kinds


def one_of(most: int, wrong: str, message: str, title: str) -> dict[str, object]:
    """The rule for a cell with a number, and the message about other values."""
    return {
        "validate": "integer",
        "criteria": "between",
        "minimum": 1,
        "maximum": most,
        "error_title": wrong,
        "error_message": message,
        "input_title": title,
        "input_message": tr("1 to {last}", last=most),
    }


def an_epoch(epochs: int) -> dict[str, object]:
    """The rule for a cell with an epoch, which must be in the table."""
    message = tr("The table has the epochs 1 to {last}.", last=epochs)
    return one_of(epochs, tr("No such epoch"), message, tr("Epoch"))


# Charts of an error over the epochs, on a logarithmic axis -------------------

LOWEST_SHOWN = 1e-12  # or an error of almost 0 would squeeze the other curves together


@dataclass(frozen=True)
class ChartCurve:
    """One line: the cells of its values, of its epochs, and of its name (or the name itself)."""

    values: str
    epochs: str
    colour: str
    name: str


def loss_chart(
    look: Look, curves: Sequence[ChartCurve], title: str, epochs: int, lowest: float
) -> Chart:
    """`lowest` is the smallest error at first; the part of a curve below the axis isn't drawn."""
    chart = look.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    for curve in curves:
        line = {"color": curve.colour, "width": 2.25 if len(curves) == 1 else 1.75}
        cells = {"name": curve.name, "categories": curve.epochs, "values": curve.values}
        chart.add_series({**cells, "line": line})
    font = {"color": PAPER.ink, "size": 9, "bold": False}
    axis = {"num_font": font, "name_font": font, "line": {"color": QUIET.ink}, "crossing": "min"}
    grid = {"visible": True, "line": {"color": QUIET.fill, "width": 0.75}}
    large = {"size": 12, "color": PAPER.ink}
    chart.set_title({"name": title, "name_font": large, "overlay": False})
    no_grid = {"visible": False}
    across = {"name": tr("epoch"), "min": 0, "max": epochs, "major_gridlines": no_grid}
    chart.set_x_axis({**axis, **across})
    up = {"name": tr("error"), "log_base": 10, "num_format": "0E+0", "major_gridlines": grid}
    chart.set_y_axis({**axis, **up, **({"min": LOWEST_SHOWN} if lowest < LOWEST_SHOWN else {})})
    chart.set_legend({"position": "right", "font": font})
    chart.show_na_as_empty_cell()
    chart.set_chartarea({"border": {"color": QUIET.fill}})
    return chart
