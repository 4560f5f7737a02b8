"""The sheet Answers: what the trained network says to its samples and to an input of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from xlsxwriter.utility import quote_sheetname, xl_col_to_name, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from gradbook.graph.node import Array, Node, ancestors, named_inputs
from gradbook.language import mark, tr
from gradbook.layers.card import AnswerKind
from gradbook.layers.losses import HALF_SURE
from gradbook.net.step import Step
from gradbook.palette import ACTIVATION, ERROR, INPUT, QUIET, RATE, TARGET
from gradbook.targets.excel.language import Guarded, Reference, Speller, quote, sentence, write
from gradbook.targets.excel.plan.book import ANSWERS, ANSWERS_WORK, TRAINING, WorkbookPlan
from gradbook.targets.excel.plan.layout import cell_value
from gradbook.targets.excel.sheets.look import (
    BAD,
    GOOD,
    PLAIN,
    SMALL,
    Look,
    an_epoch,
    colour,
    number_format,
)

# What it holds ---------------------------------------------------------------

FIRST_WORK_ROW = 4  # of the values on the working sheet


@dataclass(frozen=True)
class Classes:
    """The names of what the outputs tell apart; one output tells two classes apart."""

    names: tuple[str, ...]

    @staticmethod
    def of(step: Step) -> Classes | None:
        """None where the targets are numbers rather than classes."""
        net, outputs = step.net, len(step.outputs)
        targets = np.array([sample.targets for sample in net.examples()])
        if not np.isin(targets, (0, 1)).all():
            return None
        if outputs == 1:
            return Classes(("0", "1")) if net.answer_kind is AnswerKind.CHANCES else None
        if not (targets.sum(axis=1) == 1).all():
            return None
        wanted = net.columns[len(step.inputs) :]
        own = wanted if len(wanted) == outputs else _numbered(outputs)
        return Classes(net.classes or tuple(own))

    def read(self, cells: str) -> str:
        """The class that some outputs, or targets, name."""
        if len(self.names) == 2 and ":" not in cells:
            return f"IF({cells}>={HALF_SURE},{quote(self.names[1])},{quote(self.names[0])})"
        place = f"MATCH(MAX({cells}),{cells},0)"
        return f"CHOOSE({place},{','.join(map(quote, self.names))})"

    def name(self, values: Array) -> str:
        """The same from the numbers."""
        if len(values) == 1:
            return self.names[int(values[0] >= HALF_SURE)]
        return self.names[int(np.argmax(values))]


def _numbered(classes: int) -> list[str]:
    return [tr("class {number}", number=k) for k in range(1, classes + 1)]


@dataclass(frozen=True)
class OwnPass:
    """The forward pass of an input that somebody types: one value below the other."""

    step: Step
    sheet: str
    inputs: dict[Node, str]  # where they are typed
    guarded: Guarded

    @cached_property
    def made(self) -> list[Node]:
        """The values that follow from the input."""
        several = self.step.samples > 1
        named = [node for node in ancestors(self.step.outputs) if node.name is not None]
        made = [node for node in named if node.op.name != "leaf"]
        return [node for node in made if node.each or not several]

    @cached_property
    def known(self) -> list[Node]:
        """What they mention besides: weights, and the means of normalisation, as trained."""
        own = {*self.made, *self.step.inputs}
        found = {source for node in self.made for source in named_inputs(node)}
        return sorted(found - own, key=lambda node: node.index)

    def row(self, node: Node) -> int:
        return FIRST_WORK_ROW + [*self.known, *self.made].index(node)

    def cell(self, node: Node) -> str:
        """Seen from another sheet."""
        return f"{quote_sheetname(self.sheet)}!{self._places[node]}"

    @cached_property
    def _places(self) -> dict[Node, str]:
        own = {
            node: f"$B${FIRST_WORK_ROW + k + 1}" for k, node in enumerate([*self.known, *self.made])
        }
        return {**self.inputs, **own}

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
NAMES_ROW, OWN_ROW, SAMPLES_ROW = 7, 8, 10  # headings, the input of one's own, the samples
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
class _Answers:
    sheet: Worksheet
    look: Look
    book: WorkbookPlan

    @cached_property
    def classes(self) -> Classes | None:
        return Classes.of(self.book.step)

    # Where ---------------------------------------------------------------------

    @property
    def outputs(self) -> int:
        """The column of the first output; inputs stand before them, targets behind."""
        return FIRST + len(self.book.step.inputs)

    @property
    def targets(self) -> int:
        return self.outputs + len(self.book.step.outputs)

    @property
    def verdicts(self) -> int:
        """The first column behind the targets."""
        return self.targets + len(self.book.step.targets)

    def area(self, row: int, column: int, nodes: tuple[Node, ...]) -> str:
        first = xl_rowcol_to_cell(row, column)
        last = xl_rowcol_to_cell(row, column + len(nodes) - 1)
        return first if len(nodes) == 1 else f"{first}:{last}"

    # What ----------------------------------------------------------------------

    def write(self) -> None:
        book = self.book
        self.sheet.set_column(0, 0, 2)
        self.sheet.set_column(LABEL, LABEL, 12)
        self.sheet.set_column(FIRST, self.verdicts + 2, 13)
        self.head()
        self.headings()
        self.own()
        for sample in range(book.step.samples):
            self.sample(sample)
        self.sheet.freeze_panes(OWN_ROW, FIRST)
        self.sheet.repeat_rows(NAMES_ROW - 1, NAMES_ROW)

    def head(self) -> None:
        look, book = self.look, self.book
        self.sheet.write_string(EPOCH_ROW, LABEL, tr("epoch"), look.name(RATE))
        self.sheet.write_number(EPOCH_ROW, FIRST, book.epochs, look.given(RATE))
        cell = xl_rowcol_to_cell(EPOCH_ROW, FIRST, row_abs=True, col_abs=True)
        look.workbook.define_name(EPOCH_NAME, f"={ANSWERS}!{cell}")
        self.sheet.data_validation(EPOCH_ROW, FIRST, EPOCH_ROW, FIRST, an_epoch(book.epochs))
        if self.classes:
            self.accuracy(self.classes)
        else:
            loss = book.step.loss
            self.sheet.write_string(SUMMARY_ROW, LABEL, str(loss.name), look.name(ERROR))
            formula, style = f"={self.in_epoch(loss)}", look.value(ERROR, SMALL)
            self.sheet.write_formula(SUMMARY_ROW, FIRST, formula, style, cell_value(book.loss(-1)))

    def accuracy(self, classes: Classes) -> None:
        """How many of the samples are read as what they are."""
        look, samples = self.look, self.book.step.samples
        meant, read = (
            f"{xl_rowcol_to_cell(SAMPLES_ROW, column)}:"
            f"{xl_rowcol_to_cell(SAMPLES_ROW + samples - 1, column)}"
            for column in (self.verdicts, self.verdicts + 1)
        )
        right = f"SUMPRODUCT(--({meant}={read}))"
        count = sum(
            classes.name(self.values(k)) == classes.name(self.wanted(k)) for k in range(samples)
        )
        self.sheet.write_string(SUMMARY_ROW, LABEL, tr("accuracy"), look.name(QUIET))
        style = look.style(num_format="0.0 %", bold=True, align="center")
        self.sheet.write_formula(SUMMARY_ROW, FIRST, f"={right}/{samples}", style, count / samples)
        cell = xl_rowcol_to_cell(SUMMARY_ROW, FIRST, row_abs=True, col_abs=True)
        look.workbook.define_name(ACCURACY_NAME, f"={ANSWERS}!{cell}")
        read_well = mark("{count} of {total} samples are read correctly")
        said = tr(read_well, count=count, total=samples)
        words = f"={sentence(tr(read_well, count='{count}', total=samples), count=right)}"
        self.sheet.write_formula(SUMMARY_ROW, FIRST + 1, words, look.remark, said)

    def headings(self) -> None:
        """The names that a table gives its columns, and below them those of the formulas."""
        step, look = self.book.step, self.look
        inputs = self.book.step.net.columns[: len(step.inputs)]
        outputs = self.classes.names if self.classes and len(step.outputs) > 1 else ()
        named = step.net.columns[len(step.inputs) :]
        outputs = outputs or (named if len(named) == len(step.outputs) else ())
        parts = (
            (FIRST, step.inputs, inputs or (tr("input"),), INPUT),
            (self.outputs, step.outputs, outputs or (tr("output"),), ACTIVATION),
            (self.targets, step.targets, outputs or (tr("target"),), TARGET),
        )
        for first, nodes, names, tint in parts:
            for place, node in enumerate(nodes):
                name = names[place] if place < len(names) else ""
                style = self.look.heading(tint, text_wrap=True)
                self.sheet.write_string(NAMES_ROW - 1, first + place, name[:MOST_NAMED], style)
                self.sheet.write_string(NAMES_ROW, first + place, str(node.name), style)
        self.sheet.write_string(NAMES_ROW, LABEL, tr("sample"), look.heading(QUIET))
        self.sheet.set_row(NAMES_ROW - 1, 30 if inputs or outputs else 15)
        words = (tr("true class"), tr("is read as"), "") if self.classes else (tr("apart by"),)
        for place, word in enumerate(words, self.verdicts):
            self.sheet.write_string(NAMES_ROW, place, word, look.heading(QUIET))

    def own(self) -> None:
        """The input of one's own: the first sample's, until another is typed."""
        step, own = self.book.step, own_pass(self.book)
        self.sheet.write_string(OWN_ROW, LABEL, tr("your own"), self.look.style(bold=True))
        for place, node in enumerate(step.inputs, FIRST):
            value = float(np.ravel(step.data[node])[0])
            self.sheet.write_number(OWN_ROW, place, value, self.look.given(INPUT))
        for place, node in enumerate(step.outputs, self.outputs):
            style = self.look.value(ACTIVATION, PLAIN, bold=True)
            found = cell_value(self.values(0)[place - self.outputs])
            self.sheet.write_formula(OWN_ROW, place, f"={own.cell(node)}", style, found)
        if self.classes:
            read = f"={self.classes.read(self.area(OWN_ROW, self.outputs, step.outputs))}"
            name = self.classes.name(self.values(0))
            self.sheet.write_formula(OWN_ROW, self.verdicts + 1, read, self.look.verdict(), name)

    def sample(self, sample: int) -> None:
        """A sample: what it is given, what the network says, and what it should say."""
        step, look, row = self.book.step, self.look, SAMPLES_ROW + sample
        self.sheet.write_number(row, LABEL, sample + 1, look.count)
        for first, nodes in ((FIRST, step.inputs), (self.outputs, step.outputs)):
            for place, node in enumerate(nodes, first):
                style = look.value(colour(node.name), number_format(node.name))
                formula, found = f"={self.in_epoch(node, sample)}", self.value(node, sample)
                self.sheet.write_formula(row, place, formula, style, cell_value(found))
        for place, node in enumerate(step.targets, self.targets):
            style = look.value(TARGET, "General")
            formula = f"={self.in_epoch(node, sample)}"
            self.sheet.write_formula(row, place, formula, style, self.value(node, sample))
        outputs = self.area(row, self.outputs, step.outputs)
        targets = self.area(row, self.targets, step.targets)
        if self.classes:
            self.reading(row, sample, self.classes, outputs, targets)
        else:
            apart = np.abs(self.values(sample) - self.wanted(sample)).max()
            formula = f"=SUMPRODUCT(MAX(ABS({outputs}-{targets})))"
            style = look.value(ERROR, SMALL)
            self.sheet.write_formula(row, self.verdicts, formula, style, cell_value(apart))

    def reading(self, row: int, sample: int, classes: Classes, outputs: str, targets: str) -> None:
        """The class that is meant, the one that is read, and whether they are the same."""
        meant, read = classes.name(self.wanted(sample)), classes.name(self.values(sample))
        style, place = self.look.style(align="center"), self.verdicts
        self.sheet.write_formula(row, place, f"={classes.read(targets)}", style, meant)
        self.sheet.write_formula(row, place + 1, f"={classes.read(outputs)}", style, read)
        one, other = (f"{xl_col_to_name(place + k)}{row + 1}" for k in (0, 1))
        right, wrong = tr("right"), tr("wrong")
        formula = f"=IF({one}={other},{quote(right)},{quote(wrong)})"
        found = right if meant == read else wrong
        self.sheet.write_formula(row, place + 2, formula, self.look.verdict(), found)
        cell = xl_rowcol_to_cell(row, place + 2)
        self.look.colour_verdicts(self.sheet, cell, ((right, GOOD), (wrong, BAD)))

    def in_epoch(self, node: Node, sample: int = 0) -> str:
        return self.book.training.in_epoch(node, self.book.epochs, EPOCH_NAME, sample)

    def value(self, node: Node, sample: int) -> float:
        """In the last epoch, which is chosen at first."""
        found = self.book.record.values[node][-1]
        return float(found[sample] if node.each else found)

    def values(self, sample: int) -> Array:
        return np.array([self.value(node, sample) for node in self.book.step.outputs])

    def wanted(self, sample: int) -> Array:
        return np.array([self.value(node, sample) for node in self.book.step.targets])


def write_answers_work(look: Look, book: WorkbookPlan) -> None:
    """The weights of the chosen epoch, and what they make of the input that was typed."""
    remark = tr(
        "The weights from {training} in the epoch chosen on {answers}, and below them what they "
        "make of the input typed there.",
        training=TRAINING,
        answers=ANSWERS,
    )
    sheet = look.sheet(ANSWERS_WORK, tr("How the network answers"), remark)
    sheet.set_column(0, 0, 14)
    sheet.set_column(1, 1, 16)
    own = own_pass(book)
    for row, node in enumerate([*own.known, *own.made], FIRST_WORK_ROW):
        value = np.ravel(book.record.values[node][-1])[0]
        asked = book.training.in_epoch(node, book.epochs, EPOCH_NAME)
        formula = f"={asked}" if node in own.known else own.formula(node)
        tint = colour(node.name)
        sheet.write_string(row, 0, str(node.name), look.name(tint))
        sheet.write_formula(
            row, 1, formula, look.value(tint, number_format(node.name)), cell_value(value)
        )
