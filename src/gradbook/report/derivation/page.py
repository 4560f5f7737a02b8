"""A derivation as one page: the network drawn, then its algebra, with links between the steps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gradbook.net import Net
from gradbook.report.page import Section, made_with, table, text, wide, wide_drawing
from gradbook.report.page import page as whole_page
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
from gradbook.targets.algebra.mathml import displayed, inline
from gradbook.targets.algebra.text import spell
from gradbook.targets.drawing import draw, style, svg

UP = '<a class="up" href="#contents" aria-label="to the contents">↑</a>'
SMALLEST = 0.6  # of its size, that a drawing shrinks to before it scrolls


def page(document: Document, net: Net, command: str = "") -> str:
    """The page; `command` is what makes it, for the foot."""
    drawing = draw(net)
    opening, *parts = _parts(document.blocks)
    shown, fits = wide_drawing(svg(drawing, alone=False), SMALLEST * drawing.width)
    figure = f"<figure>{shown}</figure>"
    return whole_page(
        document.title,
        [Section(part.anchor, _inlines(part.heading), _blocks(part)) for part in parts],
        lead="\n".join([figure, _blocks(opening), _contents(parts)]),
        foot=made_with(command),
        style=style() + fits,
    )


@dataclass(frozen=True)
class _Part:
    """The blocks under a heading of level 1, each with its anchor if it has one."""

    anchor: str
    heading: Sequence[Inline]
    blocks: Sequence[tuple[Block, str]]


def _parts(blocks: Iterable[Block]) -> Iterator[_Part]:
    """What stands before the first heading, then a part for each."""
    anchors = _Anchors()
    anchor = "top"
    heading: Sequence[Inline] = ()
    found: list[tuple[Block, str]] = []
    for block in blocks:
        own = anchors.new(block.text) if isinstance(block, Heading) else ""
        if isinstance(block, Heading) and block.level == 1:
            yield _Part(anchor, heading, found)
            anchor, heading, found = own, block.text, []
        else:
            found.append((block, own))
    yield _Part(anchor, heading, found)


class _Anchors:
    """Makes anchors that differ, of headings that may not."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def new(self, heading: Sequence[Inline]) -> str:
        words = re.sub(r"[^\w]+", "-", _plain(heading).lower()).strip("-") or "top"
        names = (words, *(f"{words}-{k}" for k in range(2, len(self.taken) + 3)))
        anchor = next(name for name in names if name not in self.taken)
        self.taken.add(anchor)
        return anchor


def _plain(parts: Sequence[Inline]) -> str:
    """Without markup, for anchors."""

    def said(part: Inline) -> str:
        match part:
            case str():
                return part
            case EquationNumber(number):
                return f"({number})"
            case Code(code):
                return code
            case _:
                return spell(part)

    return "".join(map(said, parts))


def _contents(parts: Sequence[_Part]) -> str:
    """Links to the parts, and to the pieces of those that have some."""
    entries = "".join(map(_entry, parts))
    return f'<nav id="contents" aria-label="Contents"><ol>{entries}</ol></nav>'


def _entry(part: _Part) -> str:
    chips = "".join(
        f'<li><a href="#{anchor}" aria-label="{text(_plain(piece.text))}">'
        f"{_inlines(_shortly(piece.text))}</a></li>"
        for piece, anchor in part.blocks
        if isinstance(piece, Heading)
    )
    pieces = f'<ul class="chips">{chips}</ul>' if chips else ""
    return f'<li><a href="#{part.anchor}">{_inlines(part.heading)}</a>{pieces}</li>'


def _shortly(heading: Sequence[Inline]) -> Sequence[Inline]:
    """'Weight w5' is w5 in a row of such, and of 'Steps: a … z' only the words are left."""
    things = [part for part in heading if not isinstance(part, str)]
    words = [part.rstrip(": ") for part in heading[:1] if isinstance(part, str)]
    return things if len(things) == 1 else words or heading


def _blocks(part: _Part) -> str:
    return "\n".join(_block(block, anchor) for block, anchor in part.blocks)


def _block(block: Block, anchor: str) -> str:
    match block:
        case Heading(words):
            return f'<h3 id="{anchor}">{_inlines(words)} {UP}</h3>'
        case Paragraph(words, aside):
            kind = ' class="aside"' if aside else ""
            return f"<p{kind}>{_inlines(words)}</p>"
        case Equation():
            return _equation(block)
        case TableBlock():
            return _table(block)


def _equation(block: Equation) -> str:
    box = wide(displayed(block.lines), focusable=False)
    if block.number is None:
        return f'<div class="equation">{box}</div>'
    anchor = f"equation-{block.number}"
    number = f'<a class="number" href="#{anchor}">({block.number})</a>'
    return f'<div class="equation" id="{anchor}">{box}{number}</div>'


def _table(block: TableBlock) -> str:
    """Columns of words stand left, numbers right."""
    columns = list(zip(*block.rows, strict=True))
    numbers = [[list(map(type, cell)) == [Numeral] for cell in column] for column in columns]
    words = [k for k, column in enumerate(numbers) if not all(column)]
    rows = (list(map(_inlines, row)) for row in block.rows)
    return wide(table(list(map(_inlines, block.head)), rows, words))


def _inlines(parts: Sequence[Inline]) -> str:
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
