"""What a report is made of: blocks in an order, which know no medium.

A subject's file says what there is to tell: each sentence, table and number once, as blocks of a
`Report`. `terminal.py` shows them in a terminal, `markup.py` on a page and in a notebook,
`media.py` writes Markdown, CSV and JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gradbook.language import tr
from gradbook.report.charts import Chart
from gradbook.report.words import Span, TextTable, spans

Words = str | Sequence[Span]


@dataclass(frozen=True)
class Passage:
    """A paragraph. `kind` is its class on a page; in a terminal its first line is indented by so
    many columns, the others `hang`, and of very many lines the `most` are shown."""

    words: Words
    kind: str = ""
    indent: int = 0
    hang: int = 0
    most: int = 0


@dataclass(frozen=True)
class Items:
    """A list."""

    items: Sequence[Words]
    kind: str = ""


@dataclass(frozen=True)
class Meanings:
    """What some words mean."""

    pairs: Sequence[tuple[Words, str]]


@dataclass(frozen=True)
class Facts:
    """Names and figures, such as head a page."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Subheading:
    """A heading below a chapter's."""

    words: Words


@dataclass(frozen=True)
class Listing:
    """Passage as it is: a network, a recipe, a command."""

    text: str


@dataclass(frozen=True)
class Charts:
    """Charts that are read together; `title` says it to those who can't see them."""

    charts: Sequence[Chart]
    title: str
    has_labels: bool = False
    rows: int = 14  # of each in a terminal


@dataclass(frozen=True)
class Fold:
    """Blocks that a page shows when they are asked for."""

    summary: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Figure:
    """A table or a drawing that stands apart from the words."""

    inside: Block
    kind: str = ""


@dataclass(frozen=True)
class PageOnly:
    """What only a page can show, as HTML; it is made when a page is."""

    draw: Callable[[], str]
    is_chart: bool = False  # or several


Block = (
    Passage
    | Items
    | Meanings
    | Facts
    | Subheading
    | Listing
    | Charts
    | Fold
    | Figure
    | PageOnly
    | TextTable
)
Blocks = Sequence[Block]


@dataclass(frozen=True)
class Chapter:
    """Blocks under a heading, which can be linked to as #anchor."""

    anchor: str
    heading: Words
    blocks: Blocks


@dataclass(frozen=True)
class Report:
    """What there is to tell of a subject, in full; where a medium is to show less of it, or in
    another order, `brief` says so for terminals and Markdown, `cell` for notebooks.
    """

    title: str
    chapters: Sequence[Chapter] = ()
    lead: Blocks = ()
    foot: Blocks = ()
    brief: Blocks | None = None
    cell: Blocks | None = None
    rows: TextTable | None = None  # for CSV; or else the first table
    record: Any = None  # for JSON; or else the rows by their keys
    indent: int | None = 1  # of JSON
    styles: Sequence[str] = ()  # of pages, by the names of their files
    scripts: Sequence[str] = ()

    def in_short(self) -> Blocks:
        """For a terminal."""
        if self.brief is not None:
            return self.brief
        parts = [(Subheading(one.heading), *one.blocks) for one in self.chapters]
        return (Passage((Span(self.title, "bold"),)), *self.lead, *sum(parts, ()))

    def table(self) -> TextTable:
        """For programs."""
        if self.rows is not None:
            return self.rows
        found = (block for block in self.every() if isinstance(block, TextTable))
        return next(found, TextTable(()))

    def every(self) -> Iterator[Block]:
        """The blocks in full, with those within them."""
        return _every([*self.lead, *(block for one in self.chapters for block in one.blocks)])


def _every(blocks: Blocks) -> Iterator[Block]:
    for block in blocks:
        yield block
        if isinstance(block, Fold):
            yield from _every(block.blocks)
        elif isinstance(block, Figure):
            yield block.inside


def made_with(command: str) -> Blocks:
    """The command that makes a report again, for its foot; nothing where none is known."""
    if not command:
        return ()
    return (Passage(spans(tr("Made with {command}"), command=Span(command, tag="code"))),)
