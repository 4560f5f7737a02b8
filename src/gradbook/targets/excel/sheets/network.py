"""The sheet Network: the values that can be changed, with the results beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO

from xlsxwriter.worksheet import Worksheet

from gradbook.graph.node import Array, Node
from gradbook.language import mark, tr, tr_count
from gradbook.language.message import joined, translate
from gradbook.layers import spell
from gradbook.net.formulas import Formulas
from gradbook.palette import ERROR, INPUT, QUIET
from gradbook.targets.excel.live import LiveValue
from gradbook.targets.excel.plan.column_order import STUDENT_NAME
from gradbook.targets.excel.plan.workbook_plan import (
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
    leaf_cell_name,
    start_name,
)
from gradbook.targets.excel.sheets.look import (
    SMALL,
    ChartCurve,
    Look,
    Page,
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
    net = book.step.source
    if isinstance(net, Formulas):
        title, remark = net.name or tr("Formulas"), "; ".join(net.equations)
    else:
        title = net.name or tr("A network")
        layers, shape = " → ".join(layer.text for layer in net.layers), spell(net.input)
        remark = tr(
            "input {shape} → {layers} → {loss}", shape=shape, layers=layers, loss=net.objective
        )
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
    _Panel(sheet, look).write(book)
    _chart(sheet, look, book)
    _picture(sheet, book)
    _guide(sheet, look, book)
    if book.several:
        _data(sheet, look, book)


class _Panel(Page):
    """The list on the left: a name and a cell in each row."""

    def write(self, book: WorkbookPlan) -> None:
        step, row = book.step, FIRST_ROW
        if book.exercise and book.exercise.student:
            self.sheet.write_string(row, PANEL, tr("Student"), self.look.name(QUIET))
            style = self.look.style(bold=True, indent=1)
            self.sheet.write_string(row, PANEL + 1, book.exercise.student, style)
            self.named(STUDENT_NAME, row, PANEL + 1)
            row += 2
        self.look.underlined(self.sheet, row, PANEL, 2, tr("Learning"))
        self.asked(row + 1, PANEL, tr(RATE_WORDS), book.rate, RATE_NAME)
        row = self.results(row + 2, book)
        if not book.several:
            row = self.values_table(row, tr("Inputs"), step.inputs, book, step.data, leaf_cell_name)
            row = self.values_table(
                row, tr("Targets"), step.targets, book, step.data, leaf_cell_name
            )
        self.values_table(row, tr("Start weights"), step.weights, book, step.start, start_name)

    def results(self, row: int, book: WorkbookPlan) -> int:
        """Write the error in the first and last epoch, and the check's summaries; the next row."""
        loss, style = book.step.loss, self.look.value(ERROR, SMALL, align="center", bold=True)
        for epoch in (0, book.epochs - 1):
            words = tr("{error}, epoch {epoch}", error=loss.name, epoch=epoch + 1)
            self.sheet.write_string(row, PANEL, words, self.look.name(ERROR))
            content = LiveValue.at(book.training.of_step.cell(loss, epoch), book.loss(epoch))
            self.live(row, PANEL + 1, content, style)
            row += 1
        self.named("final_error", row - 1, PANEL + 1)
        if book.has_check:
            summaries = {CHECK_NAME: book.check.summary, EPOCHS_NAME: book.check.epochs_summary}
            for name, content in summaries.items():
                self.verdict(row, PANEL, 2, LiveValue.at(name, content.value), summary_kinds())
                row += 1
        return row

    def values_table(
        self,
        row: int,
        title: str,
        nodes: Sequence[Node],
        book: WorkbookPlan,
        values: Mapping[Node, Array],
        name: Callable[[Node], str],
    ) -> int:
        """Write cells that users may change, each with a name; the row after them."""
        if not nodes:
            return row
        self.look.underlined(self.sheet, row + 1, PANEL, 2, title)
        for place, node in enumerate(nodes, row + 2):
            words, tint = book.words_of(node), colour(node.name)
            self.asked(place, PANEL, words, float(values[node]), name(node), tint=tint)
        return row + 2 + len(nodes)


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
    name = book.step.source.name
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
        "image, kernels and maps as pictures, with their gradients, and the sliding window"
    ),
    RATES: mark("the training at other learning rates, side by side"),
    CHECK: mark("every gradient next to the slope measured by nudging its weight"),
    RATES_WORK: mark("the training runs behind the learning rates"),
}
OF_SEQUENCES = mark(  # grids
    "every layer as matrices, with one column per step, and their gradients"
)


def _guide(sheet: Worksheet, look: Look, book: WorkbookPlan) -> None:
    """Write the list of sheets, and suggestions what to try."""
    row, column = book.guide_row, CHART[1]
    look.underlined(sheet, row, column, GUIDE_WIDTH, tr("What is on which sheet"))
    for name in book.sheets:
        if name in GUIDE and name not in book.behind:
            row += 1
            link = look.style(font_color=INPUT.ink, underline=1, bold=True)
            sheet.write_url(row, column, f"internal:'{name}'!A1", link, name)
            steps = name == GRIDS and book.step.source.laid_out
            words = OF_SEQUENCES if steps else GUIDE[name]
            sheet.write_string(row, column + 2, tr(words), look.text)
    if book.behind:
        row += 1
        behind = [name for name in book.sheets if name in book.behind]
        words = tr_count(
            "{sheets} is hidden behind these: right-click any sheet's tab to unhide it.",
            "{sheets} are hidden behind these: right-click any sheet's tab to unhide them.",
            len(behind),
            sheets=translate(joined(", ", behind)),
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
            green = mark("{check} turns green gradient by gradient; the error here begins to fall.")
            texts.append(tr(green, check=CHECK))
        copy = tr(
            "Then copy the same columns, all rows, into {work}: {rates} then shows its curves.",
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
    """Write the samples, one in each row."""
    step, (row, column) = book.step, book.data_place
    top = row - 3 if book.column_names else row - 2
    look.underlined(sheet, top, column, len(book.leaf_references) + 1, tr("Samples"))
    sheet.write_string(row - 1, column, tr("sample"), look.heading(QUIET))
    for number in range(step.samples):
        sheet.write_number(row + number, column, number + 1, look.count)
    lines = max((1 + len(name) // NAMED for name in book.column_names.values()), default=1)
    if lines > 1:
        sheet.set_row(row - 2, LINE * min(lines, MOST_NAMED // NAMED))
    for place, leaf in enumerate(book.leaf_references, column + 1):
        if leaf in book.column_names:
            name = look.style(text_wrap=True, font_size=9, align="center", valign="bottom")
            sheet.write_string(row - 2, place, book.column_names[leaf][:MOST_NAMED], name)
        sheet.write_string(row - 1, place, str(leaf.name), look.heading(colour(leaf.name)))
        for number, value in enumerate(step.data[leaf]):
            sheet.write_number(row + number, place, value, look.changeable(colour(leaf.name)))
