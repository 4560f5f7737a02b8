"""The sheet Answers: the trained network's answers to its samples and to the user's own input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import eq

import numpy as np
from xlsxwriter.utility import quote_sheetname, xl_rowcol_to_cell

from gradbook.cells.formula.syntax import Reference, write
from gradbook.graph.node import Node, ancestors, named_inputs
from gradbook.language import mark, tr
from gradbook.layers.card import AnswerKind
from gradbook.layers.losses import HALF_SURE
from gradbook.net.step import Step
from gradbook.palette import ACTIVATION, ERROR, INPUT, QUIET, TARGET
from gradbook.targets.excel.live import LiveValue, call, message_with, same, when
from gradbook.targets.excel.plan.cell_layout import cell_value
from gradbook.targets.excel.plan.workbook_plan import ANSWERS, ANSWERS_WORK, TRAINING, WorkbookPlan
from gradbook.targets.excel.sheets.look import (
    BAD,
    GOOD,
    PLAIN,
    SMALL,
    Look,
    Page,
    an_epoch,
    colour,
    number_format,
)
from gradbook.targets.excel.spellings import Guarded, Speller

# Contents --------------------------------------------------------------------

FIRST_WORK_ROW = 4  # of the values on the working sheet


@dataclass(frozen=True)
class Classes:
    """The names of the classes that the outputs distinguish; one output distinguishes two."""

    names: tuple[str, ...]

    @staticmethod
    def of(step: Step) -> Classes | None:
        """None if the targets are numbers rather than classes."""
        net, outputs = step.net, len(step.outputs)
        targets = np.array([sample.targets for sample in net.examples()])
        if not np.isin(targets, (0, 1)).all():
            return None
        if outputs == 1:
            return Classes(("0", "1")) if net.answer_kind is AnswerKind.CHANCES else None
        if not (targets.sum(axis=1) == 1).all():
            return None
        names = net.columns[len(step.inputs) :]
        if len(names) != outputs:
            names = tuple(tr("class {number}", number=k + 1) for k in range(outputs))
        return Classes(net.classes or tuple(names))

    def read(self, outputs: LiveValue) -> LiveValue:
        """The class with the largest output or target; of two classes, a single value decides."""
        if len(self.names) == 2 and np.size(outputs.value) == 1:
            return when(outputs >= HALF_SURE, self.names[1], self.names[0])
        place = call("MATCH", call("MAX", outputs), outputs, 0)
        return call("CHOOSE", place, *self.names)


@dataclass(frozen=True)
class OwnPass:
    """The forward pass of the user's own input, one value below the other."""

    step: Step
    sheet: str
    inputs: dict[Node, str]  # the cells to type them into
    guarded: Guarded

    @cached_property
    def computed(self) -> list[Node]:
        """The values computed from the input."""
        several = self.step.samples > 1
        named = [node for node in ancestors(self.step.outputs) if node.name is not None]
        computed = [node for node in named if node.op.name != "leaf"]
        return [node for node in computed if node.each or not several]

    @cached_property
    def known(self) -> list[Node]:
        """The other values that they depend on: trained weights, and means of normalisations."""
        inside = {*self.computed, *self.step.inputs}
        mentioned = {source for node in self.computed for source in named_inputs(node)}
        return sorted(mentioned - inside, key=lambda node: node.index)

    def row(self, node: Node) -> int:
        return FIRST_WORK_ROW + [*self.known, *self.computed].index(node)

    def cell(self, node: Node) -> str:
        """A reference from another sheet."""
        return f"{quote_sheetname(self.sheet)}!{self._places[node]}"

    @cached_property
    def _places(self) -> dict[Node, str]:
        below = {
            node: f"$B${FIRST_WORK_ROW + k + 1}"
            for k, node in enumerate([*self.known, *self.computed])
        }
        return {**self.inputs, **below}

    def formula(self, node: Node) -> str:
        speller = Speller(self._refer, self._no_block, self.guarded)
        return f"={write(speller.formula(node))}"

    def _refer(self, node: Node) -> Reference | None:
        place = self._places.get(node)
        return Reference(place) if place else None

    def _no_block(self, node: Node) -> Reference:
        raise AssertionError(f"one input alone has no other samples, but {node!r} adds over them")


# The sheet -------------------------------------------------------------------

EPOCH_NAME, ACCURACY_NAME = "answers_epoch", "accuracy"
LABEL, FIRST = 1, 2  # columns: which sample, and its first input
EPOCH_ROW, SUMMARY_ROW = 3, 4
NAMES_ROW, OWN_ROW, SAMPLES_ROW = 7, 8, 10  # headings, the user's own input, the samples
MOST_NAMED = 40  # characters of a column's name


def write_answers(look: Look, book: WorkbookPlan) -> None:
    remark = tr(
        "The network as it is in the epoch below. Type another epoch, or an input of your "
        "own, into the framed cells."
    )
    sheet = look.sheet(ANSWERS, tr("What the network answers"), remark, left=LABEL)
    _Answers(sheet, look, book).write()


def own_pass(book: WorkbookPlan) -> OwnPass:
    places = {
        node: f"{ANSWERS}!{xl_rowcol_to_cell(OWN_ROW, FIRST + k, row_abs=True, col_abs=True)}"
        for k, node in enumerate(book.step.inputs)
    }
    return OwnPass(book.step, ANSWERS_WORK, places, book.guarded)


@dataclass(frozen=True)
class _Answers(Page):
    book: WorkbookPlan

    @cached_property
    def classes(self) -> Classes | None:
        return Classes.of(self.book.step)

    # Places --------------------------------------------------------------------

    @property
    def outputs(self) -> int:
        """The column of the first output; the inputs are before the outputs, the targets after."""
        return FIRST + len(self.book.step.inputs)

    @property
    def targets(self) -> int:
        return self.outputs + len(self.book.step.outputs)

    @property
    def verdicts(self) -> int:
        """The first column after the targets."""
        return self.targets + len(self.book.step.targets)

    def area(
        self, row: int, column: int, values: Sequence[object], down: bool = False
    ) -> LiveValue:
        """Cells beside each other, or below each other."""
        by = len(values) - 1
        last = xl_rowcol_to_cell(row + by * down, column + by * (not down))
        first = xl_rowcol_to_cell(row, column)
        return LiveValue.at(first if first == last else f"{first}:{last}", values)

    # Contents ------------------------------------------------------------------

    def write(self) -> None:
        samples = range(self.book.step.samples)
        self.sheet.set_column(0, 0, 2)
        self.sheet.set_column(LABEL, LABEL, 12)
        self.sheet.set_column(FIRST, self.verdicts + 2, 13)
        last = self.book.epochs
        self.asked(EPOCH_ROW, LABEL, tr("epoch"), last, EPOCH_NAME, an_epoch(last))
        self.names()
        self.typed_input()
        classes = [self.sample(sample) for sample in samples]
        if self.classes:
            self.accuracy(*map(list, zip(*classes, strict=True)))
        else:
            loss = self.book.step.loss
            self.sheet.write_string(SUMMARY_ROW, LABEL, str(loss.name), self.look.name(ERROR))
            self.live(SUMMARY_ROW, FIRST, self.in_epoch(loss), self.look.value(ERROR, SMALL))
        self.sheet.freeze_panes(OWN_ROW, FIRST)
        self.sheet.repeat_rows(NAMES_ROW - 1, NAMES_ROW)

    def accuracy(self, meant: list[str], read: list[str]) -> None:
        """Write the share of the samples that are classified correctly."""
        look, samples = self.look, len(meant)
        first, second = (
            self.area(SAMPLES_ROW, self.verdicts + k, words, down=True).cells
            for k, words in enumerate((meant, read))
        )
        both = f"SUMPRODUCT(--({first}={second}))"
        right = LiveValue.at(both, sum(map(eq, meant, read)))
        self.sheet.write_string(SUMMARY_ROW, LABEL, tr("accuracy"), look.name(QUIET))
        style = look.style(num_format="0.0 %", bold=True, align="center")
        self.live(SUMMARY_ROW, FIRST, right / samples, style)
        self.named(ACCURACY_NAME, SUMMARY_ROW, FIRST)
        read_well = mark("{count} of {total} samples are read correctly")
        sentence = message_with(tr(read_well, count="{count}", total=samples), count=right)
        self.live(SUMMARY_ROW, FIRST + 1, sentence, look.remark)

    def names(self) -> None:
        """Write the names of the table's columns, and below them the names used in formulas."""
        step, look = self.book.step, self.look
        inputs = step.net.columns[: len(step.inputs)]
        outputs = self.classes.names if self.classes and len(step.outputs) > 1 else ()
        named = step.net.columns[len(step.inputs) :]
        outputs = outputs or (named if len(named) == len(step.outputs) else ())
        parts = (
            (FIRST, step.inputs, inputs or (tr("input"),), INPUT),
            (self.outputs, step.outputs, outputs or (tr("output"),), ACTIVATION),
            (self.targets, step.targets, outputs or (tr("target"),), TARGET),
        )
        for first, nodes, names, tint in parts:
            style = look.heading(tint, text_wrap=True)
            for place, node in enumerate(nodes):
                name = names[place] if place < len(names) else ""
                self.sheet.write_string(NAMES_ROW - 1, first + place, name[:MOST_NAMED], style)
                self.sheet.write_string(NAMES_ROW, first + place, str(node.name), style)
        self.sheet.set_row(NAMES_ROW - 1, 30 if inputs or outputs else 15)
        self.headings(NAMES_ROW, LABEL, [(mark("sample"), QUIET)])
        words = (mark("true class"), mark("is read as")) if self.classes else (mark("difference"),)
        self.headings(NAMES_ROW, self.verdicts, [(word, QUIET) for word in words])
        if self.classes:
            self.sheet.write_blank(NAMES_ROW, self.verdicts + 2, None, look.heading(QUIET))

    def typed_input(self) -> None:
        """Write the user's own input: at first, it equals the first sample's."""
        step, typed = self.book.step, own_pass(self.book)
        self.sheet.write_string(OWN_ROW, LABEL, tr("your own"), self.look.style(bold=True))
        for place, node in enumerate(step.inputs, FIRST):
            value = float(np.ravel(step.data[node])[0])
            self.sheet.write_number(OWN_ROW, place, value, self.look.given(INPUT))
        values = [self.in_epoch(node).value for node in step.outputs]
        for place, node in enumerate(step.outputs):
            style = self.look.value(ACTIVATION, PLAIN, bold=True)
            content = LiveValue.at(typed.cell(node), values[place])
            self.live(OWN_ROW, self.outputs + place, content, style)
        if self.classes:
            read = self.classes.read(self.area(OWN_ROW, self.outputs, values))
            self.live(OWN_ROW, self.verdicts + 1, read, self.look.verdict())

    def sample(self, sample: int) -> tuple[str, str]:
        """Write a sample's inputs, outputs and targets; return its true class and the class that
        is read, both empty without classes."""
        step, look, row = self.book.step, self.look, SAMPLES_ROW + sample
        self.sheet.write_number(row, LABEL, sample + 1, look.count)
        areas = []
        for first, nodes in (
            (FIRST, step.inputs),
            (self.outputs, step.outputs),
            (self.targets, step.targets),
        ):
            contents = [self.in_epoch(node, sample) for node in nodes]
            for place, (node, content) in enumerate(zip(nodes, contents, strict=True), first):
                style = look.value(colour(node.name), number_format(node.name))
                self.live(row, place, content, style)
            areas.append(self.area(row, first, [content.value for content in contents]))
        _, outputs, targets = areas
        place = self.verdicts
        if not self.classes:
            apart = np.abs(np.subtract(outputs.value, targets.value)).max()
            apart_formula = f"SUMPRODUCT(MAX(ABS({outputs.cells}-{targets.cells})))"
            self.live(row, place, LiveValue.at(apart_formula, apart), look.value(ERROR, SMALL))
            return "", ""
        meant, read = self.classes.read(targets), self.classes.read(outputs)
        style = look.style(align="center")
        self.live(row, place, meant, style)
        self.live(row, place + 1, read, style)
        meant_cell, read_cell = (
            LiveValue.at(xl_rowcol_to_cell(row, place + k), it.value)
            for k, it in enumerate((meant, read))
        )
        right, wrong = tr("right"), tr("wrong")
        verdict = when(same(meant_cell, read_cell), right, wrong)
        self.verdict(row, place + 2, 1, verdict, ((right, GOOD), (wrong, BAD)))
        return meant.value, read.value

    def in_epoch(self, node: Node, sample: int = 0) -> LiveValue:
        """A value in the chosen epoch; at first, that is the last one."""
        values = self.book.record.values[node][-1]
        cell = self.book.training.in_epoch(node, self.book.epochs, EPOCH_NAME, sample)
        return LiveValue.at(cell, float(values[sample] if node.each else values))


def write_answers_work(look: Look, book: WorkbookPlan) -> None:
    """Write the weights of the chosen epoch, and the values computed from the typed input."""
    remark = tr(
        "The weights from {training} in the epoch chosen on {answers}, and below them the values "
        "computed from the input typed there.",
        training=TRAINING,
        answers=ANSWERS,
    )
    sheet = look.sheet(ANSWERS_WORK, tr("How the network answers"), remark)
    sheet.set_column(0, 0, 14)
    sheet.set_column(1, 1, 16)
    typed = own_pass(book)
    for row, node in enumerate([*typed.known, *typed.computed], FIRST_WORK_ROW):
        value = np.ravel(book.record.values[node][-1])[0]
        asked = book.training.in_epoch(node, book.epochs, EPOCH_NAME)
        formula = f"={asked}" if node in typed.known else typed.formula(node)
        tint = colour(node.name)
        sheet.write_string(row, 0, str(node.name), look.name(tint))
        style = look.value(tint, number_format(node.name))
        sheet.write_formula(row, 1, formula, style, cell_value(value))
