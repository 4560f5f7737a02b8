"""The sheet Network: what can be changed, and beside it what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO

from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from gradbook.graph.node import Array, Node
from gradbook.language import mark, tr, tr_count
from gradbook.language.message import joined, said
from gradbook.palette import ERROR, INPUT, QUIET, RATE, Colour
from gradbook.targets.excel.plan.book import (
    ANSWERS,
    CHECK,
    CHECK_NAME,
    DERIVATION,
    EPOCHS_NAME,
    GRIDS,
    NETWORK,
    PICTURE,
    RATE_NAME,
    RATE_WORDS,
    RATES,
    RATES_WORK,
    SAMPLES,
    TRAINING,
    WorkbookPlan,
    given_name,
    start_name,
)
from gradbook.targets.excel.plan.columns import STUDENT_NAME
from gradbook.targets.excel.plan.layout import cell_value
from gradbook.targets.excel.sheets.look import (
    SMALL,
    ChartCurve,
    Look,
    colour,
    loss_chart,
    summary_kinds,
)

GUIDE_WIDTH = 15  # columns
PANEL = 1  # the first column of the panel on the left
MADE_UP_ROW = 2
FIRST_ROW = 3
CHART = (3, 4)
CHART_SIZE = {"width": 540, "height": 330}
MOST_ON_A_PAGE = 90  # rows that can still be read on one printed page
MOST_NAMED = 40  # characters of a column's name in the table
NAMED, LINE = 12, 13  # characters in a line of such a name, and its height in points


def write_network(look: Look, book: WorkbookPlan) -> None:
    net = book.step.net
    title = net.name or tr("A network")
    layers = " → ".join(layer.text for layer in net.layers)
    shape = "x".join(map(str, net.input))
    remark = tr("input {shape} → {layers} → {loss}", shape=shape, layers=layers, loss=net.objective)
    title = tr("{network}: an exercise", network=title) if book.exercise else title
    sheet = look.sheet(NETWORK, title, remark, left=PANEL)
    if not net.has_samples:
        sheet.write_string(MADE_UP_ROW, PANEL, net.made_up(), look.remark)
    rows = (
        FIRST_ROW + len(book.step.weights) + (book.data_place[0] + book.step.samples) * book.several
    )
    sheet.fit_to_pages(1, 1 if rows <= MOST_ON_A_PAGE else 0)
    sheet.set_column(0, 0, 2)
    sheet.set_column(PANEL, PANEL, 21)
    sheet.set_column(PANEL + 1, PANEL + 1, 13)
    sheet.set_column(PANEL + 2, PANEL + 2, 3)
    sheet.set_column(CHART[1], CHART[1] + GUIDE_WIDTH + 3, 9)
    _Panel(sheet, look, book).write()
    _chart(sheet, look, book)
    _picture(sheet, book)
    _guide(sheet, look, book)
    if book.several:
        _data(sheet, look, book)


class _Panel:
    """The list on the left: a name and a cell in each row."""

    def __init__(self, sheet: Worksheet, look: Look, book: WorkbookPlan) -> None:
        self.sheet, self.look, self.book = sheet, look, book
        self.row = FIRST_ROW

    def write(self) -> None:
        book, step = self.book, self.book.step
        if book.exercise and book.exercise.student:
            self.student(book.exercise.student)
        self.section(tr("Learning"))
        self.given(tr(RATE_WORDS), book.rate, RATE, RATE_NAME)
        training = book.training.of_step
        first, last = (training.cell(step.loss, epoch) for epoch in (0, book.epochs - 1))
        in_first, in_last = (
            tr("{error}, epoch {epoch}", error=step.loss.name, epoch=epoch)
            for epoch in (1, book.epochs)
        )
        self.result(in_first, f"={first}", book.loss(0))
        self.result(in_last, f"={last}", book.loss(-1), "final_error")
        if book.has_check:
            self.verdict(CHECK_NAME, book.check.summary.value)
            self.verdict(EPOCHS_NAME, book.check.epochs_summary.value)
        if not book.several:
            self.givens(tr("Inputs"), step.inputs, step.data, given_name)
            self.givens(tr("Targets"), step.targets, step.data, given_name)
        self.givens(tr("Start weights"), step.weights, step.start, start_name)

    def givens(
        self,
        title: str,
        nodes: Sequence[Node],
        values: Mapping[Node, Array],
        name: Callable[[Node], str],
    ) -> None:
        self.section(title)
        for node in nodes:
            words = self.book.words_of(node)
            self.given(words, float(values[node]), colour(node.name), name(node))

    def section(self, title: str) -> None:
        self.row += self.row > FIRST_ROW
        self.look.underlined(self.sheet, self.row, PANEL, 2, title)
        self.row += 1

    def given(self, words: str, value: float, tint: Colour, name: str) -> None:
        """A cell that is there to be changed, under its own name."""
        self.sheet.write_string(self.row, PANEL, words, self.look.name(tint))
        self.sheet.write_number(self.row, PANEL + 1, value, self.look.given(tint))
        self.name(name)
        self.row += 1

    def result(self, words: str, formula: str, value: float, name: str = "") -> None:
        self.sheet.write_string(self.row, PANEL, words, self.look.name(ERROR))
        style = self.look.value(ERROR, SMALL, align="center", bold=True)
        self.sheet.write_formula(self.row, PANEL + 1, formula, style, cell_value(value))
        if name:
            self.name(name)
        self.row += 1

    def student(self, name: str) -> None:
        """Whose exercise it is, above everything else."""
        self.sheet.write_string(self.row, PANEL, tr("Student"), self.look.name(QUIET))
        self.sheet.write_string(self.row, PANEL + 1, name, self.look.style(bold=True, indent=1))
        self.name(STUDENT_NAME)
        self.row += 1

    def verdict(self, name: str, value: str) -> None:
        self.sheet.merge_range(self.row, PANEL, self.row, PANEL + 1, "", self.look.verdict())
        cell = xl_rowcol_to_cell(self.row, PANEL)
        self.sheet.write_formula(self.row, PANEL, f"={name}", self.look.verdict(), value)
        self.look.colour_verdicts(self.sheet, cell, summary_kinds())
        self.row += 1

    def name(self, name: str) -> None:
        cell = xl_rowcol_to_cell(self.row, PANEL + 1, row_abs=True, col_abs=True)
        self.look.workbook.define_name(name, f"={NETWORK}!{cell}")


def _chart(sheet: Worksheet, look: Look, book: WorkbookPlan) -> None:
    table, loss = book.training.of_step, book.step.loss
    curve = ChartCurve(
        f"={table.over_epochs(loss, book.epochs)}",
        f"={TRAINING}!$A${table.first + 1}:$A${table.first + book.epochs}",
        ERROR.ink,
        f"{loss.name}",
    )
    lowest = float(book.record.values[loss].min())
    title = tr("{error} over the epochs", error=loss.name)
    chart = loss_chart(look, [curve], title, book.epochs, lowest)
    chart.set_legend({"none": True})
    chart.set_size(CHART_SIZE)
    sheet.insert_chart(*CHART, chart, {"object_position": 2})


def _picture(sheet: Worksheet, book: WorkbookPlan) -> None:
    if book.picture is None:
        return
    name = book.step.net.name
    options = {
        "image_data": BytesIO(book.picture),
        "x_scale": book.picture_scale,
        "y_scale": book.picture_scale,
        "description": tr("The network: {name}", name=name)
        if name
        else tr("The network: a drawing"),
        "object_position": 2,
    }
    sheet.insert_image(*PICTURE, "network.png", options)


GUIDE = {
    DERIVATION: mark("the chain rule for every weight, each factor a cell, in any epoch"),
    TRAINING: mark("one row per epoch: every value, every gradient, every new weight"),
    SAMPLES: mark("the same for every sample of every epoch"),
    GRIDS: mark(
        "image, kernels and maps as pictures, with their gradients, and the window that slides"
    ),
    ANSWERS: mark("what the network answers for its samples, and for an input of your own"),
    RATES: mark("what other learning rates would do, side by side"),
    CHECK: mark("every gradient next to the slope measured by nudging its weight"),
    RATES_WORK: mark("the training runs behind the learning rates"),
}
OF_SEQUENCES = mark(  # grids
    "every layer as matrices, with a column for each step, and their gradients"
)


def _guide(sheet: Worksheet, look: Look, book: WorkbookPlan) -> None:
    """What is where, and what to try."""
    row, column = book.guide_row, CHART[1]
    look.underlined(sheet, row, column, GUIDE_WIDTH, tr("What is on which sheet"))
    for name in book.sheets:
        if name in GUIDE and name not in book.behind:
            row += 1
            link = look.style(font_color=INPUT.ink, underline=1, bold=True)
            sheet.write_url(row, column, f"internal:'{name}'!A1", link, name)
            steps = name == GRIDS and book.step.net.laid_out
            words = OF_SEQUENCES if steps else GUIDE[name]
            sheet.write_string(row, column + 2, tr(words), look.text)
    if book.behind:
        row += 1
        behind = [name for name in book.sheets if name in book.behind]
        words = tr_count(
            "{sheets} is hidden behind these: right-click any sheet's tab to unhide it.",
            "{sheets} are hidden behind these: right-click any sheet's tab to unhide them.",
            len(behind),
            sheets=said(joined(", ", behind)),
        )
        sheet.write_string(row, column, words, look.remark)
    row += 2
    look.underlined(sheet, row, column, GUIDE_WIDTH, tr("Try"))
    for number, text in enumerate(_suggestions(book), 1):
        sheet.write_string(row + number, column, text, look.text)


def _suggestions(book: WorkbookPlan) -> list[str]:
    if book.exercise:
        what = (
            mark("Fill in the yellow cells of {training}: a gradient's formula, copied down.")
            if book.exercise.is_usual
            else mark("Fill in the yellow cells of {training}: a column's formula, copied down.")
        )
        texts = [tr(what, training=TRAINING)]
        if book.has_check:
            green = mark("{check} turns green gradient by gradient; here the error begins to fall.")
            texts.append(tr(green, check=CHECK))
        copy = tr(
            "Then copy the same columns, all rows, into {work}: {rates} comes alive.",
            work=RATES_WORK,
            rates=RATES,
        )
        return [*texts, copy] if book.rates else texts
    return [
        tr("Type another η: a tenth as much, ten times as much, a thousand times as much."),
        tr("Change a start weight, an input or a target (any framed cell): everything follows."),
        tr(
            "Break the formula of a gradient in any row of {training} and watch {check} turn red.",
            training=TRAINING,
            check=CHECK,
        ),
    ]


def _data(sheet: Worksheet, look: Look, book: WorkbookPlan) -> None:
    """The samples, one in each row."""
    step, (row, column) = book.step, book.data_place
    top = row - 3 if book.given_names else row - 2
    look.underlined(sheet, top, column, len(book.given) + 1, tr("Samples"))
    sheet.write_string(row - 1, column, tr("sample"), look.heading(QUIET))
    for number in range(step.samples):
        sheet.write_number(row + number, column, number + 1, look.count)
    lines = max((1 + len(name) // NAMED for name in book.given_names.values()), default=1)
    if lines > 1:
        sheet.set_row(row - 2, LINE * min(lines, MOST_NAMED // NAMED))
    for place, leaf in enumerate(book.given, column + 1):
        if leaf in book.given_names:
            name = look.style(text_wrap=True, font_size=9, align="center", valign="bottom")
            sheet.write_string(row - 2, place, book.given_names[leaf][:MOST_NAMED], name)
        sheet.write_string(row - 1, place, str(leaf.name), look.heading(colour(leaf.name)))
        for number, value in enumerate(step.data[leaf]):
            sheet.write_number(row + number, place, value, look.given(colour(leaf.name)))
