"""Writes a run's table: headings in groups, then every value's formula, epoch by epoch."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from xlsxwriter.worksheet import Worksheet

from gradbook.errors import LimitError
from gradbook.graph.node import Array, Node
from gradbook.palette import QUIET
from gradbook.targets.excel.language.grammar import LONGEST_FORMULA
from gradbook.targets.excel.language.spelling import Guarded
from gradbook.targets.excel.plan.columns import ColumnGroup
from gradbook.targets.excel.plan.layout import RunLayout, Start
from gradbook.targets.excel.plan.values import shown
from gradbook.targets.excel.sheets.look import Look, colour, digits

LONGEST_ROW = {"p": "$", **dict.fromkeys("ensazdfl", 1_048_576)}


@dataclass(frozen=True)
class ValueCells:
    """One value's cells: `first` in the first epoch, `later` from then on."""

    node: Node
    place: int
    first: Start
    later: str
    back: int = 0  # 1 where `later` refers to the epoch before

    def content(self, run: RunLayout, epoch: int, sample: int) -> Start:
        if epoch or isinstance(self.first, str):
            said = self.later if epoch else str(self.first)
            return said.format(**run.rows(epoch - self.back if epoch else 0, sample))
        return self.first


def columns(
    run: RunLayout, sheet: str, starts: Mapping[Node, Start], guarded: Guarded
) -> list[ValueCells]:
    """Every value of the run that stands on this sheet; `starts` holds the leaves' first values."""
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
        raise LimitError(
            f"the formula of {node.name} would take {length:,} characters and a cell holds "
            f"{LONGEST_FORMULA:,}: give its layer fewer inputs"
        )
    return formula


def write_headings(
    sheet: Worksheet, look: Look, row: int, parts: Sequence[ColumnGroup], places: Mapping[Node, int]
) -> None:
    """The groups' titles, and below them the values' names."""
    for group in parts:
        own = [places[node] for node in group.nodes]
        tint = colour(group.nodes[0].name)
        style = look.heading(tint, italic=True, text_wrap=True, left=1, left_color="#FFFFFF")
        if len(own) > 1:
            sheet.merge_range(row, own[0], row, own[-1], group.title, style)
        else:
            sheet.write_string(row, own[0], group.title, style)
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
    """Each value of each epoch: its formula, and what it comes to."""
    for column in parts:
        kind, shape = colour(column.node.name), digits(column.node.name)
        usual, empty = look.value(kind, shape), look.to_fill_in(shape)
        ruled = look.value(kind, shape, top=1, top_color=QUIET.ink)  # above an epoch's samples
        for epoch, sample in _cells(values[column.node]):
            row = run.table(column.node).row(epoch) + sample
            if column.node in blank and (epoch or column.node not in run.step.next):
                sheet.write_blank(row, column.place, None, empty)
            else:
                found = values[column.node][epoch]
                value = shown(found[sample] if column.node.each else found)
                style = ruled if column.node.each and epoch and not sample else usual
                content = column.content(run, epoch, sample)
                if isinstance(content, str):
                    sheet.write_formula(row, column.place, content, style, value)
                else:
                    sheet.write_number(row, column.place, content, style)


def _cells(values: Array) -> Iterator[tuple[int, int]]:
    samples = values.shape[1] if values.ndim > 1 else 1
    for epoch in range(len(values)):
        for sample in range(samples):
            yield epoch, sample
