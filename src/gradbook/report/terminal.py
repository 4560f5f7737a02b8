"""A report as text: its blocks as coloured lines that fit a terminal's width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from gradbook.language.text_width import pad, text_width
from gradbook.report.charts import chart_lines
from gradbook.report.document import (
    Article,
    Block,
    Charts,
    Facts,
    Figure,
    Items,
    Listing,
    Meanings,
    Passage,
    Report,
    Subheading,
)
from gradbook.report.styled_text import (
    BAR,
    GAP,
    RULE,
    TEXT_WIDTH,
    Span,
    TextLine,
    TextTable,
    as_spans,
    fit,
    fold,
    plain,
)

WORDS = Passage | Items | Listing
HANGING = 2  # columns
PLAIN_BAR = "="
ASCII = str.maketrans({"−": "-", "≤": "<=", "²": "^2", "∞": "inf", BAR: PLAIN_BAR})


def report_lines(report: Report, width: int, *, ascii_only: bool = False) -> Iterator[TextLine]:
    """The report in so many columns."""
    return block_lines(report.in_short(), width, ascii_only=ascii_only)


def report_text(report: Report, width: int = TEXT_WIDTH) -> str:
    """The same as text without colours."""
    return plain(list(report_lines(report, width)))


def block_lines(
    blocks: Iterable[Block], width: int, *, ascii_only: bool = False
) -> Iterator[TextLine]:
    """The blocks, separated by empty lines unless both are words."""
    before: Block | None = None
    for block in chain.from_iterable(
        it.blocks if isinstance(it, Figure) else (it,) for it in blocks
    ):
        lines = list(_lines(block, width, ascii_only))
        if not lines:
            continue
        goes_on = isinstance(before, WORDS) and isinstance(block, WORDS)
        if before is not None and not goes_on and not isinstance(before, Subheading):
            yield []
        signs = ASCII if ascii_only and not isinstance(block, Charts) else {}
        for line in lines:
            yield [Span(span.text.translate(signs), span.colour) for span in line]
        before = block


def _lines(block: Block, width: int, ascii_only: bool) -> Iterator[TextLine]:
    match block:
        case Passage():
            yield from _text(block, width)
        case Items(items):
            for item in items:
                yield from fold(item, width, block.indent, block.indent + HANGING)
        case Meanings() | Facts():
            yield from _pairs(block, width)
        case Subheading(words) | Article(words):
            yield [Span(span.text, "bold") for span in as_spans(words)]
            if isinstance(block, Article):
                yield from block_lines(block.blocks, width, ascii_only=ascii_only)
        case Listing(text):
            yield from ([Span(line)] for line in text.splitlines())
        case Charts(charts):
            for number, chart in enumerate(charts):
                yield from [[]] if number else []
                yield from chart_lines(chart, width, block.rows, ascii_only=ascii_only)
        case TextTable():
            yield from table_lines(block, width, ascii_only=ascii_only)
        case _:  # what only a page shows
            return


def _pairs(block: Meanings | Facts, width: int) -> Iterator[TextLine]:
    if isinstance(block, Meanings):
        for word, meaning in block.pairs:
            words = [*as_spans(word), Span(": "), *as_spans(meaning)]
            yield from fold(words, width, rest=HANGING)
        return
    longest = max((text_width(name) for name, _ in block.pairs), default=0)
    yield from ([Span(f"{pad(name, longest)}{GAP}{value}")] for name, value in block.pairs)


def _text(block: Passage, width: int) -> Iterator[TextLine]:
    lines = list(fold(block.words, width, block.indent, block.hang))
    if block.most and len(lines) > block.most:
        end = plain([lines[block.most - 1]]).rstrip("\n")
        lines = [*lines[: block.most - 1], [Span(end[: width - 4] + " ...")]]
    yield from lines


def table_lines(table: TextTable, width: int, *, ascii_only: bool = False) -> Iterator[TextLine]:
    """A table with as many columns as fit, and a line that names the others."""
    if table.notes:
        yield from table.lines_with_notes(width)
        return
    if any(column.is_drawn for column in table.columns):
        yield from table.lines()
        return
    shown, left_out = fit(table, width)
    yield from shown.lines("-" if ascii_only else RULE)
    if left_out:
        words = f"hidden because the terminal is too narrow: {', '.join(left_out)}"
        yield from fold([Span(words, "bright_black")], width)
