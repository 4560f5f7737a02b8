"""A derivation as the blocks of a page to read, part by part."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from gradbook.net import Net
from gradbook.net.formulas import Formulas
from gradbook.report.document import Block as ReportBlock
from gradbook.report.document import Chapter, PageOnly, Passage, Report, Subheading, made_with
from gradbook.report.markup import report_page
from gradbook.report.page_shell import wide, wide_drawing
from gradbook.report.styled_text import Span, TableColumn, TextLine, TextTable, plain_words
from gradbook.targets.algebra.forms import (
    Block,
    Code,
    Document,
    Equation,
    EquationNumber,
    Heading,
    Inline,
    Numeral,
    Paragraph,
    TableBlock,
)
from gradbook.targets.algebra.mathml import display, inline
from gradbook.targets.algebra.terminal_text import spell

SMALLEST = 0.6  # share of its size below which a drawing scrolls instead of shrinking


@dataclass(frozen=True)
class SheetPicture:
    """A workbook's sheets as HTML: for a page with the style that it needs, and without one."""

    html: str
    style: str
    plain: str


def derivation_page(
    document: Document,
    net: Net | Formulas | None,
    command: str = "",
    sheets: SheetPicture | None = None,
) -> str:
    """The page; `command` is what makes it, for the foot, and `sheets` stand in place of a
    network's drawing."""
    drawing, style = _drawing(net) if net else ("", "")
    if sheets:
        drawing, style = sheets.html, sheets.style
    opening, *parts = document_parts(document.blocks)
    return report_page(
        Report(
            document.title,
            [Chapter(part.anchor, words_of(part.heading), part.shown()) for part in parts],
            lead=[PageOnly(lambda: drawing), *opening.shown()],
            foot=made_with(command),
            has_contents=True,
            style=style,
        )
    )


def _drawing(net: Net | Formulas) -> tuple[str, str]:
    """The network's drawing, and its style."""
    from gradbook.targets.drawing import draw, style, svg  # text doesn't need them

    drawing = draw(net)
    shown, fits = wide_drawing(svg(drawing, alone=False), SMALLEST * drawing.width)
    return f"<figure>{shown}</figure>", style() + fits


@dataclass(frozen=True)
class DocumentPart:
    """The blocks under a heading of level 1, each with its anchor if it has one."""

    anchor: str
    heading: Sequence[Inline]
    blocks: Sequence[tuple[Block, str]]

    def shown(self) -> list[ReportBlock]:
        return [page_block(block, anchor) for block, anchor in self.blocks]


def document_parts(blocks: Iterable[Block]) -> Iterator[DocumentPart]:
    """The blocks before the first heading of level 1, then one part per such heading."""
    new_anchor = _anchors()
    anchor = "top"
    heading: Sequence[Inline] = ()
    parts: list[tuple[Block, str]] = []
    for block in blocks:
        block_anchor = new_anchor(block.text) if isinstance(block, Heading) else ""
        if isinstance(block, Heading) and block.level == 1:
            yield DocumentPart(anchor, heading, parts)
            anchor, heading, parts = block_anchor, block.text, []
        else:
            parts.append((block, block_anchor))
    yield DocumentPart(anchor, heading, parts)


def _anchors() -> Callable[[Sequence[Inline]], str]:
    """Return a function that makes a different anchor for each heading."""
    taken: set[str] = set()

    def new(heading: Sequence[Inline]) -> str:
        words = plain_words(words_of(heading)).lower()
        words = re.sub(r"[^\w]+", "-", words).strip("-") or "top"
        names = (words, *(f"{words}-{k}" for k in range(2, len(taken) + 3)))
        anchor = next(name for name in names if name not in taken)
        taken.add(anchor)
        return anchor

    return new


def page_block(block: Block, anchor: str = "") -> ReportBlock:
    match block:
        case Heading(words):
            return Subheading(words_of(words), anchor, words_of(_shortly(words)))
        case Paragraph(words, aside):
            return Passage(words_of(words), "aside" if aside else "")
        case Equation():
            return PageOnly(lambda: _equation(block))
        case TableBlock(head, rows):
            columns = zip(*rows, strict=True)
            titles = (
                TableColumn("", shown=words_of(title), words=not _are_numbers(column))
                for title, column in zip(head, columns, strict=True)
            )
            cells = (tuple(tuple(words_of(cell)) for cell in row) for row in rows)
            return TextTable(tuple(titles), tuple(cells))


def _are_numbers(column: Iterable[Sequence[Inline]]) -> bool:
    return all(list(map(type, cell)) == [Numeral] for cell in column)


def _shortly(heading: Sequence[Inline]) -> Sequence[Inline]:
    """A heading for the contents: w5 for 'Weight w5', and only the word for 'Steps: a … z'."""
    things = [part for part in heading if not isinstance(part, str)]
    words = [part.rstrip(":： ") for part in heading[:1] if isinstance(part, str)]
    return things if len(things) == 1 else words or heading


def _equation(block: Equation) -> str:
    box = wide(display(block.lines), focusable=False)
    if block.number is None:
        return f'<div class="equation">{box}</div>'
    anchor = f"equation-{block.number}"
    number = f'<a class="number" href="#{anchor}">({block.number})</a>'
    return f'<div class="equation" id="{anchor}">{box}{number}</div>'


def words_of(parts: Sequence[Inline]) -> TextLine:
    return list(map(_span, parts))


def _span(part: Inline) -> Span:
    match part:
        case str():
            return Span(part)
        case EquationNumber(number):
            return Span(f"({number})", link=f"equation-{number}")
        case Code(code):
            return Span(code, tag="code")
        case _:
            return Span(spell(part), markup=inline(part))
