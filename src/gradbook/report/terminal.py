"""A report as text: its blocks as coloured lines that fit a terminal's width."""

from __future__ import annotations

from collections.abc import Iterator

from gradbook.language.columns import pad, text_width
from gradbook.report.charts import chart_lines
from gradbook.report.document import (
    Block,
    Blocks,
    Charts,
    Facts,
    Figure,
    Items,
    Listing,
    Meanings,
    Passage,
    Report,
    Subheading,
    Words,
)
from gradbook.report.words import (
    GAP,
    RULE,
    TEXT_WIDTH,
    Span,
    TextLine,
    TextTable,
    fit,
    fold,
    plain,
)

WORDS = Passage | Items | Listing
HANGING = 2  # columns
LONGEST_BAR = 24
BAR, PLAIN_BAR = "━", "="
ASCII = str.maketrans({"−": "-", "≤": "<=", "²": "^2", "∞": "inf"})


def report_lines(report: Report, width: int, *, ascii_only: bool = False) -> Iterator[TextLine]:
    """The report in so many columns."""
    return block_lines(report.in_short(), width, ascii_only=ascii_only)


def report_text(report: Report, width: int = TEXT_WIDTH) -> str:
    """The same without colours, for whoever only prints."""
    return plain(list(report_lines(report, width)))


def block_lines(blocks: Blocks, width: int, *, ascii_only: bool = False) -> Iterator[TextLine]:
    """The blocks with an empty line between them, but for words that follow words."""
    before: Block | None = None
    for block in (one.inside if isinstance(one, Figure) else one for one in blocks):
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
                yield from fold(_spans(item), width, rest=HANGING)
        case Meanings(pairs):
            for word, meaning in pairs:
                yield from fold([*_spans(word), Span(f": {meaning}")], width, rest=HANGING)
        case Facts(pairs):
            longest = max((text_width(name) for name, _ in pairs), default=0)
            yield from ([Span(f"{pad(name, longest)}{GAP}{value}")] for name, value in pairs)
        case Subheading(words):
            yield [Span(span.text, "bold") for span in _spans(words)]
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


def _spans(words: Words) -> TextLine:
    return [Span(words)] if isinstance(words, str) else list(words)


def _text(block: Passage, width: int) -> Iterator[TextLine]:
    lines = list(fold(_spans(block.words), width, block.indent, block.hang))
    if block.most and len(lines) > block.most:
        end = plain([lines[block.most - 1]]).rstrip("\n")
        lines = [*lines[: block.most - 1], [Span(end[: width - 4] + " ...")]]
    yield from lines


def table_lines(table: TextTable, width: int, *, ascii_only: bool = False) -> Iterator[TextLine]:
    """A table with as many columns as there is room for, and which had none."""
    if table.notes:
        yield from table.lines_with_notes(width)
        return
    if table.bars:
        yield from _with_bars(table, PLAIN_BAR if ascii_only else BAR)
        return
    shown, left_out = fit(table, width)
    yield from shown.lines("-" if ascii_only else RULE)
    if left_out:
        words = f"hidden, the terminal is too narrow: {', '.join(left_out)}"
        yield from fold([Span(words, "bright_black")], width)


def _with_bars(table: TextTable, ink: str) -> Iterator[TextLine]:
    heading, *lines = table.lines()
    yield heading
    for line, share in zip(lines, table.bars, strict=False):
        yield [*line, Span(GAP), Span(ink * round(LONGEST_BAR * share), "cyan")]
    yield from lines[len(table.bars) :]
