"""A sheet that trains the weights of a workbook's result: one row an epoch, by its derivatives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise
from math import isfinite

from gradbook.cells.added_sheets import ColourRule, NewCell, NewSheet, add_sheet
from gradbook.cells.budget import spend_exactly
from gradbook.cells.compiled_cells import CompiledCells
from gradbook.cells.formula.address import MOST_COLUMNS, Address, letters, name_of
from gradbook.cells.formula.simplify import ONE, times, with_sign_first
from gradbook.cells.formula.syntax import LONGEST_FORMULA, Expression, Reference
from gradbook.cells.slopes import Slopes, slopes_of
from gradbook.derivatives.addition import Addition
from gradbook.derivatives.excel_formulas import formula_text, sum_of
from gradbook.derivatives.labels import label
from gradbook.derivatives.loss_chart import add_loss_chart
from gradbook.derivatives.row_formulas import THIS_ROW, RowFormula
from gradbook.errors import LimitError
from gradbook.language import mark, tr
from gradbook.palette import ERROR, GRADIENT, QUIET, RATE, SUM, WEIGHT, Colour

TRAINING = mark("Training")
PATTERN = "xl/worksheets/gradbook-training{}.xml"
RATE_CELL = "$B$3"
GROUPS, CELLS, LABELS, FIRST = 4, 5, 6, 7  # rows of the headings, and of the first epoch
ROW_ABOVE = "\x02"  # stands for its number
PLAIN = "0.000000"
SMALL = "[>=0.0001]0.000000;[<=-0.0001]-0.000000;0.00E+00"  # tiny numbers keep their digits
MOST_CELLS = 1_000_000
RATES = [float(f"{digit}e{tens}") for tens in range(-1, -13, -1) for digit in (5, 2, 1)]
EARLY = 10  # epochs in which the loss has to fall at a rate that wasn't asked for
LONGEST_LABEL = 20  # characters

Numbers = tuple[Mapping[Address, float], Mapping[Address, float]]  # values, and slopes


@dataclass(frozen=True)
class TrainedValue:
    """A column: a cell's value in each epoch, or the slope of the result by it."""

    cell: Address  # of the workbook
    is_slope: bool
    heading: str
    group: str
    tint: Colour
    first: str  # the formula in the first epoch
    later: str

    @property
    def digits(self) -> str:
        return SMALL if self.is_slope or self.tint is ERROR else PLAIN

    def formula(self, row: int) -> str:
        """The formula in a row, counted from 0."""
        text = self.later if row > FIRST else self.first
        return text.replace(THIS_ROW, str(row + 1)).replace(ROW_ABOVE, str(row))


@dataclass(frozen=True)
class TrainingOutcome:
    """What a sheet's training does."""

    rate: float
    losses: Sequence[float]  # of each epoch
    falling_rate: float | None  # one at which its first epochs fall, if any

    @property
    def diverges(self) -> bool:
        """Whether the loss ends above its start, or beyond all numbers."""
        last = self.losses[-1]
        return not isfinite(last) or last > self.losses[0]


def add_training(
    book: Addition, learn: Sequence[Address], rate: float | None, epochs: int
) -> TrainingOutcome:
    """Add the sheet Training: weights, values, derivatives and the loss of each epoch; without a
    rate, at one at which its first epochs fall."""
    plan = _Plan(book, learn)
    if len(plan.places) >= MOST_COLUMNS or len(plan.places) * epochs > MOST_CELLS:
        raise LimitError(
            f"training {book.book.name_of(plan.slopes.result)} needs {len(plan.places):,} columns "
            f"in {epochs:,} rows: too many for a sheet, so take fewer epochs or samples"
        )
    columns = list(plan.columns())
    falling = plan.falling_rate()
    rate = rate or falling or RATES[-1]
    numbers = plan.numbers(rate, epochs)
    sheet = NewSheet(book.title(tr(TRAINING)), ERROR.ink, frozen=(FIRST, 1))
    sheet.repeated, sheet.is_one_page_wide = (GROUPS, LABELS), False
    sheet.footer = f"&L&8&F, &A&R&8{tr('page {page} of {pages}', page='&P', pages='&N')}"
    sheet.widths = {0: 15, **dict.fromkeys(range(1, len(columns) + 1), 11.5)}
    _put_headings(book, sheet, columns)
    for place, column in enumerate(columns, 1):
        style = book.style(fill=column.tint.fill, digits=column.digits)
        for row in range(FIRST, FIRST + epochs):
            value = numbers[row - FIRST][column.is_slope].get(column.cell)
            shown = value if value is not None and isfinite(value) else None
            sheet.cells[row, place] = NewCell(shown, style, column.formula(row))
    count = book.style(ink=QUIET.ink, across="center")
    for epoch in range(epochs):
        sheet.put(FIRST + epoch, 0, epoch + 1, count)
    first = f"B{FIRST + 1}"
    area = f"{first}:{letters(len(columns))}{FIRST + epochs}"
    plain = book.styles.by_rule(digits="0")  # not 0.00E+00
    sheet.rules.append(ColourRule(area, f"AND(ISNUMBER({first}),{first}=0)", plain))
    chart = FIRST, len(columns) + 2
    sheet.breaks.append(len(columns) + 1)
    _put_head(book, sheet, plan.slopes, rate, f"{letters(chart[1])}{chart[0] + 1}")
    part = add_sheet(book.patch, sheet, PATTERN)
    loss = plan.slopes.result
    losses = [values[loss] for values, _ in numbers]
    add_loss_chart(book.patch, part, sheet.title, plan.row[loss], (FIRST, epochs), losses, chart)
    return TrainingOutcome(rate, losses, falling)


class _Plan:
    """The columns of a training: weights, what is computed from them, and the slopes."""

    def __init__(self, book: Addition, learn: Sequence[Address]) -> None:
        self.book = book.book
        result, self.flow = book.slopes.result, book.slopes.flow
        self.slopes = slopes_of(self.book, result, tuple(dict.fromkeys(learn)), self.flow)
        self.weights = self.slopes.inputs
        active = set(self.weights)
        depths = dict[Address, int]()  # also of what only decides, such as a condition
        for cell in self.flow.in_order([result])[0]:
            behind = self.flow.sources(cell)
            if cell not in active and not active.isdisjoint(behind):
                active.add(cell)
                depths[cell] = 1 + max(depths.get(source, 0) for source in behind)
        self.computed = sorted(depths, key=lambda cell: (depths[cell], cell))
        self.reached = sorted(
            (cell for cell in self.slopes.order if cell != result),
            key=lambda cell: (-depths[cell], cell),
        )
        values = [(cell, False) for cell in (*self.weights, *self.computed)]
        slopes = [(cell, True) for cell in (*self.reached, *self.weights)]
        self.places = {key: k for k, key in enumerate((*values, *slopes), 1)}
        self.row = {cell: place for (cell, is_slope), place in self.places.items() if not is_slope}

    def columns(self) -> Iterator[TrainedValue]:
        """The columns from left to right."""
        result = self.slopes.result
        loss = self._label(result)
        for cell in self.weights:
            slope = f"{letters(self.places[cell, True])}{ROW_ABOVE}"
            later = f"{letters(self.row[cell])}{ROW_ABOVE}-{RATE_CELL}*{slope}"
            start = self.book.name_of(cell)
            group, tint = tr("weights"), WEIGHT
            yield TrainedValue(cell, False, self._label(cell), group, tint, start, later)
        for cell in self.computed:
            group, tint = (tr("loss"), ERROR) if cell == result else (tr("forward"), SUM)
            pattern = self.book.patterns[cell]
            formula = RowFormula(self.book, self.flow, pattern, cell, self.row).expression()
            text = self._checked(formula_text(formula), cell)
            yield TrainedValue(cell, False, self._label(cell), group, tint, text, text)
        for cell in (*self.reached, *self.weights):
            text = self._checked(self._slope(cell), cell)
            is_weight = cell in self.weights
            group = tr("gradients") if is_weight else tr("backward")
            heading = f"∂{loss}/∂{self._label(cell)}"
            yield TrainedValue(cell, True, heading, group, GRADIENT, text, text)

    def _slope(self, cell: Address) -> str:
        """The formula of the slope by a cell."""
        terms = []
        for term in self.slopes.terms.get(cell, ()):
            outer: Expression = ONE
            if term.user != self.slopes.result:
                outer = Reference(f"{letters(self.places[term.user, True])}{THIS_ROW}")
            partial = RowFormula(self.book, self.flow, term.pattern, term.user, self.row)
            terms.append(formula_text(with_sign_first(times(outer, partial.expression()))))
        return sum_of(terms) if terms else "0"

    def _checked(self, text: str, cell: Address) -> str:
        length = len(text) + 6 * (text.count(THIS_ROW) + text.count(ROW_ABOVE))
        if length > LONGEST_FORMULA:
            raise LimitError(
                f"{self.book.name_of(cell)}: in the training it would take {length:,} characters, "
                f"but a cell holds {LONGEST_FORMULA:,}: split the formulas that use it"
            )
        return text

    @cached_property
    def _labels(self) -> dict[Address, str]:
        """A name for each cell; those that would share one are told apart by their places."""
        cells = (*self.weights, *self.computed)
        words = {cell: label(self.book, cell) for cell in cells}
        often = Counter(words.values())
        return {
            cell: f"{words[cell]} {name_of(cell)}" if often[words[cell]] > 1 else words[cell]
            for cell in cells
        }

    def _label(self, cell: Address) -> str:
        words = self._labels[cell].strip()
        return words if words and len(words) <= LONGEST_LABEL else self.book.name_of(cell)

    def numbers(self, rate: float, epochs: int) -> list[Numbers]:
        """Each epoch's values and slopes."""
        return list(islice(self._epochs(rate), epochs))

    def _epochs(self, rate: float) -> Iterator[Numbers]:
        loss, cells = self.slopes.result, self._cells
        weights = {cell: self.slopes.cells.value(cell) for cell in self.weights}
        while True:
            spend_exactly(3 * cells.size)
            cells.move_to(weights.values())
            values = {cell: cells.value(cell) for cell in self.computed}
            slopes = cells.slopes({loss: 1.0})
            yield {**weights, **values}, slopes
            weights = {cell: value - rate * slopes[cell] for cell, value in weights.items()}

    @cached_property
    def _cells(self) -> CompiledCells:
        return CompiledCells(self.slopes.cells, self.weights, [self.slopes.result])

    def falling_rate(self) -> float | None:
        """The highest of the usual rates at which no early epoch has a higher loss than the one
        before."""
        loss = self.slopes.result
        for rate in RATES:
            losses = (values[loss] for values, _ in islice(self._epochs(rate), EARLY + 1))
            if all(after <= before for before, after in pairwise(losses)):
                return rate
        return None


# The headings -----------------------------------------------------------------


def _put_head(book: Addition, sheet: NewSheet, slopes: Slopes, rate: float, chart: str) -> None:
    """Write title, remark and the learning rate."""
    called = label(book.book, slopes.result) or book.book.name_of(slopes.result)
    sheet.put(0, 0, tr("Training: {result}", result=called), book.style(size=18, bold=True))
    sheet.heights[0] = 26
    remark = tr(
        "One row is one epoch: all its weights change at once, from its gradients. The first has "
        "the workbook's own weights."
    )
    sheet.put(1, 0, remark, book.style(ink=QUIET.ink))
    sheet.put(2, 0, tr("learning rate"), book.style(bold=True, ink=RATE.ink, fill=RATE.fill))
    style = book.style(bold=True, ink=RATE.ink, line=RATE.ink, across="center")
    sheet.put(2, 1, rate, style)
    link = book.style(ink=QUIET.ink, underlined=True)
    sheet.put(2, 3, tr("the loss as a curve: {cell}", cell=chart), link)
    sheet.links[2, 3] = chart


def _put_headings(book: Addition, sheet: NewSheet, columns: Sequence[TrainedValue]) -> None:
    """Write the groups' titles, and below them the values' names and cells."""
    look = {"bold": True, "across": "center", "wrapped": True}
    quiet = {"ink": QUIET.ink, "fill": QUIET.fill, "across": "center"}
    sheet.put(CELLS, 0, tr("cell"), book.style(**quiet, size=8))
    sheet.put(LABELS, 0, tr("epoch"), book.style(**quiet, bold=True, line=QUIET.ink))
    start = 1
    for place, column in enumerate(columns, 1):
        tint = {"ink": column.tint.ink, "fill": column.tint.fill}
        style = book.style(**look, **tint, line=column.tint.ink)
        title = book.style(**{**look, "italic": True, "wrapped": False}, **tint)
        is_new = place == 1 or column.group != columns[place - 2].group
        sheet.put(GROUPS, place, column.group if is_new else "", title)
        sheet.put(LABELS, place, column.heading, style)
        name = book.book.name_of(column.cell)
        small = book.style(**tint, size=8, across="center")
        sheet.put(CELLS, place, name, small)
        sheet.links[CELLS, place] = name
        start = place if is_new else start
        is_last = place == len(columns) or columns[place].group != column.group
        if is_last and place > start:
            sheet.merged.append(f"{letters(start)}{GROUPS + 1}:{letters(place)}{GROUPS + 1}")
    longest = max((len(column.heading) for column in columns), default=0)
    sheet.heights[LABELS] = 16 * (1 + min(longest // 11, 3))
