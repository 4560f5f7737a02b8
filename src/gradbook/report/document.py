"""What a report is made of: a list of blocks, which don't depend on a medium.

A subject's file writes each sentence, table and number once, as blocks of a `Report`. `terminal.py`
shows them in a terminal, `markup.py` on a page and in a notebook, `media.py` writes Markdown, CSV
and JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from gradbook.language import tr
from gradbook.report.charts import Chart
from gradbook.report.styled_text import Span, TextTable, Words, spans


@dataclass(frozen=True)
class Passage:
    """A paragraph. `kind` is its class on a page; in a terminal, its first line is indented by
    `indent` columns, the others by `hang`, and at most `most` lines are shown."""

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
    indent: int = 0  # in a terminal


@dataclass(frozen=True)
class Meanings:
    """What some words mean."""

    pairs: Sequence[tuple[Words, Words]]
    kind: str = "meanings"


@dataclass(frozen=True)
class Facts:
    """Names and figures, as at the top of a page."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Subheading:
    """A heading below a chapter's; the contents link to its anchor, if any, by `short` words."""

    words: Words
    anchor: str = ""
    short: Words = ""


@dataclass(frozen=True)
class Listing:
    """Text shown as it is: a network, a recipe, a command."""

    text: str


@dataclass(frozen=True)
class Charts:
    """Charts that are read together; `title` describes them for screen readers."""

    charts: Sequence[Chart]
    title: str
    has_labels: bool = False
    rows: int = 14  # of each in a terminal


@dataclass(frozen=True)
class Fold:
    """Blocks that a page hides until the reader opens them."""

    summary: Words
    blocks: Blocks
    kind: str = ""
    anchor: str = ""
    is_open: bool = False


@dataclass(frozen=True)
class Figure:
    """Tables or drawings that are set apart from the text."""

    blocks: Blocks
    kind: str = ""
    caption: Words = ""


@dataclass(frozen=True)
class Article:
    """Blocks about one thing of several, under its own heading."""

    heading: Words
    blocks: Blocks
    kind: str = ""


@dataclass(frozen=True)
class PageOnly:
    """HTML that only a page can show; it is made when the page is."""

    draw: Callable[[], str]
    is_chart: bool = False  # or several


@dataclass(frozen=True)
class Picture:
    """An image: its address, made when the page is, and a description for screen readers."""

    address: Callable[[], str]
    about: str = ""


@dataclass(frozen=True)
class Card:
    """An image and lines of words below it, each with a left and a right part."""

    picture: Picture
    lines: Sequence[tuple[Words, Words]]
    title: str = ""
    anchor: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Gallery:
    """Cards side by side."""

    cards: Sequence[Card]
    anchor: str = ""


@dataclass(frozen=True)
class Pictures:
    """Images side by side, with words about them; the images of a stack are below each other."""

    stacks: Sequence[Sequence[Picture]]
    words: Words = ""
    kind: str = "tiles"
    about: str = ""


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
    | Article
    | PageOnly
    | Gallery
    | Pictures
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
class Side:
    """Chapters in a column of their own, if the page is wide enough for two."""

    chapters: tuple[Chapter, ...]


@dataclass(frozen=True)
class Report:
    """A report in full; `brief` is a shorter or reordered version for terminals and Markdown,
    `cell` one for notebooks.
    """

    title: str
    chapters: Sequence[Chapter | Side] = ()
    lead: Blocks = ()
    foot: Blocks = ()
    brief: Blocks | None = None
    cell: Blocks | None = None
    rows: TextTable | None = None  # for CSV; or else the first table
    record: Any = None  # for JSON; or else the rows by their keys
    indent: int | None = 1  # of JSON
    # For pages only.
    has_contents: bool = False
    is_read: bool = True  # is text to read; other pages have a style of their own
    styles: Sequence[str] = ()  # by the names of their files
    style: str = ""  # made for this page
    scripts: Sequence[str] = ()
    main: str = ""  # the module of `web/` that starts it
    data: Mapping[str, Any] | None = None  # the data of that module
    other_scripts: Mapping[str, str] = field(default_factory=dict)  # further scripts, by their ids
    has_a_server: bool = False
    head: str = ""  # further elements of the page's head
    is_kept: bool = False  # by a service worker beside it
    computes: bool = False
    has_parts: bool = False  # scripts beside it, which its own loads
    is_packed: bool = False  # its script is deflated
    host: str = ""  # the address of a program's script, where the page is a part of that program

    @property
    def all_chapters(self) -> list[Chapter]:
        sides = (it.chapters if isinstance(it, Side) else (it,) for it in self.chapters)
        return list(chain(*sides))

    def in_short(self) -> Blocks:
        """For a terminal."""
        if self.brief is not None:
            return self.brief
        parts = [(Subheading(chapter.heading), *chapter.blocks) for chapter in self.all_chapters]
        return (Passage((Span(self.title, "bold"),)), *self.lead, *sum(parts, ()))

    def table(self) -> TextTable:
        """For programs."""
        if self.rows is not None:
            return self.rows
        tables = (block for block in self.every() if isinstance(block, TextTable))
        return next(tables, TextTable(()))

    def every(self) -> Iterator[Block]:
        """All blocks, including nested ones."""
        return _every(chain(self.lead, *(chapter.blocks for chapter in self.all_chapters)))


def _every(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        yield block
        if isinstance(block, Fold | Article | Figure):
            yield from _every(block.blocks)


def made_with(command: str) -> Blocks:
    """The command that makes a report again, for its foot; nothing if no command is known."""
    if not command:
        return ()
    return (Passage(spans(tr("Made with {command}"), command=Span(command, tag="code"))),)
