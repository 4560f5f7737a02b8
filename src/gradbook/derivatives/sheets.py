"""A copy of a workbook with derivatives as live formulas, in sheets that are added to it.

A list has the inputs, and each sheet a mirror in which the slope by each cell stands at that cell's
own address. Every byte of the workbook stays as it is; only its lists of sheets, names and formats
grow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, nan
from pathlib import Path

from gradbook.cells.added_sheets import (
    ColourRule,
    NewCell,
    NewSheet,
    add_sheet,
    ask_to_calculate,
    define_names,
    sheet_titles,
)
from gradbook.cells.book import quote_title
from gradbook.cells.evaluate import fill_in
from gradbook.cells.formula.address import (
    Address,
    column_of,
    letters,
    name_of,
    ranges,
    row_of,
    sheet_of,
)
from gradbook.cells.formula.pattern import anchor
from gradbook.cells.package import WorkbookError, is_opendocument, package
from gradbook.cells.patch import TYPES, Patch, elements, outline, read_sheet
from gradbook.cells.read import main_part
from gradbook.cells.slopes import Slopes, Term
from gradbook.cells.styles import Styles
from gradbook.derivatives.addition import Addition
from gradbook.derivatives.excel_formulas import (
    LONGEST_SUM,
    MOST_TERMS,
    SlopeTexts,
    require_writable,
    sum_of,
)
from gradbook.derivatives.labels import label_or_name
from gradbook.derivatives.sensitivities import STRENGTHS, Sensitivity, sensitivities
from gradbook.derivatives.training_sheet import TrainingOutcome, add_training
from gradbook.errors import TargetError
from gradbook.files import FileName, whole_file
from gradbook.language import mark, tr
from gradbook.language.message import translate
from gradbook.palette import (
    ERROR,
    GRADIENT,
    INPUT,
    LOWERING,
    PAPER,
    QUIET,
    RAISING,
    SUM,
)

DERIVATIVES, SUMS = mark("Derivatives"), mark("∂ sums")
PATTERN = "xl/worksheets/gradbook-derivatives{}.xml"
DIGITS = "[>=0.001]0.0000;[<=-0.001]-0.0000;0.0E+0"  # what is small keeps its digits
ELASTICITY_DIGITS = "0.00"
NARROWEST, WIDEST = 9.5, 60.0  # letters in a column
LABELS_BELOW, LABELS_BESIDE = 40, 12  # rows and columns around the way whose labels are shown
MOST_LABELS = 20_000


def write_derivatives(
    path: FileName,
    slopes: Slopes,
    out: FileName,
    *,
    learn: Sequence[Address] = (),
    rate: float | None = None,
    epochs: int = 70,
    together: Sequence[Sequence[Address]] = (),
) -> TrainingOutcome | None:
    """Write the workbook at `path` to `out` with the derivatives of a result, as formulas.

    With weights to `learn`, a sheet trains them by that many steps of gradient descent. Each list
    of cells in `together` counts as one input. The file is written completely or not at all.

    Returns:
        What the added training does, if there is one.
    """
    with package(path) as parts:
        if is_opendocument(parts):
            raise WorkbookError(
                "derivatives can only be added to an .xlsx file: save it as .xlsx and take that"
            )
        patch = Patch(parts)
        require_ending(patch, Path(out).suffix)
        fill_in(slopes.book, slopes.flow)
        styles = Styles(patch, main_part(parts))
        book = Addition(patch, slopes, styles, sheet_titles(patch), values=slopes.values())
        training = _add_all(book, sensitivities(slopes, together), learn, rate, epochs)
        styles.save()
        ask_to_calculate(patch)
        with whole_file(out) as copy, copy.open("wb") as file:
            patch.write(file)
    return training


def _add_all(
    book: Addition,
    inputs: Sequence[Sensitivity],
    learn: Sequence[Address],
    rate: float | None,
    epochs: int,
) -> TrainingOutcome | None:
    list_title = book.title(tr(DERIVATIVES))
    cells = [cell for entry in inputs if not entry.by_one for cell in entry.cells]
    way = [*book.slopes.order, *(cell for cell in cells if cell in book.slopes.terms)]
    for number in sorted(set(map(sheet_of, way))):
        book.mirrors[number] = book.title(f"∂ {book.book.sheets[number].title}")
    _add_mirrors(book, dict.fromkeys(way))
    training = add_training(book, learn, rate, epochs) if learn else None
    _add_list(book, list_title, inputs)
    return training


def require_ending(patch: Patch, ending: str) -> None:
    """Refuse a name with which programs wouldn't open the copy."""
    main = main_part(patch.parts)
    kinds = (
        e.attribute("ContentType")
        for e in outline(patch.text(TYPES), TYPES)
        if e.attribute("PartName").lstrip("/") == main
    )
    has_macros = "macroEnabled" in next(kinds, "")
    wanted = ".xlsm" if has_macros else ".xlsx"
    if ending.lower() != wanted:
        what = "it has macros" if has_macros else "it has no macros"
        raise TargetError(f"{what}: give the copy a name that ends in {wanted}")


# The list of inputs -----------------------------------------------------------

HEAD = 5  # the row of headings, from 0
HEADINGS = (
    (mark("input"), INPUT, 30),
    (mark("cell"), INPUT, 16),
    (mark("value"), INPUT, 13),
    (mark("derivative: the result rises by this much per unit"), GRADIENT, 17),
    (mark("% per %"), GRADIENT, 9),
    (mark("in words"), SUM, 72),
    (mark("check: by a small nudge of the input, when this was written"), QUIET, 19),
)
LINE = 15.0  # points


def _add_list(book: Addition, title: str, inputs: Sequence[Sensitivity]) -> None:
    """Add the sheet with all inputs, before the others."""
    slopes, result = book.slopes, book.slopes.result
    called, name = label_or_name(book.book, result), book.book.name_of(result)
    sheet = NewSheet(title, GRADIENT.ink, frozen=(HEAD + 1, 1), repeated=(HEAD, HEAD))
    sheet.widths = {k: width for k, (_, _, width) in enumerate(HEADINGS)}
    sheet.footer = f"&L&8&F, &A&R&8{tr('page {page} of {pages}', page='&P', pages='&N')}"
    heading = tr("What {result} depends on, most sensitive first", result=called)
    sheet.put(0, 0, heading, book.style(size=18, bold=True))
    sheet.heights[0] = 28
    remark = tr(
        "Every derivative is a formula: change an input, and all of them follow. The sheets that "
        "begin with ∂ have the derivative by each cell at that cell's own address. Blue raises the "
        "result, red lowers it; the darkest by 1 % or more per %."
    )
    _across(book, sheet, 1, remark, book.style(ink=QUIET.ink, wrapped=True))
    _across(book, sheet, 2, _held_fixed(slopes), book.style(ink=QUIET.ink, wrapped=True))
    value = book.book.values.get(result)
    sheet.heights[3], sheet.heights[4] = 20, 8
    sheet.put(3, 0, called, book.style(bold=True, ink=ERROR.ink, fill=ERROR.fill, across="left"))
    link = book.style(ink=INPUT.ink, underlined=True)
    sheet.put(3, 1, name, link)
    sheet.links[3, 1] = name
    sheet.put(3, 2, value, book.style(bold=True, ink=ERROR.ink, fill=ERROR.fill), formula=name)
    for column, (words, tint, _) in enumerate(HEADINGS):
        look = {"bold": True, "ink": tint.ink, "fill": tint.fill, "line": tint.ink}
        across = "left" if column in (0, 1, 5) else "center"
        style = book.style(**look, across=across, wrapped=True)
        sheet.put(HEAD, column, tr(words), style)
    sheet.heights[HEAD] = 4 * LINE
    for row, entry in enumerate(inputs, HEAD + 1):
        _put_input(book, sheet, row, entry)
    if inputs:
        area = f"E{HEAD + 2}:E{HEAD + 1 + len(inputs)}"
        first = f"E{HEAD + 2}"
        slope = f"D{HEAD + 2}"
        for strength, raising, lowering in _strengths():
            there = f"AND(ISNUMBER({first}),ABS({first})>={strength:g},{slope}"
            for sign, fill in ((">", raising), ("<", lowering)):
                style = book.styles.by_rule(fill=fill)
                sheet.rules.append(ColourRule(area, f"{there}{sign}0)", style))
    add_sheet(book.patch, sheet, PATTERN, is_first=True)


def _across(book: Addition, sheet: NewSheet, row: int, words: str, style: str) -> None:
    """Write a text over the whole width, as high as it needs."""
    last = len(HEADINGS) - 1
    sheet.put(row, 0, words, style)
    sheet.merged.append(f"A{row + 1}:{letters(last)}{row + 1}")
    width = sum(width for _, _, width in HEADINGS)
    sheet.heights[row] = LINE * (1 + len(words) // width)


def _put_input(book: Addition, sheet: NewSheet, row: int, entry: Sensitivity) -> None:
    """Write an input's row."""
    here = row + 1
    is_range = len(entry.cells) > 1
    sheet.put(row, 0, entry.label, book.style(across="left", wrapped=True))
    sheet.put(row, 1, entry.name, book.style(ink=INPUT.ink, underlined=True))
    sheet.links[row, 1] = entry.name
    value = f"AVERAGE({entry.name})" if is_range else entry.name
    sheet.put(row, 2, entry.value, book.style(fill=INPUT.fill), formula=value)
    slope, share = book.slope(entry.cell), f"D{here}*C{here}"
    if is_range and slope != "0":
        area = f"{slope}:{name_of(entry.cells[-1])}"
        slope, share = f"SUM({area})", f"SUMPRODUCT({area},{entry.name})"
    derivative = book.style(fill=GRADIENT.fill, digits=DIGITS)
    shown = entry.slope if isfinite(entry.slope) else None
    sheet.put(row, 3, shown, derivative, formula="" if entry.by_one else slope)
    elasticity = f'IF(OR(C{here}=0,$C$4=0),"",{share}/$C$4)'
    if not entry.by_one:
        percent = "" if entry.elasticity is None else entry.elasticity
        sheet.put(row, 4, percent, book.style(digits=ELASTICITY_DIGITS), formula=elasticity)
    words = book.style(across="left", wrapped=True)
    live = entry.formula(f"D{here}") if entry.is_live else ""
    sheet.put(row, 5, entry.sentence, words, formula=live)
    check = entry.remark or entry.nudged
    sheet.put(row, 6, check, book.style(ink=QUIET.ink, digits=DIGITS, wrapped=bool(entry.remark)))
    texts = (entry.sentence, 80), (entry.label, 30), (entry.remark, 18)
    sheet.heights[row] = LINE * max(1 + len(text) // width for text, width in texts) + 3


MOST_RANGES = 8  # of cells, in one line


def _held_fixed(slopes: Slopes) -> str:
    """What is held fixed or stepped over, and where."""
    if not slopes.fixed:
        return tr("Every formula on the way has a derivative; nothing is held fixed.")
    listed = []
    for message, cells in slopes.fixed.items():
        where = []
        for number in sorted(set(map(sheet_of, cells))):
            title = quote_title(slopes.book.sheets[number].title)
            here = ranges(cell for cell in cells if sheet_of(cell) == number).split(",")
            if len(here) > MOST_RANGES:
                here[MOST_RANGES:] = ["…"]
            where.append(f"{title}!{','.join(here)}")
        listed.append(f"{translate(message)} ({', '.join(where)})")
    return tr("Held fixed or stepped over: {list}.", list="; ".join(listed))


def _strengths() -> list[tuple[float, str, str]]:
    """The colours of raising and lowering, from the strongest down."""
    return list(zip(STRENGTHS, RAISING, LOWERING, strict=True))[::-1]


# The mirrors ------------------------------------------------------------------


def _add_mirrors(book: Addition, way: Mapping[Address, object]) -> None:
    """Add the mirrors of all sheets on the way, and long sums beside them."""
    slopes = book.slopes
    sums = _Sums(book)
    sheets = {
        number: NewSheet(title, GRADIENT.ink, is_one_page_wide=False, has_grid=True)
        for number, title in book.mirrors.items()
    }
    usual = book.style(digits=DIGITS)
    bold = book.style(digits=DIGITS, bold=True, line=PAPER.ink)
    for cell in way:
        place = row_of(cell), column_of(cell)
        value = book.values.get(cell, nan)
        content = value if isfinite(value) else None
        if cell == slopes.result:
            mirror = NewCell(1.0, bold, "1")
        else:
            formula, is_array = sums.formula(cell)
            mirror = NewCell(content, usual, formula, is_array)
        sheets[sheet_of(cell)].cells[place] = mirror
    names: dict[str, str] = {}
    for number, sheet in sheets.items():
        _colour(book, sheet, number, names)
        _add_labels(book, sheet, number)
        _fit(book, sheet, number)
    outcome = book.book.name_of(slopes.result)
    define_names(book.patch, {**names, RESULT_NAME: anchor(outcome)}, hidden=True)
    for sheet in sheets.values():
        add_sheet(book.patch, sheet, PATTERN)
    if sums.sheet is not None:
        add_sheet(book.patch, sums.sheet, PATTERN)


class _Sums:
    """Slopes as sums of terms; where those are too many for a formula, parts of them get cells of
    their own, in another sheet."""

    def __init__(self, book: Addition) -> None:
        self.book = book
        self.texts = SlopeTexts()
        self.sheet: NewSheet | None = None

    def formula(self, cell: Address) -> tuple[str, bool]:
        """The formula for the slope by a cell, and whether it is an array formula."""
        book = self.book
        terms = book.slopes.terms.get(cell, ())
        is_array = any(term.user in book.slopes.arrays for term in terms)
        pieces = [self._text(term, cell) for term in terms]
        while len(pieces) > MOST_TERMS or sum(map(len, pieces)) + len(pieces) > LONGEST_SUM:
            pieces = self._fewer(pieces, cell, is_array)
            is_array = False
        return sum_of(pieces), is_array

    def _text(self, term: Term, cell: Address) -> str:
        book = self.book
        outer = "" if term.user == book.slopes.result else book.mirrored(term.user)
        text = self.texts.text(outer, term)
        require_writable(text, book.book.name_of(cell))
        return text

    def _fewer(self, pieces: list[str], cell: Address, is_array: bool) -> list[str]:
        """The same sum, of cells that add up as many terms as fit into each."""
        sheet = self._sheet()
        first = len(sheet.cells) // 2
        batch: list[str] = []
        for piece in [*pieces, None]:
            length = sum(map(len, batch)) + len(batch)
            is_full = piece is None or length + len(piece) > LONGEST_SUM or len(batch) == MOST_TERMS
            if batch and is_full:
                row = len(sheet.cells) // 2
                text = sum_of(batch)
                style = self.book.style(digits=DIGITS)
                sheet.cells[row, 0] = NewCell(None, style, text, is_array)
                quiet = self.book.style(ink=QUIET.ink)
                sheet.cells[row, 1] = NewCell(self.book.book.name_of(cell), quiet)
                batch = []
            if piece is not None:
                batch.append(piece)
        last = len(sheet.cells) // 2
        return [f"SUM({quote_title(sheet.title)}!A{first + 1}:A{last})"]

    def _sheet(self) -> NewSheet:
        if self.sheet is None:
            self.sheet = NewSheet(self.book.title(tr(SUMS)), QUIET.ink, widths={0: 14, 1: 30})
        return self.sheet


# How a mirror looks -----------------------------------------------------------

RESULT_NAME = "gradbook_result"


def _colour(book: Addition, sheet: NewSheet, number: int, names: dict[str, str]) -> None:
    """Colour the cells by how many % the result changes per %.

    A rule may not refer to another sheet, but to a name that does; the name of the mirrored sheet
    is relative, and means the cell at the same address there.
    """
    rows, columns = ([place[k] for place in sheet.cells] for k in (0, 1))
    if not rows:
        return
    first = f"{letters(min(columns))}{min(rows) + 1}"
    area = f"{first}:{letters(max(columns))}{max(rows) + 1}"
    cell_name = f"gradbook_cell_{number + 1}"
    names[cell_name] = f"{quote_title(book.book.sheets[number].title)}!A1"
    plain = book.styles.by_rule(digits="0")  # not 0.0E+0
    sheet.rules.append(ColourRule(area, f"AND(ISNUMBER({first}),{first}=0)", plain))
    for strength, raising, lowering in _strengths():
        size = f"ABS({first}*{cell_name})>={strength:g}*ABS({RESULT_NAME})"
        for sign, fill in ((">", raising), ("<", lowering)):
            rule = f"AND(ISNUMBER({first}),{RESULT_NAME}<>0,{first}{sign}0,{size})"
            sheet.rules.append(ColourRule(area, rule, book.styles.by_rule(fill=fill)))


def _add_labels(book: Addition, sheet: NewSheet, number: int) -> None:
    """Write the texts of the mirrored sheet in grey."""
    grey = book.style(ink=QUIET.ink)
    bottom = max(row for row, _ in sheet.cells) + LABELS_BELOW
    right = max(column for _, column in sheet.cells) + LABELS_BESIDE
    left = MOST_LABELS
    for cell in sorted(book.book.values):
        place = row_of(cell), column_of(cell)
        inside = sheet_of(cell) == number and place[0] <= bottom and place[1] <= right
        if inside and book.book.is_text(cell) and place not in sheet.cells and left:
            words = book.book.values[cell]
            sheet.cells[place] = NewCell(str(words), grey)
            left -= 1


def _fit(book: Addition, sheet: NewSheet, number: int) -> None:
    """Give columns the widths of the mirrored sheet, and keep the same cells in sight."""
    part = book.book.sheets[number].part
    text = book.patch.text(part)
    there = read_sheet(text, part, number, ())
    for column in sorted({column for _, column in sheet.cells}):
        sheet.widths[column] = min(max(NARROWEST, (there.width(column) - 5) / 7), WIDEST)
    panes = elements(text, part, lambda depth, tag, _: (depth, tag) == (3, "pane"))
    for pane in panes:
        split = pane.attribute("ySplit"), pane.attribute("xSplit")
        if pane.attribute("state") == "frozen" and all(k.isdecimal() or not k for k in split):
            sheet.frozen = int(split[0] or 0), int(split[1] or 0)
