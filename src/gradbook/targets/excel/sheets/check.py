"""The sheet Check, which compares gradients with measured slopes, and the passes behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xlsxwriter.utility import xl_cell_to_rowcol

from gradbook.cells.formula.syntax import digits
from gradbook.graph.node import Node
from gradbook.graph.reference import Values
from gradbook.language import mark, numeral, tr
from gradbook.palette import ERROR, GRADIENT, INPUT, PAPER, QUIET, WEIGHT
from gradbook.targets.excel.live import LiveValue, call
from gradbook.targets.excel.plan.cell_layout import RunLayout
from gradbook.targets.excel.plan.gradient_check import (
    BASE_ROW,
    EPOCH_NAME,
    FIRST_ROW,
    GIVEN_SIZE,
    NUDGE,
    NUDGE_NAME,
    NUDGED,
    SIZE_AS_IT_IS,
    TOP,
    CheckLine,
)
from gradbook.targets.excel.plan.record import KNOWN_BY
from gradbook.targets.excel.plan.workbook_plan import (
    CHECK,
    CHECK_NAME,
    CHECK_WORK,
    EPOCHS_NAME,
    WorkbookPlan,
)
from gradbook.targets.excel.sheets.look import (
    PLAIN,
    SMALL,
    Look,
    Page,
    an_epoch,
    colour,
    number_format,
    summary_kinds,
)
from gradbook.targets.excel.sheets.training import ValueCells, columns

WIDTHS = (10, 13, 18, 19, 19, 18, 13, 13, 13)
HEADINGS = (
    (mark("weight"), WEIGHT),
    (mark("its value"), WEIGHT),
    (mark("∂E/∂w by formula"), GRADIENT),
    (mark("error, nudged down"), ERROR),
    (mark("error, nudged up"), ERROR),
    (mark("slope measured"), GRADIENT),
    (mark("difference"), QUIET),
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


def write_check(look: Look, book: WorkbookPlan) -> None:
    remark = tr(
        "Each weight is nudged down and up, and the slope is measured from the change in the "
        "error. This needs no chain rule: {work} only computes forwards.",
        work=CHECK_WORK,
    )
    sheet = look.sheet(CHECK, tr(KNOWN_BY["check"]), remark, left=1)
    sheet.set_column(0, 0, 2)
    for place, width in enumerate(WIDTHS, 1):
        sheet.set_column(place, place, width)
    _Check(sheet, look, book).write()


@dataclass(frozen=True)
class _Check(Page):
    book: WorkbookPlan

    def write(self) -> None:
        self.head()
        plan, step = self.book.check, self.book.step
        for row, (weight, line) in enumerate(
            zip(plan.nudges.weights, plan.weight_lines, strict=True), TOP
        ):
            self.sheet.write_string(row, 1, str(weight.name), self.look.name(WEIGHT))
            start = plan.work(plan.nudges.base(weight), step.start[weight])
            self.live(row, 2, start, self.look.value(WEIGHT, PLAIN))
            self.line(row, line)
        self.look.colour_verdicts(self.sheet, f"J{TOP + 1}:J{row + 1}")
        self.epochs()

    def head(self) -> None:
        plan, look = self.book.check, self.look
        self.asked(3, 1, tr("nudge"), NUDGE, NUDGE_NAME, a_nudge())
        self.asked(4, 1, tr("epoch"), 1, EPOCH_NAME, an_epoch(self.book.epochs))
        for row, content, name in (
            (3, plan.summary, CHECK_NAME),
            (4, plan.epochs_summary, EPOCHS_NAME),
        ):
            self.verdict(row, 4, 3, content, summary_kinds())
            self.named(name, row, 4)
        checked, trained = len(plan.nudges.weights), len(self.book.step.gradients)
        if checked < trained:
            words = tr(
                "{count} of the {total} trained weights are checked one by one.",
                count=checked,
                total=trained,
            )
            self.sheet.write_string(5, 4, words, look.remark)
        self.headings(TOP - 1, 1, HEADINGS)

    def epochs(self) -> None:
        """Write one line per epoch."""
        plan, loss = self.book.check, self.book.step.loss
        row, table = plan.epochs_row, self.book.training.of_step
        self.look.underlined(self.sheet, row - 4, 1, len(OF_EPOCHS), tr("Every epoch"))
        words = tr(
            "All weights are nudged together, each by its component of one direction: the "
            "slope along it is the sum of ∂E/∂w times that component."
        )
        self.sheet.write_string(row - 3, 1, words, self.look.remark)
        self.headings(row - 1, 1, OF_EPOCHS)
        self.sheet.repeat_rows(row - 1)
        for epoch, line in zip(plan.epoch_nudges.chosen, plan.epoch_lines, strict=True):
            self.sheet.write_number(row, 1, epoch + 1, self.look.count)
            there = table.cell(loss, epoch).replace("$", "")
            error = LiveValue.at(there, self.book.record.values[loss][epoch])
            self.live(row, 2, error, self.look.value(ERROR, SMALL))
            self.line(row, line)
            row += 1
        self.look.colour_verdicts(self.sheet, f"J{plan.epochs_row + 1}:J{row}")

    def line(self, row: int, line: CheckLine) -> None:
        """Write a line's cells from the gradient on."""
        exact, small = self.look.value(ERROR, EXACT), self.look.value(GRADIENT, SMALL)
        apart = self.look.value(PAPER, "0.0E+00", align="center")
        styles = (small, exact, exact, small, apart, apart, self.look.verdict())
        for place, (content, style) in enumerate(zip(line.cells, styles, strict=True), 3):
            self.live(row, place, content, style)


def a_nudge() -> dict[str, object]:
    """The rule for the cell that contains the nudge."""
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


# The sheet Check work --------------------------------------------------------

UP, DOWN = mark("{weight} up"), mark("{weight} down")


def write_check_work(look: Look, book: WorkbookPlan) -> None:
    """The weights without a nudge, and below them a forward pass for each nudge."""
    remark = tr(
        "All weights as they are in the epoch chosen on {check}, then one nudged at a time; values "
        "that it doesn't change are left out.",
        check=CHECK,
    )
    sheet = look.sheet(CHECK_WORK, tr(KNOWN_BY["passes"]), remark)
    across = max(len(book.check.nudges.values), len(book.step.weights))
    sheet.set_column(0, 0, 12)
    sheet.set_column(1, 1 + across + 1, 10.5)
    sheet.freeze_panes(0, 1)
    _CheckWork(sheet, look, book).write()


@dataclass(frozen=True)
class _CheckWork(Page):
    book: WorkbookPlan

    def write(self) -> None:
        self.sizes()
        self.as_it_is()
        self.nudged()
        self.along_one_direction()
        plan = self.book.check.epoch_nudges
        rows = plan.run.of_step.row(2 * len(plan.chosen)) - FIRST_ROW
        self.look.plain_zeros(self.sheet, FIRST_ROW, 1, rows, plan.last_column + 2)

    def sizes(self) -> None:
        """Write the largest input or target, and the largest value in the pass without a nudge:
        rounding errors are proportional to the values that are rounded."""
        plan = self.book.check.nudges
        largest = call("MAX", 1, *self.data_extremes())
        for words, place, content in (
            (tr("largest input or target"), GIVEN_SIZE, largest),
            (tr("largest value"), SIZE_AS_IT_IS, plan.size_as_it_is),
        ):
            row, column = xl_cell_to_rowcol(place)
            self.sheet.write_string(row, column - 1, words, self.look.name(INPUT))
            self.live(row, column, content, self.look.value(INPUT, "General"))

    def data_extremes(self) -> list[LiveValue]:
        """Of inputs and targets; nothing where there are none."""
        leaves = (*self.book.step.inputs, *self.book.step.targets)
        if not leaves:
            return []
        table = self.book.training.table(leaves[0])
        first = min(leaves, key=table.columns.__getitem__)
        last = max(leaves, key=table.columns.__getitem__)
        until = table.cell(last, 0, table.stride - 1).rpartition("!")[2]
        size = self.book.check.nudges.data_size
        cells = LiveValue.at(f"{table.cell(first)}:{until}", size)
        return [call("MAX", cells), -call("MIN", cells)]

    def as_it_is(self) -> None:
        """Write the weights and a pass without a nudge, to which the other passes refer for all
        values that they don't change."""
        plan, look = self.book.check.nudges, self.look
        self.sheet.write_blank(BASE_ROW - 1, 0, None, look.heading(WEIGHT))
        self.sheet.write_string(BASE_ROW, 0, tr("as it is"), look.name(WEIGHT))
        weights = self.book.step.weights
        self.headings(BASE_ROW - 1, 2, [(str(weight.name), WEIGHT) for weight in weights])
        for place, weight in enumerate(weights, 2):
            content = self.book.check.in_chosen_epoch(weight)
            self.live(BASE_ROW, place, content, look.value(WEIGHT, PLAIN))
        self.headings(FIRST_ROW - 1, 0, [(mark("nudged"), WEIGHT), (mark("to"), WEIGHT)])
        if self.book.several:
            self.sheet.write_string(FIRST_ROW - 1, 2, tr("sample"), look.heading(QUIET))
        self.names(FIRST_ROW - 1, plan.places)
        self.sheet.write_string(FIRST_ROW, 0, tr("no weight"), look.name(WEIGHT))
        parts = columns(plan.as_it_is, CHECK_WORK, {}, self.book.guarded)
        self.forward_pass(plan.as_it_is, parts, 0, plan.pass_as_it_is)

    def names(self, row: int, places: dict[Node, int]) -> None:
        for node, place in places.items():
            self.sheet.write_string(
                row, place, str(node.name), self.look.heading(colour(node.name))
            )

    def nudged(self) -> None:
        """Write the passes of one weight after the other, up and down."""
        plan, start = self.book.check.nudges, self.book.step.start
        for number, weight in enumerate(plan.weights):
            run, base = plan.run(weight), LiveValue.at(plan.base(weight), start[weight])
            parts = columns(run, CHECK_WORK, {}, self.book.guarded)
            ways = ((UP, base + NUDGED), (DOWN, base - NUDGED))
            for side, (way, content) in enumerate(ways):
                row, values = run.of_step.row(2 * number + side), plan.passes[weight][side]
                words = tr(way, weight=weight.name)
                self.sheet.write_string(row, 0, words, self.look.name(WEIGHT))
                self.live(row, 1, content, self.look.value(WEIGHT, "0.00000000"))
                self.forward_pass(run, parts, 2 * number + side, values)

    def along_one_direction(self) -> None:
        """Write the passes with all weights nudged together, up and down, for each epoch."""
        plan, weights = self.book.check.epoch_nudges, self.book.step.weights
        row, run, training = plan.row, plan.run, self.book.training.of_step
        words = tr("All weights nudged at once, each by its component, epoch by epoch")
        self.sheet.write_string(row - 1, 0, words, self.look.section)
        self.sheet.write_string(row, 0, tr("component"), self.look.name(WEIGHT))
        counters = (mark("epoch"), mark("direction"), *([mark("sample")] * self.book.several))
        self.headings(row + 1, 0, [(words, QUIET) for words in counters])
        self.names(row + 1, {**run.of_step.columns, **run.of_sample.columns})
        style = self.look.value(WEIGHT, PLAIN)
        for weight in weights:
            part = plan.direction.get(weight, 0.0)
            self.sheet.write_number(row, run.of_step.columns[weight], part, style)
        parts = [
            ValueCells(node, place, formula, formula)
            for node, place in {**run.of_step.columns, **run.of_sample.columns}.items()
            if node not in self.book.step.next
            for formula in [run.formula(node, CHECK_WORK, self.book.guarded)]
        ]
        style = self.look.value(WEIGHT, "0.00000000")
        for number, epoch in enumerate(plan.chosen):
            for side, way in enumerate((1, -1)):
                top, values = run.of_step.row(2 * number + side), plan.passes[number][side]
                self.sheet.write_number(top, 0, epoch + 1, self.look.count)
                self.sheet.write_number(top, 1, way, self.look.count)
                for weight in weights:
                    there = training.cell(weight, epoch).replace("$", "")
                    column = run.of_step.column(weight)
                    moved = f"{there}+$B{top + 1}*{NUDGE_NAME}*{column}${row + 1}"
                    content = LiveValue.at(moved, values[weight])
                    self.live(top, run.of_step.columns[weight], content, style)
                self.forward_pass(run, parts, 2 * number + side, values)

    def forward_pass(
        self, run: RunLayout, parts: Sequence[ValueCells], number: int, values: Values
    ) -> None:
        """Write the values of one pass, sample by sample."""
        for part in parts:
            style = self.look.value(colour(part.node.name), number_format(part.node.name))
            row = run.table(part.node).row(number)
            for sample in range(run.step.samples if part.node.each else 1):
                value = values[part.node][sample] if part.node.each else values[part.node]
                formula = str(part.content(run.rows, number, sample)).removeprefix("=")
                self.live(row + sample, part.place, LiveValue.at(formula, value), style)
        self.counted(run.of_step.row(number), 2, self.book.step.samples * self.book.several)
