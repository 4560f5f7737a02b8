"""The sheets Training and Samples: headings in groups, then every value's formula by epoch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from xlsxwriter.worksheet import Worksheet

from gradbook.cells.formula.syntax import LONGEST_FORMULA, write
from gradbook.errors import LimitError
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Node
from gradbook.language import mark, tr
from gradbook.layers import UPDATES, Role, inner_words
from gradbook.palette import QUIET
from gradbook.targets.excel.plan.cell_layout import ColumnBlock, RunLayout, Start, cell_value
from gradbook.targets.excel.plan.column_order import BLANK_NAME, ColumnGroup, kind_of
from gradbook.targets.excel.plan.workbook_plan import HEAD_ROWS, SAMPLES, TRAINING, WorkbookPlan
from gradbook.targets.excel.sheets.look import Look, colour, number_format
from gradbook.targets.excel.spellings import NAMES, Guarded

# A run's table ---------------------------------------------------------------

RowNumbers = Callable[[int, int], Mapping[str, object]]  # for an epoch and a sample
LONGEST_ROW = {"p": "$", **dict.fromkeys("ensazdflb", 1_048_576)}


@dataclass(frozen=True)
class ValueCells:
    """One value's cells: `first` in the first epoch, `later` in all others."""

    node: Node
    place: int
    first: Start
    later: str
    back: int = 0  # 1 if `later` refers to the epoch before

    def content(self, rows: RowNumbers, epoch: int, sample: int) -> Start:
        if epoch or isinstance(self.first, str):
            formula = self.later if epoch else str(self.first)
            return formula.format(**rows(epoch - self.back if epoch else 0, sample))
        return self.first


def columns(
    run: RunLayout, sheet: str, starts: Mapping[Node, Start], guarded: Guarded
) -> list[ValueCells]:
    """Every value of the run on this sheet; `starts` contains the leaves' first values."""
    tables = {id(table): table for table in (run.of_step, run.of_sample)}
    return [
        _column(run, node, place, sheet, starts, guarded)
        for table in tables.values()
        if table.sheet == sheet
        for node, place in table.columns.items()
    ]


def _column(
    run: RunLayout,
    node: Node,
    place: int,
    sheet: str,
    starts: Mapping[Node, Start],
    guarded: Guarded,
) -> ValueCells:
    if node not in starts:
        formula = run.formula(node, sheet, guarded)
        return ValueCells(node, place, _checked(node, formula), formula)
    start, following = starts[node], run.step.next.get(node)
    first = f"={start}" if isinstance(start, str) else start
    if following is None:
        return ValueCells(node, place, first, str(first))
    if following.name is not None:
        return ValueCells(node, place, first, run.mention(following, sheet, guarded), 1)
    formula = run.formula(following, sheet, guarded)
    return ValueCells(node, place, first, _checked(node, formula), 1)


def _checked(node: Node, formula: str) -> str:
    length = len(formula.format(**LONGEST_ROW))
    if length > LONGEST_FORMULA:
        fitting = formula.count("*") * LONGEST_FORMULA // length  # products as long as these
        raise LimitError(
            f"the formula of {node.name} would take {length:,} characters, but a cell holds "
            f"{LONGEST_FORMULA:,}: give its layer at most {fitting:,} inputs"
        )
    return formula


def write_headings(
    sheet: Worksheet, look: Look, row: int, parts: Sequence[ColumnGroup], places: Mapping[Node, int]
) -> None:
    """Write the groups' titles, and below them the values' names."""
    for group in parts:
        columns = [places[node] for node in group.nodes]
        tint = colour(group.nodes[0].name)
        style = look.heading(tint, italic=True, text_wrap=True, left=1, left_color="#FFFFFF")
        if len(columns) > 1:
            sheet.merge_range(row, columns[0], row, columns[-1], group.title, style)
        else:
            sheet.write_string(row, columns[0], group.title, style)
        for node in group.nodes:
            sheet.write_string(
                row + 1, places[node], str(node.name), look.heading(colour(node.name))
            )


def write_cells(
    sheet: Worksheet,
    look: Look,
    run: RunLayout,
    parts: Sequence[ValueCells],
    values: Mapping[Node, Array],
    blank: Collection[Node] = (),
) -> None:
    """Write each value of each epoch: its formula and its result."""
    rows = cache(run.rows)  # they are the same in every column
    for column in parts:
        kind, shape = colour(column.node.name), number_format(column.node.name)
        usual, empty = look.value(kind, shape), look.to_fill_in(shape)
        ruled = look.value(kind, shape, top=1, top_color=QUIET.ink)  # above an epoch's samples
        node, table = column.node, run.table(column.node)
        by_sample = values[node].reshape(len(values[node]), -1)
        for (epoch, sample), value in np.ndenumerate(by_sample):
            row = table.row(epoch) + sample
            if node in blank and (epoch or node not in run.step.next):
                sheet.write_blank(row, column.place, None, empty)
            else:
                style = ruled if node.each and epoch and not sample else usual
                content = column.content(rows, epoch, sample)
                if isinstance(content, str):
                    sheet.write_formula(row, column.place, content, style, cell_value(value))
                else:
                    sheet.write_number(row, column.place, content, style)


# The sheets ------------------------------------------------------------------

PRINT_SCALE, PAGE_COLUMNS = 70, 16  # in %; columns per page, without the counters


def write_training(look: Look, book: WorkbookPlan) -> None:
    """Write one row per epoch."""
    remark = tr(
        "One row is one epoch. All weights of a row change at once, from that row's gradients."
    )
    _write(look, book, TRAINING, tr("Training"), remark, each=False)


def write_samples(look: Look, book: WorkbookPlan) -> None:
    """Write one row per sample of each epoch."""
    remark = tr(
        "One row is one sample in one epoch; its weights are in that epoch's row of "
        "{training}, which sums over the samples.",
        training=TRAINING,
    )
    _write(look, book, SAMPLES, tr("Training, sample by sample"), remark, each=True)


def _write(
    look: Look, book: WorkbookPlan, name: str, title: str, remark: str, *, each: bool
) -> None:
    sheet = look.sheet(name, title, remark, repeated=(HEAD_ROWS - 2, HEAD_ROWS - 1))
    run, parts = book.training, book.columns(each=each)
    table = run.of_sample if each else run.of_step
    counters = [tr("epoch"), tr("sample")] if each else [tr("epoch")]
    sheet.set_column(0, len(counters) - 1, 7)
    sheet.set_column(len(counters), len(counters) + len(table.columns) - 1, 10.5)
    sheet.set_row(2, 30)
    for place, word in enumerate(counters):
        sheet.write_string(HEAD_ROWS - 1, place, word, look.heading(QUIET))
    write_headings(sheet, look, HEAD_ROWS - 2, parts, table.columns)
    write_notes(sheet, book, HEAD_ROWS - 1, table.columns)
    cells = columns(run, name, book.starts, book.guarded)
    write_cells(sheet, look, run, cells, book.record.values, book.blank)
    _name_blanks(look, book, table)
    rows, across = book.epochs * table.stride, len(table.columns)
    for row in range(rows):
        epoch, sample = divmod(row, table.stride)
        sheet.write_number(HEAD_ROWS + row, 0, epoch + 1, look.count)
        if each:
            sheet.write_number(HEAD_ROWS + row, 1, sample + 1, look.count)
    look.plain_zeros(sheet, HEAD_ROWS, len(counters), rows, across)
    sheet.freeze_panes(HEAD_ROWS, len(counters))
    _on_pages(sheet, [min(table.columns[node] for node in part.nodes) for part in parts], across)
    sheet.repeat_columns(0, len(counters) - 1)


def _on_pages(sheet: Worksheet, groups: Sequence[int], across: int) -> None:
    """Put as many columns on a printed page as can be read, and split no group that fits."""
    sheet.set_print_scale(PRINT_SCALE)
    first, end = groups[0], groups[0] + across
    breaks = []
    while end - first > PAGE_COLUMNS:
        starts = [group for group in groups if first < group <= first + PAGE_COLUMNS]
        first = max(starts, default=first + PAGE_COLUMNS)
        breaks.append(first)
    sheet.set_v_pagebreaks(breaks)


def _name_blanks(look: Look, book: WorkbookPlan, table: ColumnBlock) -> None:
    """Give each blank column a name, by which it is found even after it was moved.

    If exactly all gradients are asked for, they are found by their headings, without names.
    """
    unusual = book.exercise if book.exercise and not book.exercise.is_usual else None
    asked = unusual.kind_of(book.step) if unusual else {}
    for number, (node, kind) in enumerate(asked.items(), 1):
        if node in table.columns:
            first, last = book.rows_of(node)
            cells = f"${table.column(node)}${first + 1}:${table.column(node)}${last + 1}"
            look.workbook.define_name(BLANK_NAME.format(kind, number), f"={table.sheet}!{cells}")


# Notes -----------------------------------------------------------------------

LONGEST_NOTE = 400  # characters of a formula in a note
MOST_NOTES = 100  # on a sheet: LibreOffice takes 6 ms for each

MEANINGS: dict[str, str] = {
    "i": mark("An input. Its value is on the Network sheet."),
    "t": mark("A target: what the output should be. Its value is on the Network sheet."),
    **{role: role.card.note for role in Role},
    "â": mark("The value, rounded to a step of its range."),
    "h": mark("A hidden unit's weighted sum."),
    "o": mark("An output's weighted sum."),
    "a": mark("An activation: the unit's output."),
    "c": mark("One place of a convolution: the weighted sum of its window."),
    "p": mark("A pooled value: the result for its window."),
    "μ": mark("A mean, which the normalisation subtracts."),
    "σ²": mark("A variance: the mean of the squared distances from the mean."),
    "s": mark("A deviation, which the normalisation divides by."),
    "n": mark("The value, normalised."),
    "y": mark("The normalised value, scaled by γ and shifted by β."),
    "L": mark("The logarithm of the sum of all e^o, which the softmax subtracts."),
    "z": mark("A residual sum: this value and an earlier one, added."),
    "f": mark("An earlier value, from which a branch continues."),
    "e": mark("The value plus the vector of its step."),
    "E": mark("An error: how far the output is from its target."),
    "g": mark("One sample's share of a sum over the samples."),
    "q": mark("One sample's share of a mean over the samples."),
    "∂": mark("How fast the error changes with this value."),
    "k": mark("How many steps have been taken."),
}
MEMORIES = {stem: words for card in UPDATES.values() for stem, words in card.memories.items()}


def write_notes(sheet: Worksheet, book: WorkbookPlan, row: int, places: Mapping[Node, int]) -> None:
    """Write a note on each heading; on a wide table, which opens slowly, only one of each kind."""
    noted = list(places)
    if len(noted) > MOST_NOTES:
        noted = list({kind_of(node): node for node in reversed(noted)}.values())
    for node in noted:
        place = places[node]
        text = note(book, node)
        lines = sum(1 + len(line) // 38 for line in text.split("\n"))
        options = {"x_scale": 2, "height": 18 + 15 * lines, "font_size": 9}
        sheet.write_comment(row, place, text, options)


def note(book: WorkbookPlan, node: Node) -> str:
    """The note on a column. In an exercise, the formulas to fill in are left out."""
    assert node.name is not None
    name = str(node.name)
    columns, inputs = book.step.source.columns, book.step.inputs
    place = inputs.index(node) if node in inputs else len(columns)
    lines = [name, *columns[place : place + 1], meaning(node.name)]
    if node in book.blank and node in book.step.next:
        update = tr("To be filled in from the second row on: write its update and copy it down.")
        return "\n".join([*lines, update])
    if node in book.blank:
        to_do = tr("To be filled in: write its formula and copy it down.")
        return "\n".join([*lines, to_do])
    following = book.step.next.get(node)
    if following is not None and following is not node:
        lines.append(tr("in the next row: {formula}", formula=formula_note(following)))
    elif node.op.name != "leaf":
        lines.append(f"{name} = {formula_note(node)}")
    return "\n".join(lines)


def meaning(name: Name) -> str:
    """The meaning of a value's kind, in words."""
    if name.of is not None and name.stem in MEMORIES:
        return tr(MEMORIES[name.stem])
    inner = inner_words().get(f"{name.stem}_{name.word}") if name.word else None
    if inner:
        words = tr(inner)
        return f"{words[0].upper()}{words[1:]}."
    return tr(MEANINGS[name.stem]) if name.stem in MEANINGS else ""


def formula_note(node: Node) -> str:
    """A node's formula with names in place of cells."""
    text = write(NAMES.formula(node))
    return text if len(text) <= LONGEST_NOTE else f"{text[:LONGEST_NOTE]} …"
