"""A weight's chain through a program, printed and in a notebook: from the loss back to the weight.

Knows neither how slopes are found nor how the program was run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradbook.audit.programs.explaining import ChainLink, ProgramChain
from gradbook.errors import one_line, visible
from gradbook.language import tr
from gradbook.language.text_width import pad, text_width
from gradbook.report.document import Block, Chapter, Passage, Report, made_with
from gradbook.report.markup import report_cell, report_page
from gradbook.report.program_text import gradient_lines
from gradbook.report.program_words import (
    address_of,
    brief,
    entry_of,
    shape_of,
    shown_words,
    three_numbers,
)
from gradbook.report.styled_text import (
    TEXT_WIDTH,
    RichCell,
    Span,
    TableColumn,
    TextLine,
    TextTable,
    fold,
)
from gradbook.report.styled_text import plain as plain_text

MOST_LINKS = 40  # that are shown; a chain over time may have thousands
STRONG, QUIET = "bold", "bright_black"


def chain_text(chain: ProgramChain) -> str:
    return plain_text(list(chain_lines(chain, TEXT_WIDTH))).rstrip()


def chain_lines(chain: ProgramChain, width: int) -> Iterator[TextLine]:
    """Title, each link in two or three lines, the formula, the program's gradient."""
    yield from fold([Span(title(chain), STRONG)], width, 0, 2)
    shown, hidden = _shown_links(chain)
    room = max([text_width(label) for label in labels()], default=0) + 7
    for number, link in enumerate(shown):
        yield []
        if hidden and number == MOST_LINKS // 2:
            yield [Span(f"  {tr('{number} more', number=hidden)}", QUIET)]
            yield []
        yield from _link(link, room, width)
    yield []
    yield [Span(f"  {one_line(chain.weight)}", STRONG), Span(f"   {shape_of(chain.shape)}", QUIET)]
    yield from _numbers(chain.shape, chain.numbers, chain.slopes, room)
    if chain.formula:
        yield []
        yield from fold([Span(one_line(chain.formula))], width, 2, 4)
    if chain.gradient:
        yield []
        yield from gradient_lines([chain.gradient])


def labels() -> tuple[str, str]:
    return tr("value"), tr("slope")


def title(chain: ProgramChain) -> str:
    words = shown_words(chain.loss.words)
    where = tr("assumed") if chain.loss.span is None else address_of(chain.loss.span)
    return tr(
        "{weight}, from the loss back: {loss}, {where}; step {number}",
        weight=one_line(chain.weight),
        loss=words,
        where=where,
        number=chain.step,
    )


def _shown_links(chain: ProgramChain) -> tuple[list[ChainLink], int]:
    links = list(chain.links)
    hidden = max(len(links) - MOST_LINKS, 0)
    if hidden:
        links = links[: MOST_LINKS // 2] + links[-MOST_LINKS // 2 :]
    return links, hidden


def _link(link: ChainLink, room: int, width: int) -> Iterator[TextLine]:
    head = f"  {address_of(link.span)}   "
    code = _code(link)
    shape = f"   {shape_of(link.shape)}" if link.shape else ""
    if text_width(head) + text_width(code) + text_width(shape) <= width:
        yield [Span(head, STRONG), Span(code), Span(shape, QUIET)]
    else:
        yield [Span(head.rstrip(), STRONG), Span(shape, QUIET)]
        yield from fold([Span(code)], width, 5, 9)
    yield from _numbers(link.shape, link.numbers, link.slopes, room)


def _code(link: ChainLink) -> str:
    expression = " ".join(visible(link.span.text).split())
    name = one_line(link.name)
    is_named = name != expression and not expression.startswith(f"{name} ")
    return f"{name} = {expression}" if is_named else expression


def _numbers(
    shape: Sequence[int], numbers: Sequence[float], slopes: Sequence[float], room: int
) -> Iterator[TextLine]:
    for label, values in zip(labels(), (numbers, slopes), strict=True):
        if values:
            yield [Span(pad(f"     {label}", room), QUIET), Span(_listed(shape, values))]


def _listed(shape: Sequence[int], values: Sequence[float]) -> str:
    size = 1
    for side in shape:
        size *= side
    return ", ".join([*map(brief, values), *(["…"] if size > len(values) else [])])


def chain_cell(chain: ProgramChain) -> str:
    """The same as a table in a notebook."""
    blocks = [Passage([Span(title(chain), tag="b")]), *_blocks(chain)]
    return report_cell(Report(chain.weight, [Chapter("chain", "", [])], cell=blocks))


def chain_page(chain: ProgramChain, command: str = "") -> str:
    """The same as a page; `command` makes it again."""
    chapter = Chapter("chain", title(chain), list(_blocks(chain)))
    name = f"{one_line(chain.file)}: {one_line(chain.weight)}"
    return report_page(Report(name, [chapter], foot=made_with(command)))


def _blocks(chain: ProgramChain) -> Iterator[Block]:
    shown, hidden = _shown_links(chain)
    names = (tr("line"), tr("expression"), tr("shape"), *labels())
    columns = tuple(TableColumn(name, words=True) for name in names)
    rows: list[tuple[RichCell, ...]] = []
    for number, link in enumerate(shown):
        if hidden and number == MOST_LINKS // 2:
            rows.append(("…", tr("{number} more", number=hidden), "", "", ""))
        code = (Span(_code(link), tag="code"),)
        numbers = _listed(link.shape, link.numbers), _listed(link.shape, link.slopes)
        rows.append((address_of(link.span), code, shape_of(link.shape), *numbers))
    weight = (Span(one_line(chain.weight), tag="code"),)
    numbers = _listed(chain.shape, chain.numbers), _listed(chain.shape, chain.slopes)
    rows.append(("", weight, shape_of(chain.shape), *numbers))
    yield TextTable(columns, tuple(rows))
    if chain.formula:
        yield Passage(one_line(chain.formula))
    if chain.gradient:
        yield Passage(_gradient_words(chain))


def _gradient_words(chain: ProgramChain) -> str:
    gradient = chain.gradient
    assert gradient is not None
    yours, exact, off = three_numbers(gradient)
    words = tr(
        "{gradient}{entry}: {yours} in the program, {exact} by the chain rule, off by {off}",
        gradient=shown_words(gradient.name),
        entry=entry_of(gradient),
        yours=yours,
        exact=exact,
        off=off,
    )
    sign = {True: "✓", False: "✗", None: "–"}[gradient.is_right]
    return f"{sign} {words}"
