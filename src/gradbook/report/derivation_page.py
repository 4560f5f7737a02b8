"""A derivation as HTML: one page to read, and the pieces that slides are made of too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gradbook.language import tr
from gradbook.net import Net
from gradbook.report.page import Section, page, table, text, wide, wide_drawing
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
from gradbook.targets.algebra.text import spell

SMALLEST = 0.6  # of its size, that a drawing shrinks to before it scrolls


def derivation_page(document: Document, net: Net, command: str = "") -> str:
    """The page; `command` is what makes it, for the foot."""
    from gradbook.report.document import made_with
    from gradbook.report.markup import markup
    from gradbook.targets.drawing import draw, style, svg  # which text has no need of

    drawing = draw(net)
    opening, *parts = document_parts(document.blocks)
    shown, fits = wide_drawing(svg(drawing, alone=False), SMALLEST * drawing.width)
    figure = f"<figure>{shown}</figure>"
    return page(
        document.title,
        [Section(part.anchor, inline_html(part.heading), _blocks(part)) for part in parts],
        lead="\n".join([figure, _blocks(opening), _contents(parts)]),
        foot=markup(made_with(command)),
        style=style() + fits,
    )


@dataclass(frozen=True)
class DocumentPart:
    """The blocks under a heading of level 1, each with its anchor if it has one."""

    anchor: str
    heading: Sequence[Inline]
    blocks: Sequence[tuple[Block, str]]


def document_parts(blocks: Iterable[Block]) -> Iterator[DocumentPart]:
    """What stands before the first heading, then a part for each."""
    anchors = _Anchors()
    anchor = "top"
    heading: Sequence[Inline] = ()
    found: list[tuple[Block, str]] = []
    for block in blocks:
        own = anchors.new(block.text) if isinstance(block, Heading) else ""
        if isinstance(block, Heading) and block.level == 1:
            yield DocumentPart(anchor, heading, found)
            anchor, heading, found = own, block.text, []
        else:
            found.append((block, own))
    yield DocumentPart(anchor, heading, found)


class _Anchors:
    """Makes anchors that differ, of headings that may not."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def new(self, heading: Sequence[Inline]) -> str:
        words = re.sub(r"[^\w]+", "-", plain_words(heading).lower()).strip("-") or "top"
        names = (words, *(f"{words}-{k}" for k in range(2, len(self.taken) + 3)))
        anchor = next(name for name in names if name not in self.taken)
        self.taken.add(anchor)
        return anchor


def plain_words(parts: Sequence[Inline]) -> str:
    """Without markup, for anchors."""

    def words(part: Inline) -> str:
        match part:
            case str():
                return part
            case EquationNumber(number):
                return f"({number})"
            case Code(code):
                return code
            case _:
                return spell(part)

    return "".join(map(words, parts))


def _contents(parts: Sequence[DocumentPart]) -> str:
    """Links to the parts, and to the pieces of those that have some."""
    entries = "".join(map(_entry, parts))
    return f'<nav id="contents" aria-label="{text(tr("Contents"))}"><ol>{entries}</ol></nav>'


def _entry(part: DocumentPart) -> str:
    chips = "".join(
        f'<li><a href="#{anchor}" aria-label="{text(plain_words(piece.text))}">'
        f"{inline_html(_shortly(piece.text))}</a></li>"
        for piece, anchor in part.blocks
        if isinstance(piece, Heading)
    )
    pieces = f'<ul class="chips">{chips}</ul>' if chips else ""
    return f'<li><a href="#{part.anchor}">{inline_html(part.heading)}</a>{pieces}</li>'


def _shortly(heading: Sequence[Inline]) -> Sequence[Inline]:
    """'Weight w5' is w5 in a row of such, and of 'Steps: a … z' only the words are left."""
    things = [part for part in heading if not isinstance(part, str)]
    words = [part.rstrip(":： ") for part in heading[:1] if isinstance(part, str)]
    return things if len(things) == 1 else words or heading


def _blocks(part: DocumentPart) -> str:
    return "\n".join(block_html(block, anchor) for block, anchor in part.blocks)


def block_html(block: Block, anchor: str) -> str:
    match block:
        case Heading(words):
            return f'<h3 id="{anchor}">{inline_html(words)} {_up()}</h3>'
        case Paragraph(words, aside):
            kind = ' class="aside"' if aside else ""
            return f"<p{kind}>{inline_html(words)}</p>"
        case Equation():
            return _equation(block)
        case TableBlock():
            return _table_html(block)


def _up() -> str:
    return f'<a class="up" href="#contents" aria-label="{text(tr("to the contents"))}">↑</a>'


def _equation(block: Equation) -> str:
    box = wide(display(block.lines), focusable=False)
    if block.number is None:
        return f'<div class="equation">{box}</div>'
    anchor = f"equation-{block.number}"
    number = f'<a class="number" href="#{anchor}">({block.number})</a>'
    return f'<div class="equation" id="{anchor}">{box}{number}</div>'


def _table_html(block: TableBlock) -> str:
    """Columns of words stand left, numbers right."""
    columns = list(zip(*block.rows, strict=True))
    numbers = [[list(map(type, cell)) == [Numeral] for cell in column] for column in columns]
    words = [k for k, column in enumerate(numbers) if not all(column)]
    rows = (list(map(inline_html, row)) for row in block.rows)
    return wide(table(list(map(inline_html, block.head)), rows, words))


def inline_html(parts: Sequence[Inline]) -> str:
    return "".join(map(_inline, parts))


def _inline(part: Inline) -> str:
    match part:
        case str():
            return text(part)
        case EquationNumber(number):
            return f'<a href="#equation-{number}">({number})</a>'
        case Code(code):
            return f"<code>{text(code)}</code>"
        case _:
            return inline(part)
