"""The sheet Grids: from the image to the last map, with every gradient, and sliding windows."""

from __future__ import annotations

from dataclasses import dataclass

from gradbook.language import mark, tr
from gradbook.palette import GRADIENT, INPUT, QUIET, Colour
from gradbook.targets.excel.grids.blocks import LEFT, Grids, NodeBlock, coloured_by_size
from gradbook.targets.excel.grids.scene import (
    EPOCH_NAME,
    SAMPLE_NAME,
    GridScene,
)
from gradbook.targets.excel.grids.windows import (
    DIFFERS,
    LINE_WORDS,
    SAME,
    LookedAt,
    WeightLookedAt,
    WindowBlock,
    WindowLine,
)
from gradbook.targets.excel.plan.cell_layout import cell_value
from gradbook.targets.excel.plan.workbook_plan import GRIDS, WorkbookPlan, is_in_steps
from gradbook.targets.excel.sheets.look import BAD, GOOD, SMALL, Look, Page, an_epoch, one_of

CHOICE_ROW = 3
MOST_UPRIGHT = 28  # columns that can be read on a page in portrait format
UPRIGHT, MARGINS = (595, 842), (60, 85)  # of a page, in points: width and height
COLUMN, ROW = 38.5, 15.2  # the most points that a column and a row take
WIDTH, FONT = 6.6, 8  # of a column, and of the numbers in blocks
VALUES, GIVENS = "0.000;-0.000;0", "General"
SLOPES = "[>=0.001]0.0000;[<=-0.001]-0.0000;0.0E+00"
LIT, PICKED = "#B3261E", "#5B2A86"  # the frame of a window, of a place in a map
REMARK = mark(
    "One epoch of the training as pictures: values on the left, gradients on the right. Type a "
    "place into a layer's frames: its window lights up in the layer's input."
)


IN_STEPS = mark(
    "One epoch of the training: one column per step, one row per unit; values on the left, "
    "gradients on the right."
)


def write_grids(look: Look, book: WorkbookPlan) -> None:
    title, remark = tr("Image, kernels and maps"), tr(REMARK)
    if is_in_steps(book.step.net):
        title, remark = tr("Step by step"), tr(IN_STEPS)
    sheet = look.sheet(GRIDS, title, remark, left=1)
    _GridSheet(sheet, look, GridScene(book)).write()


@dataclass(frozen=True)
class _GridSheet(Page):
    scene: GridScene

    @property
    def book(self) -> WorkbookPlan:
        return self.scene.book

    def write(self) -> None:
        sheet, end = self.sheet, 2 * self.scene.right
        sheet.set_column(0, 0, 1.5)
        sheet.set_column(1, end, WIDTH)
        sheet.freeze_panes(CHOICE_ROW + 1, 0)
        self.choice()
        for stage in self.scene.stages:
            self.look.underlined(sheet, stage.row, 1, end - 2, stage.words)
            for block in stage.blocks:
                self.block(block)
            if stage.weight_row is not None:  # first, so that its frame covers a kernel's
                self.looked_at(WeightLookedAt(self.scene, stage))
            if stage.kind:
                self.looked_at(LookedAt(self.scene, stage))
        for stage in self.scene.stages:
            for block in stage.blocks:
                self.colour(block.grids)
        self.on_pages(end)

    def on_pages(self, across: int) -> None:
        """Scale the sheet to the page's width, and begin a new page rather than split a layer."""
        upright = across <= MOST_UPRIGHT
        if upright:
            self.sheet.set_portrait()
        width, height = UPRIGHT if upright else (UPRIGHT[1], UPRIGHT[0])
        scale = min(1.0, (width - MARGINS[0]) / (across * COLUMN))
        self.sheet.set_print_scale(int(100 * scale))
        rows = int((height - MARGINS[1]) / (ROW * scale))
        first, breaks = 0, []
        for stage in self.scene.stages:
            fits = stage.end - stage.row <= rows
            for row, end in [(stage.row, stage.end)] if fits else stage.pieces:
                if end - first > rows and row > first:
                    first = row
                    breaks.append(first)
        self.sheet.set_h_pagebreaks(breaks)

    def choice(self) -> None:
        """The cells that choose the epoch and the sample to show."""
        book, samples = self.book, self.book.step.samples
        self.typed(CHOICE_ROW, LEFT + 2, tr("epoch"), EPOCH_NAME, an_epoch(book.epochs))
        if book.several:
            rule = _up_to(SAMPLE, samples)
            self.typed(CHOICE_ROW, LEFT + 5, tr("sample"), SAMPLE_NAME, rule)

    def typed(
        self, row: int, column: int, words: str, name: str, rule: dict[str, object], first: int = 1
    ) -> None:
        """A cell to type a number into, with a label before it."""
        style = self.look.style(align="right", bold=True, indent=1)
        self.asked(row, column - 1, words, first, name, rule)
        self.sheet.write_string(row, column - 1, words, style)

    # Blocks ------------------------------------------------------------------------

    def block(self, block: NodeBlock) -> None:
        grids, tint = block.grids, block.tint
        words = self.look.style(italic=True, font_color=tint.ink)
        self.sheet.write_string(grids.top - 2, grids.left - 1, block.title, words)
        self.labels(block)
        numbers, style = self.scene.numbers(block), self.number_style(_digits(tint))
        for place in grids.places():
            if place in block.missing:
                continue
            formula = self.scene.formula(block.nodes[place], grids.cell(*place))
            self.sheet.write_formula(
                *grids.place(*place), formula, style, cell_value(numbers[place])
            )

    def labels(self, block: NodeBlock) -> None:
        """Write the channels' names, and the numbers of their rows and columns."""
        grids, tint = block.grids, block.tint
        count = self.look.style(font_size=FONT - 1, align="center", font_color=QUIET.ink)
        name = self.look.style(font_size=FONT, align="center", bold=True, font_color=tint.ink)
        _, high, wide = grids.shape
        for channel, label in enumerate(block.labels):
            row, column = grids.place(channel, 0, 0)
            if not grids.is_pictures:
                self.sheet.write_string(row - 1, column, label, name)
                continue
            self.sheet.write_string(row - 1, column - 1, label, name)
            for y in range(high):
                if block.rows:
                    self.sheet.write_string(row + y, column - 1, block.rows[y], name)
                else:
                    self.sheet.write_number(row + y, column - 1, y + 1, count)
            for x in range(wide):
                self.sheet.write_number(row - 1, column + x, x + 1, count)

    def number_style(self, digits: str) -> object:
        edge = {"border": 4, "border_color": QUIET.fill}
        return self.look.style(num_format=digits, font_size=FONT, align="center", **edge)

    def colour(self, grids: Grids) -> None:
        coloured_by_size(self.sheet, grids)
        for channel in range(grids.shape[0]):
            row, column = grids.place(channel, 0, 0)
            self.look.plain_zeros(self.sheet, row, column, *grids.shape[1:])

    # A place to look at ----------------------------------------------------------------

    def looked_at(self, seen: LookedAt) -> None:
        row = seen.top
        self.sheet.write_string(row, 1, seen.title, self.look.style(bold=True))
        for cell in seen.asked:
            rule = _up_to(ASKED[cell.word], cell.most)
            words, name = tr(ASKED[cell.word].word), f"{seen.name}_{cell.word}"
            self.typed(row, cell.column, words, name, rule, cell.first)
        for block in seen.blocks:
            self.window(block)
        for place, line in enumerate(seen.lines):
            self.line(row + 2 + place, seen.lines_column, line)
        column, kinds = seen.lines_column + LINE_WORDS, ((tr(SAME), GOOD), (tr(DIFFERS), BAD))
        self.verdict(row + 2 + len(seen.lines), column, 2, seen.verdict(), kinds)
        for area, condition, is_place in seen.lit():
            self.lit(area.replace("$", ""), condition, PICKED if is_place else LIT)

    def lit(self, cells: str, condition: str, tint: str) -> None:
        """A frame for the cells that meet the condition; a 0 is shown without decimals."""
        first = cells.partition(":")[0]
        for tests, digits in ((f"AND({condition},{first}=0)", "0"), (condition, None)):
            frame = {"bold": True, "border": 1, "border_color": tint, "font_color": tint}
            shape = self.look.workbook.add_format(
                {**frame, "num_format": digits} if digits else frame
            )
            rule = {"type": "formula", "criteria": f"={tests}", "format": shape}
            self.sheet.conditional_format(cells, rule)

    def window(self, block: WindowBlock) -> None:
        grids, style = block.grids, self.number_style(_digits(block.tint))
        words = self.look.style(italic=True, font_color=block.tint.ink)
        self.sheet.write_string(grids.top - 2, grids.left, block.title, words)
        sign = self.look.style(bold=True, align="center")
        for channel in range(grids.shape[0]):
            row, column = grids.place(channel, (grids.shape[1] - 1) // 2, 0)
            self.sheet.write_string(row, column - 1, block.sign, sign)
        for place, content in block.contents.items():
            self.live(*grids.place(*place), content, style)
        self.colour(grids)

    def line(self, row: int, column: int, line: WindowLine) -> None:
        last = column + LINE_WORDS - 1
        self.sheet.merge_range(row, column, row, last, line.words, self.look.name(line.tint))
        style = self.look.value(line.tint, SMALL, align="center")
        self.sheet.merge_range(row, last + 1, row, last + 2, "", style)
        self.live(row, last + 1, line.content, style)
        self.look.plain_zeros(self.sheet, row, last + 1, 1, 1)


def _digits(tint: Colour) -> str:
    if tint is GRADIENT:
        return SLOPES
    return GIVENS if tint is INPUT else VALUES


@dataclass(frozen=True)
class AskedFor:
    """A cell to type into: its label, the error message for a number too large, and its title."""

    word: str
    unknown: str
    title: str


SAMPLE = AskedFor(mark("sample"), mark("No such sample"), mark("Sample"))
ASKED = {  # by the last word of the cell's name
    "map": AskedFor(mark("map"), mark("No such map"), mark("Map")),
    "row": AskedFor(mark("row"), mark("No such row"), mark("Row")),
    "column": AskedFor(mark("column"), mark("No such column"), mark("Column")),
    "from": AskedFor(mark("from"), mark("No such from"), mark("From")),
}


def _up_to(asked: AskedFor, most: int) -> dict[str, object]:
    """The rule for a cell that accepts a whole number up to `most`."""
    message = tr("Type a whole number from 1 to {last}.", last=most)
    return one_of(most, tr(asked.unknown), message, tr(asked.title))
