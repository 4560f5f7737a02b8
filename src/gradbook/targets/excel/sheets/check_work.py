"""The sheet Check work: the forward passes behind the check, each with weights nudged a little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xlsxwriter.worksheet import Worksheet

from gradbook.graph.node import Node
from gradbook.graph.reference import Values
from gradbook.palette import INPUT, QUIET, WEIGHT
from gradbook.targets.excel.plan.book import CHECK, CHECK_WORK, NUDGE_NAME, WorkbookPlan
from gradbook.targets.excel.plan.epoch_nudges import EpochNudges
from gradbook.targets.excel.plan.layout import RunLayout
from gradbook.targets.excel.plan.nudges import BASE_ROW, FIRST_ROW, NUDGE, largest_size
from gradbook.targets.excel.plan.values import shown
from gradbook.targets.excel.sheets.check import GIVEN_SIZE, in_chosen_epoch
from gradbook.targets.excel.sheets.look import PLAIN, Look, colour, digits
from gradbook.targets.excel.sheets.table import ValueCells, columns


def write_check_work(look: Look, book: WorkbookPlan) -> None:
    """The weights as they are, and below them a forward pass for each nudge."""
    plan = book.nudges
    remark = (
        f"All weights as they are in the epoch that {CHECK} asks for, then one nudged at a time."
    )
    title = "The forward passes behind the check"
    sheet = look.sheet(
        CHECK_WORK,
        title,
        remark,
    )
    sheet.set_column(0, 0, 12)
    sheet.set_column(1, 1 + max(len(plan.values), len(book.step.weights)) + 1, 10.5)
    _given_size(sheet, look, book)
    sheet.write_blank(BASE_ROW - 1, 0, None, look.heading(WEIGHT))
    sheet.write_string(BASE_ROW, 0, "as it is", look.name(WEIGHT))
    for place, weight in enumerate(book.step.weights, 2):
        sheet.write_string(BASE_ROW - 1, place, str(weight.name), look.heading(WEIGHT))
        formula, start = f"={in_chosen_epoch(book, weight)}", float(book.step.start[weight])
        sheet.write_formula(BASE_ROW, place, formula, look.value(WEIGHT, PLAIN), start)
    _pass_headings(sheet, look, book)
    for number, weight in enumerate(plan.weights):
        _passes(sheet, look, book, number, weight)
    _Epochs(sheet, look, book, book.epoch_nudges).write()
    rows = book.epoch_nudges.run.of_step.row(2 * len(book.epoch_nudges.chosen)) - FIRST_ROW
    look.plain_zeros(sheet, FIRST_ROW, 1, rows, book.epoch_nudges.last_column + 2)
    sheet.freeze_panes(0, 1)


def _pass_headings(sheet: Worksheet, look: Look, book: WorkbookPlan) -> None:
    plan, row = book.nudges, FIRST_ROW - 1
    sheet.write_string(row, 0, "nudged", look.heading(WEIGHT))
    sheet.write_string(row, 1, "to", look.heading(WEIGHT))
    if book.several:
        sheet.write_string(row, 2, "sample", look.heading(QUIET))
    run = plan.run(plan.weights[0])
    for table in (run.of_step, run.of_sample):
        for node, place in table.columns.items():
            sheet.write_string(row, place, str(node.name), look.heading(colour(node.name)))


def _passes(sheet: Worksheet, look: Look, book: WorkbookPlan, number: int, weight: Node) -> None:
    """One weight nudged up, then down."""
    plan, samples = book.nudges, book.step.samples
    run = plan.run(weight)
    parts = columns(run, CHECK_WORK, {}, book.guarded)
    for side, (sign, way, step) in enumerate((("+", "up", NUDGE), ("-", "down", -NUDGE))):
        epoch = 2 * number + side
        top = run.of_step.row(epoch)
        sheet.write_string(top, 0, f"{weight.name} {way}", look.name(WEIGHT))
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
        style = look.value(colour(part.node.name), digits(part.node.name))
        for sample in range(run.step.samples if part.node.each else 1):
            found = values[part.node]
            value = shown(found[sample] if part.node.each else found)
            row = run.table(part.node).row(number) + sample
            sheet.write_formula(
                row, part.place, str(part.content(run, number, sample)), style, value
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
    sheet.write_string(row, 0, "largest given", look.name(INPUT))
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
        words = "All weights nudged at once, each by its part, epoch by epoch"
        self.sheet.write_string(row - 1, 0, words, self.look.section)
        self.sheet.write_string(row, 0, "part", self.look.name(WEIGHT))
        for weight in self.book.step.weights:
            place = self.plan.run.of_step.columns[weight]
            part = self.plan.direction.get(weight, 0.0)
            self.sheet.write_number(row, place, part, self.look.value(WEIGHT, PLAIN))
        for place, words in enumerate(("epoch", "way", *(["sample"] * self.book.several))):
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
            place, value = run.of_step.columns[weight], shown(values[weight])
            self.sheet.write_formula(row, place, formula, style, value)
        for sample in range(self.book.step.samples if self.book.several else 0):
            self.sheet.write_number(row + sample, 2, sample + 1, self.look.count)
