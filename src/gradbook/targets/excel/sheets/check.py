"""The sheet Check, each gradient beside a measured slope, and the forward passes behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_cell_to_rowcol, xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from gradbook.graph.node import Node
from gradbook.graph.reference import Values
from gradbook.language import mark, numeral, tr
from gradbook.palette import ERROR, GRADIENT, INPUT, PAPER, QUIET, RATE, WEIGHT, Colour
from gradbook.targets.excel.language import digits
from gradbook.targets.excel.plan.book import (
    CHECK,
    CHECK_NAME,
    CHECK_WORK,
    EPOCH_NAME,
    EPOCHS_NAME,
    NUDGE_NAME,
    WorkbookPlan,
)
from gradbook.targets.excel.plan.check import (
    BASE_ROW,
    FIRST_ROW,
    NUDGE,
    OPEN,
    CheckCells,
    EpochNudges,
    Slope,
    epochs_formula,
    largest_size,
    summary_formula,
)
from gradbook.targets.excel.plan.columns import KNOWN_BY, gradients
from gradbook.targets.excel.plan.layout import RunLayout, cell_value
from gradbook.targets.excel.sheets.look import (
    PLAIN,
    SMALL,
    Look,
    colour,
    number_format,
    summary_kinds,
)
from gradbook.targets.excel.sheets.training import ValueCells, columns

TOP = 7  # the first row with a weight
WIDTHS = (10, 13, 18, 19, 19, 18, 13, 13, 13)
HEADINGS = (
    (mark("weight"), WEIGHT),
    (mark("its value"), WEIGHT),
    (mark("∂E/∂w by formula"), GRADIENT),
    (mark("error, nudged down"), ERROR),
    (mark("error, nudged up"), ERROR),
    (mark("slope measured"), GRADIENT),
    (mark("apart by"), QUIET),
    (mark("allowed"), QUIET),
    (mark("verdict"), QUIET),
)
OF_EPOCHS = (
    (mark("epoch"), QUIET),
    (mark("error"), ERROR),
    (mark("Σ ∂E/∂w · part"), GRADIENT),
    *HEADINGS[3:],
)
EXACT = "[>=0.0001]0.000000000000;[<=-0.0001]-0.000000000000;0.000000000E+00"
LEAST_NUDGE, MOST_NUDGE = 1e-9, 1e-2
GIVEN_SIZE = "$B$3"  # on the working sheet: the largest input or target
SIZE_AS_IT_IS = "$D$3"  # the largest value with no weight nudged


def write_check(look: Look, book: WorkbookPlan) -> None:
    title = tr(KNOWN_BY["check"])
    remark = tr(
        "Each weight is nudged down and up, and the slope is measured from the change in the "
        "error. This needs no chain rule: {work} only computes forwards.",
        work=CHECK_WORK,
    )
    sheet = look.sheet(CHECK, title, remark, left=1)
    sheet.set_column(0, 0, 2)
    for place, width in enumerate(WIDTHS, 1):
        sheet.set_column(place, place, width)
    _Check(sheet, look, book).write()


@dataclass(frozen=True)
class _Check:
    sheet: Worksheet
    look: Look
    book: WorkbookPlan

    def write(self) -> None:
        self.head()
        weights = self.book.nudges.weights
        for row, weight in enumerate(weights, TOP):
            self.weight(row, weight)
        self.look.colour_verdicts(self.sheet, f"J{TOP + 1}:J{TOP + len(weights)}")
        self.epochs()

    def head(self) -> None:
        book, look = self.book, self.look
        settings = ((3, tr("nudge"), NUDGE, NUDGE_NAME), (4, tr("epoch"), 1, EPOCH_NAME))
        for row, words, value, name in settings:
            self.sheet.write_string(row, 1, words, look.name(RATE))
            self.sheet.write_number(row, 2, value, look.given(RATE))
            look.workbook.define_name(name, f"={CHECK}!$C${row + 1}")
        self.sheet.data_validation(3, 2, 3, 2, a_nudge())
        self.sheet.data_validation(4, 2, 4, 2, an_epoch(book.epochs))
        checked, trained = len(book.nudges.weights), len(book.step.gradients)
        found = f"$J${TOP + 1}:$J${TOP + checked}"
        formula = summary_formula(found, checked, book.nudges.summaries, EPOCH_NAME, book.epochs)
        self.verdict(3, formula, book.check_summary, CHECK_NAME)
        verdicts, numbers = self.epochs_column(9), self.epochs_column(1)
        total = len(book.epoch_nudges.chosen)
        formula = epochs_formula(verdicts, numbers, total, book.epochs)
        self.verdict(4, formula, book.epochs_summary, EPOCHS_NAME)
        if checked < trained:
            words = tr(
                "{count} of the {total} trained weights are checked one by one.",
                count=checked,
                total=trained,
            )
            self.sheet.write_string(5, 4, words, look.remark)
        self.headings(TOP - 1, HEADINGS)

    def verdict(self, row: int, formula: str, value: str, name: str) -> None:
        """What all of it comes to, in a cell with a name."""
        self.sheet.merge_range(row, 4, row, 6, "", self.look.verdict())
        self.sheet.write_formula(row, 4, formula, self.look.verdict(), value)
        self.look.colour_verdicts(self.sheet, f"E{row + 1}", summary_kinds())
        self.look.workbook.define_name(name, f"={CHECK}!$E${row + 1}")

    def headings(self, row: int, headings: Sequence[tuple[str, Colour]]) -> None:
        for place, (words, tint) in enumerate(headings, 1):
            self.sheet.write_string(row, place, tr(words), self.look.heading(tint))

    # One weight a line ---------------------------------------------------------

    def weight(self, row: int, weight: Node) -> None:
        book, plan = self.book, self.book.nudges
        gradient, slope = book.step.gradients[weight], plan.slopes[weight]
        number = 2 * plan.weights.index(weight)
        table = plan.run(weight).of_step
        up, down = (table.cell(book.step.loss, number + side) for side in (0, 1))
        chosen = in_chosen_epoch(book, gradient)
        value = None if gradient in book.blank else float(book.record.values[gradient][0])
        start = float(book.step.start[weight])
        base = f"='{CHECK_WORK}'!{plan.base(weight)}"
        self.sheet.write_string(row, 1, str(weight.name), self.look.name(WEIGHT))
        self.sheet.write_formula(row, 2, base, self.look.value(WEIGHT, PLAIN), start)
        by_formula = f'=IF({chosen}="","",{chosen})'
        error = in_chosen_epoch(book, book.step.loss)
        sizes = (SIZE_AS_IT_IS, plan.area(weight))
        self.line(row, by_formula, value, (down, up), error, sizes, slope)

    # One epoch a line ----------------------------------------------------------

    @property
    def epochs_row(self) -> int:
        """The first epoch's row."""
        return TOP + len(self.book.nudges.weights) + 5

    def epochs_column(self, place: int) -> str:
        name, top = xl_col_to_name(place), self.epochs_row + 1
        return f"${name}${top}:${name}${top + len(self.book.epoch_nudges.chosen) - 1}"

    def epochs(self) -> None:
        title = self.epochs_row - 4
        self.look.underlined(self.sheet, title, 1, len(OF_EPOCHS), tr("Every epoch"))
        words = tr(
            "All weights are nudged together, each by its component of one direction: the "
            "slope along it is the sum of ∂E/∂w times that component."
        )
        self.sheet.write_string(title + 1, 1, words, self.look.remark)
        self.headings(self.epochs_row - 1, OF_EPOCHS)
        self.sheet.repeat_rows(self.epochs_row - 1)
        plan, table, loss = self.book.epoch_nudges, self.book.training.of_step, self.book.step.loss
        error = self.look.value(ERROR, SMALL)
        blank = self.book.blank.intersection(self.book.step.gradients.values())
        for number, epoch in enumerate(plan.chosen):
            row = self.epochs_row + number
            up, down = (plan.run.of_step.cell(loss, 2 * number + side) for side in (0, 1))
            self.sheet.write_number(row, 1, epoch + 1, self.look.count)
            found = cell_value(self.book.record.values[loss][epoch])
            there = table.cell(loss, epoch).replace("$", "")
            self.sheet.write_formula(row, 2, f"={there}", error, found)
            along = None if blank else plan.along(number)
            formula = self.along(epoch)
            here = f"C{row + 1}"
            sizes = (GIVEN_SIZE, plan.area(number))
            self.line(row, formula, along, (down, up), here, sizes, plan.slope(number))
        last = self.epochs_row + len(plan.chosen)
        self.look.colour_verdicts(self.sheet, f"J{self.epochs_row + 1}:J{last}")

    def along(self, epoch: int) -> str:
        """The sum of an epoch's gradients times their parts; nothing while one is blank."""
        nodes, table = gradients(self.book.step), self.book.training.of_step
        last = table.cell(nodes[-1], epoch).rpartition("!")[2]
        cells = f"{table.cell(nodes[0], epoch)}:{last}".replace("$", "")
        parts = f"'{CHECK_WORK}'!{self.book.epoch_nudges.parts}"
        product = f'IF(COUNT({cells})={len(nodes)},SUMPRODUCT({cells},{parts}),"")'
        return f"=IF(ISERROR(SUM({cells})),SUM({cells}),{product})"

    # What both have ------------------------------------------------------------

    def line(
        self,
        row: int,
        formula: str,
        value: float | None,
        nudged: tuple[str, str],
        error: str,
        sizes: tuple[str, str],
        slope: Slope,
    ) -> None:
        """From the gradient on: what is measured, how far apart, how far that is allowed.

        That depends on the largest value: of a cell, and of the area of the passes.
        """
        known, area = (f"'{CHECK_WORK}'!{cells}" for cells in sizes)
        size = f"MAX({known},MAX({area}),-MIN({area}))"
        formulas = self._formulas(CheckCells(row + 1, error, size, NUDGE_NAME), nudged)
        results = self._results(value, slope)
        both = zip((formula, *formulas), results, self._styles(), strict=True)
        for place, (said, result, style) in enumerate(both, 3):
            self.sheet.write_formula(row, place, said, style, result)

    def _formulas(self, cells: CheckCells, nudged: tuple[str, str]) -> tuple[str, ...]:
        """Of the columns behind the gradient, which may be blank."""
        here, tolerance = cells.row, self.book.tolerance
        there = f'=IF(D{here}="","",{{}})'
        return (
            f"={nudged[0]}",
            f"={nudged[1]}",
            f"=(F{here}-E{here})/(2*{NUDGE_NAME})",
            there.format(f"ABS(D{here}-G{here})"),
            there.format(tolerance.allowed_formula(cells)),
            f"={tolerance.verdict_formula(cells)}",
        )

    def _results(self, value: float | None, slope: Slope) -> tuple[float | str, ...]:
        """What these come to, the gradient first."""
        measured = (
            cell_value(slope.below),
            cell_value(slope.above),
            cell_value(slope.value),
        )
        if value is None:
            return "", *measured, "", "", tr(OPEN)
        tolerance = self.book.tolerance
        apart, allowed = abs(value - slope.value), tolerance.allowed(value, slope)
        return (
            cell_value(value),
            *measured,
            cell_value(apart),
            cell_value(allowed),
            tr(tolerance.verdict(value, slope)),
        )

    def _styles(self) -> tuple[Format, ...]:
        look = self.look
        exact, small = look.value(ERROR, EXACT), look.value(GRADIENT, SMALL)
        apart = look.value(PAPER, "0.0E+00", align="center")
        return small, exact, exact, small, apart, apart, look.verdict()


def a_nudge() -> dict[str, object]:
    """What the cell for the nudge takes."""
    message = tr(
        "A nudge between {least} and {most} measures a slope; {best} works best.",
        least=numeral(digits(LEAST_NUDGE)),
        most=numeral(digits(MOST_NUDGE)),
        best=numeral(digits(NUDGE)),
    )
    return {
        "validate": "decimal",
        "criteria": "between",
        "minimum": LEAST_NUDGE,
        "maximum": MOST_NUDGE,
        "error_title": tr("Too small or too large"),
        "error_message": message,
    }


def an_epoch(epochs: int) -> dict[str, object]:
    """What a cell for an epoch takes: one that the table has."""
    return {
        "validate": "integer",
        "criteria": "between",
        "minimum": 1,
        "maximum": epochs,
        "error_title": tr("No such epoch"),
        "error_message": tr("The table has the epochs 1 to {last}.", last=epochs),
        "input_title": tr("Epoch"),
        "input_message": tr("1 to {last}", last=epochs),
    }


def in_chosen_epoch(book: WorkbookPlan, node: Node) -> str:
    return f"INDEX({book.training.of_step.over_epochs(node, book.epochs)},{EPOCH_NAME})"


# The sheet Check work --------------------------------------------------------


def write_check_work(look: Look, book: WorkbookPlan) -> None:
    """The weights as they are, and below them a forward pass for each nudge."""
    plan = book.nudges
    remark = tr(
        "All weights as they are in the epoch chosen on {check}, then one nudged at a time; what "
        "it doesn't change is left out.",
        check=CHECK,
    )
    title = tr(KNOWN_BY["passes"])
    sheet = look.sheet(
        CHECK_WORK,
        title,
        remark,
    )
    sheet.set_column(0, 0, 12)
    sheet.set_column(1, 1 + max(len(plan.values), len(book.step.weights)) + 1, 10.5)
    _given_size(sheet, look, book)
    sheet.write_blank(BASE_ROW - 1, 0, None, look.heading(WEIGHT))
    sheet.write_string(BASE_ROW, 0, tr("as it is"), look.name(WEIGHT))
    for place, weight in enumerate(book.step.weights, 2):
        sheet.write_string(BASE_ROW - 1, place, str(weight.name), look.heading(WEIGHT))
        formula, start = f"={in_chosen_epoch(book, weight)}", float(book.step.start[weight])
        sheet.write_formula(BASE_ROW, place, formula, look.value(WEIGHT, PLAIN), start)
    _pass_headings(sheet, look, book)
    _pass_as_it_is(sheet, look, book)
    for number, weight in enumerate(plan.weights):
        _passes(sheet, look, book, number, weight)
    _Epochs(sheet, look, book, book.epoch_nudges).write()
    rows = book.epoch_nudges.run.of_step.row(2 * len(book.epoch_nudges.chosen)) - FIRST_ROW
    look.plain_zeros(sheet, FIRST_ROW, 1, rows, book.epoch_nudges.last_column + 2)
    sheet.freeze_panes(0, 1)


def _pass_headings(sheet: Worksheet, look: Look, book: WorkbookPlan) -> None:
    plan, row = book.nudges, FIRST_ROW - 1
    sheet.write_string(row, 0, tr("nudged"), look.heading(WEIGHT))
    sheet.write_string(row, 1, tr("to"), look.heading(WEIGHT))
    if book.several:
        sheet.write_string(row, 2, tr("sample"), look.heading(QUIET))
    for node, place in plan.places.items():
        sheet.write_string(row, place, str(node.name), look.heading(colour(node.name)))


def _pass_as_it_is(sheet: Worksheet, look: Look, book: WorkbookPlan) -> None:
    """No weight nudged: what the others take what they don't change from."""
    plan = book.nudges
    parts = columns(plan.as_it_is, CHECK_WORK, {}, book.guarded)
    _write_pass(sheet, look, plan.as_it_is, parts, 0, plan.pass_as_it_is)
    sheet.write_string(FIRST_ROW, 0, tr("no weight"), look.name(WEIGHT))
    for sample in range(book.step.samples if book.several else 0):
        sheet.write_number(FIRST_ROW + sample, 2, sample + 1, look.count)
    row, place = xl_cell_to_rowcol(SIZE_AS_IT_IS)
    area = plan.area_as_it_is
    size = plan.size([plan.pass_as_it_is])
    sheet.write_string(row, place - 1, tr("largest value"), look.name(INPUT))
    formula = f"=MAX({GIVEN_SIZE},MAX({area}),-MIN({area}))"
    sheet.write_formula(row, place, formula, look.value(INPUT, "General"), size)


UP, DOWN = mark("{weight} up"), mark("{weight} down")


def _passes(sheet: Worksheet, look: Look, book: WorkbookPlan, number: int, weight: Node) -> None:
    """One weight nudged up, then down."""
    plan, samples = book.nudges, book.step.samples
    run = plan.run(weight)
    parts = columns(run, CHECK_WORK, {}, book.guarded)
    for side, (sign, way, step) in enumerate((("+", UP, NUDGE), ("-", DOWN, -NUDGE))):
        epoch = 2 * number + side
        top = run.of_step.row(epoch)
        sheet.write_string(top, 0, tr(way, weight=weight.name), look.name(WEIGHT))
        nudged = float(book.step.start[weight]) + step
        formula = f"={plan.base(weight)}{sign}{NUDGE_NAME}"
        sheet.write_formula(top, 1, formula, look.value(WEIGHT, "0.00000000"), nudged)
        _write_pass(sheet, look, run, parts, epoch, plan.passes[weight][side])
        for sample in range(samples if book.several else 0):
            sheet.write_number(top + sample, 2, sample + 1, look.count)


def _write_pass(
    sheet: Worksheet,
    look: Look,
    run: RunLayout,
    parts: Sequence[ValueCells],
    number: int,
    values: Values,
) -> None:
    """The values of one forward pass, sample by sample."""
    for part in parts:
        style = look.value(colour(part.node.name), number_format(part.node.name))
        for sample in range(run.step.samples if part.node.each else 1):
            found = values[part.node]
            value = cell_value(found[sample] if part.node.each else found)
            row = run.table(part.node).row(number) + sample
            sheet.write_formula(
                row, part.place, str(part.content(run.rows, number, sample)), style, value
            )


def _given_size(sheet: Worksheet, look: Look, book: WorkbookPlan) -> None:
    """How large inputs and targets are: rounding is as large as the values that are rounded."""
    given = (*book.step.inputs, *book.step.targets)
    table = book.training.table(given[0])
    first = min(given, key=table.columns.__getitem__)
    last = max(given, key=table.columns.__getitem__)
    until = table.cell(last, 0, table.stride - 1).rpartition("!")[2]
    cells = f"{table.cell(first)}:{until}"
    size = largest_size([book.step.data[leaf] for leaf in given])
    style = look.value(INPUT, "General")
    row = int(GIVEN_SIZE.rpartition("$")[2]) - 1
    sheet.write_string(row, 0, tr("largest given"), look.name(INPUT))
    sheet.write_formula(row, 1, f"=MAX(1,MAX({cells}),-MIN({cells}))", style, size)


@dataclass(frozen=True)
class _Epochs:
    """All weights nudged along one direction, up and down, in each epoch."""

    sheet: Worksheet
    look: Look
    book: WorkbookPlan
    plan: EpochNudges

    def write(self) -> None:
        self.direction()
        run = self.plan.run
        guarded = self.book.guarded
        parts = [
            ValueCells(node, place, formula, formula)
            for table in (run.of_step, run.of_sample)
            for node, place in table.columns.items()
            if node not in self.book.step.next
            for formula in [run.formula(node, CHECK_WORK, guarded)]
        ]
        for number, epoch in enumerate(self.plan.chosen):
            for side, sign in enumerate("+-"):
                values = self.plan.passes[number][side]
                self.weights(2 * number + side, epoch, sign, values)
                _write_pass(self.sheet, self.look, run, parts, 2 * number + side, values)

    def direction(self) -> None:
        """Each weight's part, and below it the names of all columns."""
        row, tables = self.plan.row, (self.plan.run.of_step, self.plan.run.of_sample)
        words = tr("All weights nudged at once, each by its component, epoch by epoch")
        self.sheet.write_string(row - 1, 0, words, self.look.section)
        self.sheet.write_string(row, 0, tr("part"), self.look.name(WEIGHT))
        for weight in self.book.step.weights:
            place = self.plan.run.of_step.columns[weight]
            part = self.plan.direction.get(weight, 0.0)
            self.sheet.write_number(row, place, part, self.look.value(WEIGHT, PLAIN))
        counters = (tr("epoch"), tr("way"), *([tr("sample")] * self.book.several))
        for place, words in enumerate(counters):
            self.sheet.write_string(row + 1, place, words, self.look.heading(QUIET))
        for table in tables:
            for node, place in table.columns.items():
                style = self.look.heading(colour(node.name))
                self.sheet.write_string(row + 1, place, str(node.name), style)

    def weights(self, number: int, epoch: int, sign: str, values: Values) -> None:
        """The nudged weights of a pass, as Training has them in that epoch and a little more."""
        run, training = self.plan.run, self.book.training.of_step
        row, style = run.of_step.row(number), self.look.value(WEIGHT, "0.00000000")
        self.sheet.write_number(row, 0, epoch + 1, self.look.count)
        self.sheet.write_number(row, 1, 1 if sign == "+" else -1, self.look.count)
        for weight in self.book.step.weights:
            part = self.plan.part_cell(weight)
            there = training.cell(weight, epoch).replace("$", "")
            formula = f"={there}+$B{row + 1}*{NUDGE_NAME}*{part}"
            place, value = run.of_step.columns[weight], cell_value(values[weight])
            self.sheet.write_formula(row, place, formula, style, value)
        for sample in range(self.book.step.samples if self.book.several else 0):
            self.sheet.write_number(row + sample, 2, sample + 1, self.look.count)
